package source

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"
)

// pack compresses a file as logrotate has it done, and keeps its time.
func (r *reader) pack(name, suffix string, program ...string) {
	r.t.Helper()
	if _, err := exec.LookPath(program[0]); err != nil {
		r.t.Skipf("%s is not installed", program[0])
	}
	info, err := os.Stat(r.path(name))
	if err != nil {
		r.t.Fatal(err)
	}
	text, err := os.ReadFile(r.path(name))
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.CommandContext(r.t.Context(), program[0], program[1:]...)
	cmd.Stdin = bytes.NewReader(text)
	packed, err := cmd.Output()
	if err == nil {
		err = os.WriteFile(r.path(name+suffix), packed, 0o600)
	}
	if err == nil {
		err = os.Chtimes(r.path(name+suffix), info.ModTime(), info.ModTime())
	}
	if err == nil {
		err = os.Remove(r.path(name))
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// What is missing of a log is read however it was compressed, under whatever name; what cannot be read is refused,
// once.
func TestCompressedRotations(t *testing.T) {
	for name, tc := range map[string]struct {
		suffix  string
		program []string
		refused bool
	}{
		"gzip":               {".gz", []string{"gzip", "-c"}, false},
		"bzip2":              {".bz2", []string{"bzip2", "-c"}, false},
		"xz":                 {".xz", []string{"xz", "-c"}, false},
		"xz with threads":    {".xz", []string{"xz", "-c", "-T2", "--block-size=4096"}, false},
		"zstd":               {".zst", []string{"zstd", "-c", "-q"}, false},
		"zstd --long":        {".zst", []string{"zstd", "-c", "-q", "--long=27"}, false},
		"zstd by no name":    {"", []string{"zstd", "-c", "-q"}, false},
		"lz4":                {".lz4", []string{"lz4", "-c", "-q"}, true},
		"xz, too large":      {".xz", []string{"xz", "-c", "--lzma2=dict=256MiB"}, true},
		"lzma, by no suffix": {".old", []string{"xz", "-c", "--format=lzma"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				r := newReader(t)
				r.append("access.log", r.lines(100))
				r.start()
				r.wants(100)
				r.stop()
				r.append("access.log", r.lines(200))
				r.rename("access.log", "access.log.1")
				r.append("other", r.lines(30))
				r.rename("other", "access.log.2") // came and went
				for _, rotated := range []string{"access.log.1", "access.log.2"} {
					if tc.suffix == "" {
						r.pack(rotated, ".packed", tc.program...)
						r.rename(rotated+".packed", rotated)
						continue
					}
					r.pack(rotated, tc.suffix, tc.program...)
				}
				r.append("access.log", r.lines(5))
				r.start()
				if tc.refused {
					r.wants(105)
					r.until("both refused", func() bool { return r.status.Errors.Load() >= 2 })
					r.wants(105)
					return
				}
				r.wants(335)
				r.exact()
				if n := r.status.Errors.Load(); n != 0 {
					t.Errorf("%d errors", n)
				}
				r.stop()
				r.start()
				r.wants(335)
			})
		})
	}
}

// A log that was read to its end, and one that was there before, are not missed if they are compressed in a way that
// cannot be read.
func TestRefusedWhereNothingIsMissing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		r.append("access.log.2", r.lines(10))
		r.pack("access.log.2", ".lz4", "lz4", "-c", "-q")
		r.append("access.log", logLines(100))
		r.start()
		r.wants(100)
		r.rename("access.log", "access.log.1")
		r.append("access.log", logLines(5))
		r.until("done with it", func() bool {
			for _, f := range r.store.Files(0) {
				if f.Done {
					return true
				}
			}
			return false
		})
		r.pack("access.log.1", ".lz4", "lz4", "-c", "-q")
		r.wants(105)
		if n := r.status.Errors.Load(); n != 0 {
			t.Errorf("%d errors", n)
		}
	})
}

// Whatever is in a file, inflating it ends with its text or an error.
func FuzzInflate(f *testing.F) {
	for _, c := range compressions {
		f.Add([]byte(c.magic))
		f.Add([]byte(c.magic + "0123456789012345678901234567890123456789"))
	}
	f.Add([]byte("\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4F\x02\x00!\x01\x28\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Inflate(bytes.NewReader(data))
		if err != nil {
			return
		}
		defer r.Close()
		text, err := io.ReadAll(io.LimitReader(r, 1<<20))
		if err == nil && byMagic(data) == nil && !bytes.Equal(text, data[:min(len(data), 1<<20)]) {
			t.Errorf("%q became %q", data, text)
		}
		if errors.Is(err, errUnsupported) {
			t.Errorf("%q is refused late", data)
		}
	})
}
