package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

func write(t *testing.T, path string, text []byte, at time.Time) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func directoryPolicy(t *testing.T, pattern string) *config.Backup {
	t.Helper()
	return realPolicy(t, config.BackupSource{Program: "directory", Path: t.TempDir(), Pattern: pattern})
}

func TestDirectory(t *testing.T) {
	b := directoryPolicy(t, "db-*.dump")
	for name, at := range map[string]time.Time{"db-1.dump": noon, "db-2.dump": noon.Add(time.Hour), "db-3.dump.tmp": noon.Add(2 * time.Hour), "sub/db-4.dump": noon.Add(3 * time.Hour)} {
		write(t, filepath.Join(b.Source.Path, name), []byte("12345"), at)
	}
	if err := os.Symlink("db-1.dump", filepath.Join(b.Source.Path, "db-9.dump")); err != nil {
		t.Fatal(err)
	}
	if g := listReal(t, b).only(t, metric.KindFull); g.Retained != 2 || !g.Newest.Stop.Equal(noon.Add(time.Hour)) || g.Newest.Size != 5 {
		t.Errorf("%+v", g)
	}
	// A directory that is not there cannot be seen; that is not the same as no backup.
	b.Source.Path += "/gone"
	q, err := newQuery(b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.list(t.Context(), false); reason(err) != metric.ListingMissing {
		t.Errorf("err = %v", err)
	}
}

func TestDirectoryMarker(t *testing.T) {
	b := directoryPolicy(t, "*.dump")
	b.Source.Marker = "{name}.done"
	write(t, filepath.Join(b.Source.Path, "a.dump"), []byte("1"), noon)
	write(t, filepath.Join(b.Source.Path, "a.dump.done"), nil, noon)
	write(t, filepath.Join(b.Source.Path, "b.dump"), []byte("1"), noon.Add(time.Hour))
	if g := listReal(t, b).only(t, metric.KindFull); g.Retained != 1 || g.Newest.ID != "a.dump" || !g.LastFailure.Equal(noon.Add(time.Hour)) {
		t.Errorf("%+v", g)
	}
}

func TestDirectoriesPerTenant(t *testing.T) {
	b := directoryPolicy(t, "{tenant}/base-*")
	b.PerTenant = &config.BackupPerTenant{}
	write(t, filepath.Join(b.Source.Path, "acme/base-1/x"), []byte("12345"), noon)
	write(t, filepath.Join(b.Source.Path, "acme/base-1/y/z"), []byte("12345"), noon)
	s := listReal(t, b)
	if g := s.only(t, metric.KindFull); g.Newest.Size != 10 || g.Retained != 1 {
		t.Errorf("%+v", g)
	}
	if s.tenants["acme"].Stop.IsZero() {
		t.Errorf("%v", s.tenants)
	}
}

func compressed(t *testing.T, how string, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	switch how {
	case "gzip":
		z := gzip.NewWriter(&b)
		z.Write(text)
		z.Close()
	case "zstd":
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		z.Write(text)
		z.Close()
	case "tar":
		w := tar.NewWriter(&b)
		if err := w.WriteHeader(&tar.Header{Name: "x", Size: int64(len(text)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		w.Write(text)
		w.Close()
	}
	return b.Bytes()
}

// Archives, and files with a sum beside them, whole and damaged.
func TestVerifyDirectory(t *testing.T) {
	text := []byte(strings.Repeat("it was a dark and stormy night\n", 5000))
	sum := sha256.Sum256(text)
	files := map[string][]byte{
		"a.gz": compressed(t, "gzip", text), "a.zst": compressed(t, "zstd", text), "a.tar": compressed(t, "tar", text),
		"a.tar.gz": compressed(t, "gzip", compressed(t, "tar", text)), "a.tar.zst": compressed(t, "zstd", compressed(t, "tar", text)),
		"summed.bin": text,
	}
	for name, whole := range files {
		t.Run(name, func(t *testing.T) {
			b := directoryPolicy(t, name)
			path := filepath.Join(b.Source.Path, name)
			write(t, path, whole, noon)
			if name == "summed.bin" {
				write(t, path+".sha256", []byte(hex.EncodeToString(sum[:])+"  "+name+"\n"), noon)
			}
			r := verifyReal(t, b)
			if !r.Success || r.ReadBytes == nil || *r.ReadBytes < int64(len(whole)) {
				t.Errorf("whole: %+v", r)
			}
			write(t, path, whole[:len(whole)/3], noon)
			if r := verifyReal(t, b); r.Success {
				t.Error("one cut short passes")
			}
			write(t, path, nil, noon)
			if r := verifyReal(t, b); r.Success {
				t.Error("an empty one passes")
			}
			if name != "a.tar" { // tar has no checksum of what it holds
				broken := bytes.Clone(whole)
				broken[len(broken)/2] ^= 0xff
				write(t, path, broken, noon)
				if r := verifyReal(t, b); r.Success {
					t.Error("a flipped byte passes")
				}
			}
		})
	}
}

func TestVerifyManifest(t *testing.T) {
	b := directoryPolicy(t, "base-*")
	dir := filepath.Join(b.Source.Path, "base-1")
	sum := sha256.Sum256([]byte("hello"))
	write(t, filepath.Join(dir, "x"), []byte("hello"), noon)
	write(t, filepath.Join(dir, "SHA256SUMS"), []byte(hex.EncodeToString(sum[:])+" *x\n"), noon)
	if r := verifyReal(t, b); !r.Success {
		t.Errorf("%+v", r)
	}
	write(t, filepath.Join(dir, "x"), []byte("hellO"), noon)
	if r := verifyReal(t, b); r.Success {
		t.Error("a changed file passes")
	}
	if err := os.Remove(filepath.Join(dir, "x")); err != nil {
		t.Fatal(err)
	}
	if r := verifyReal(t, b); r.Success {
		t.Error("a missing file passes")
	}
	write(t, filepath.Join(dir, "SHA256SUMS"), []byte(hex.EncodeToString(sum[:])+"  ../../secret\n"), noon)
	if r := verifyReal(t, b); r.Success {
		t.Error("a manifest may name files elsewhere")
	}
}

func TestVerifyNothing(t *testing.T) {
	if r := verifyReal(t, directoryPolicy(t, "*.dump")); r.Success {
		t.Error("no backup passes")
	}
}

// pg_basebackup and pg_dump of a real server, read by PostgreSQL's own programs.
func TestVerifyPostgreSQLForReal(t *testing.T) {
	c := newCluster(t, "archive_command = '/bin/true'")
	c.sql("create table t as select generate_series(1,10000) i")
	out := filepath.Join(c.dir, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	give(t, out)
	c.run(filepath.Join(c.bin, "pg_basebackup"), "-h", c.dir, "-p", c.port, "-U", "postgres", "-D", filepath.Join(out, "base-1"), "-c", "fast")
	c.run(filepath.Join(c.bin, "pg_dump"), "-h", c.dir, "-p", c.port, "-U", "postgres", "-Fc", "-f", filepath.Join(out, "db.dump"), "postgres")

	base := realPolicy(t, config.BackupSource{Program: "directory", Path: out, Pattern: "base-*", Marker: "backup_manifest"})
	if g := listReal(t, base).only(t, metric.KindFull); g.Retained != 1 || g.Newest.Size < 10<<20 {
		t.Errorf("%+v", g)
	}
	if r := verifyReal(t, base); !r.Success {
		t.Errorf("%+v", r)
	}
	damage(t, largest(t, filepath.Join(out, "base-1", "base"), ""))
	if r := verifyReal(t, base); r.Success {
		t.Error("a damaged base backup passes")
	}

	dump := realPolicy(t, config.BackupSource{Program: "directory", Path: out, Pattern: "*.dump"})
	if r := verifyReal(t, dump); !r.Success {
		t.Errorf("%+v", r)
	}
	whole, err := os.ReadFile(filepath.Join(out, "db.dump"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(out, "db.dump"), whole[:len(whole)-2000], noon)
	if r := verifyReal(t, dump); r.Success {
		t.Error("a dump cut short passes")
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("{tenant}/db-*.dump", "acme/db-1.dump")
	f.Add("**/{backup}/?", "a/b/c/d")
	f.Add("[a-z", "[a-z")
	f.Fuzz(func(t *testing.T, text, name string) {
		p, err := newPattern(text)
		if err != nil {
			return
		}
		tenant, _, ok := p.match(name)
		if ok && strings.Contains(tenant, "/") {
			t.Error("a tenant with a slash")
		}
	})
}
