package regularfile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	testkit.WriteFile(t, name, text)
	return name
}

// special makes one of everything that is no regular file.
func special(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "socket")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return map[string]string{
		"pipe": pipe, "a link to a pipe": link, "socket": socket, "device": os.DevNull,
		"endless device": "/dev/zero", "directory": dir,
	}
}

func TestGone(t *testing.T) {
	dir := t.TempDir()
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink("nowhere", dangling); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		filepath.Join(dir, "absent"): true, dangling: false, write(t, filepath.Join(dir, "file"), "x"): false,
	} {
		_, err := Stat(t.Context(), name)
		if got := Gone(name, err); got != want {
			t.Errorf("%s: %t after %v", name, got, err)
		}
		if Gone(name, syscall.EIO) {
			t.Errorf("%s is gone after an error that says nothing of it", name)
		}
	}
}

// Without O_NONBLOCK and the check these would wait for ever, or read for ever.
func TestNothingButRegularFiles(t *testing.T) {
	for what, name := range special(t) {
		for call, open := range map[string]func() error{
			"Open":  func() error { _, err := Open(t.Context(), name); return err },
			"Stat":  func() error { _, err := Stat(t.Context(), name); return err },
			"Read":  func() error { _, err := Read(t.Context(), name, 10); return err },
			"write": func() error { _, err := OpenFile(t.Context(), name, os.O_WRONLY|os.O_CREATE, 0o600); return err },
		} {
			err := open()
			if !errors.Is(err, ErrNotRegular) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s of a %s: %v", call, what, err)
			}
		}
	}
	if _, err := Read(t.Context(), filepath.Join(t.TempDir(), "missing"), 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

// What is put in the place of a file between the look and the open is refused too.
func TestPipeThatComesBetween(t *testing.T) {
	pipe := special(t)["pipe"]
	f, err := os.OpenFile(pipe, os.O_RDONLY|safe, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := checked(f, pipe); !errors.Is(err, ErrNotRegular) {
		t.Errorf("err = %v", err)
	}
	if err := f.Close(); !errors.Is(err, os.ErrClosed) {
		t.Error("it is still open")
	}
}

func TestSizeIsBounded(t *testing.T) {
	name := write(t, filepath.Join(t.TempDir(), "f"), "12345")
	if text, err := Read(t.Context(), name, 5); err != nil || string(text) != "12345" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := Read(t.Context(), name, 4); !errors.Is(err, ErrTooLarge) {
		t.Errorf("err = %v", err)
	}
	// Regular, of size 0, and of more bytes than that.
	if _, err := Read(t.Context(), "/proc/self/mountinfo", 4); !errors.Is(err, ErrTooLarge) {
		t.Errorf("procfs: %v", err)
	}
	if err := os.Truncate(name, 1<<40); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(t.Context(), name, 1<<20); !errors.Is(err, ErrTooLarge) {
		t.Errorf("sparse: %v", err)
	}
}

// A Kubernetes secret is a link to a link.
func TestOperatorsLinksAreFollowed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "..2026"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "..2026", "token"), "s3cret")
	for link, to := range map[string]string{"..data": "..2026", "token": "..data/token"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	text, info, err := ReadStat(t.Context(), filepath.Join(dir, "token"), 100)
	if err != nil || string(text) != "s3cret" || info.Size() != 6 {
		t.Errorf("%q, %v, %v", text, info, err)
	}
}

// A content is never half the old one and half the new one.
func TestFileThatChangesIsReadAgain(t *testing.T) {
	name := write(t, filepath.Join(t.TempDir(), "f"), "")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := byte(0); ; i++ {
			// Of another size each time, for kernels whose clock of files is coarse.
			_ = os.WriteFile(name, bytes.Repeat([]byte{'a' + i%26}, 1<<20-int(i)*1000), 0o600)
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(i%3) * time.Millisecond):
			}
		}
	}()
	for range 100 {
		text, info, err := ReadStat(t.Context(), name, 2<<20)
		if errors.Is(err, ErrChanged) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(text)) != info.Size() || len(text) > 0 && bytes.Count(text, text[:1]) != len(text) {
			t.Fatalf("%d bytes of %d, %d of them %q", len(text), info.Size(), bytes.Count(text, text[:1]), text[:1])
		}
	}
	close(stop)
	<-stopped
}

func TestContextEndsAWait(t *testing.T) {
	release, discarded := make(chan struct{}), make(chan int, 1)
	hang := func() (int, error) { <-release; return 7, nil }
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("stopping")
	time.AfterFunc(time.Millisecond, func() { cancel(cause) })
	if _, err := await(ctx, "/dead/disk", hang, func(v int) error { discarded <- v; return nil }); !errors.Is(err, cause) {
		t.Errorf("err = %v", err)
	}
	// No second thread waits for the same file, whoever asks; another file is none of its business.
	for _, ctx := range []context.Context{t.Context(), context.Background()} {
		if _, err := await(ctx, "/dead/disk", hang, nil); !errors.Is(err, ErrHangs) {
			t.Errorf("err = %v", err)
		}
		if v, err := await(ctx, "/live/disk", func() (int, error) { return 1, nil }, nil); v != 1 || err != nil {
			t.Errorf("%d, %v", v, err)
		}
	}
	if _, err := await(ctx, "/live/disk", func() (int, error) { return 1, nil }, nil); !errors.Is(err, cause) {
		t.Errorf("an ended context: %v", err)
	}
	close(release)
	if v := <-discarded; v != 7 {
		t.Errorf("discarded %d", v)
	}
	mu.Lock()
	defer mu.Unlock()
	if total != 0 || len(hanging) != 0 {
		t.Errorf("%d calls are still counted, of %v", total, hanging)
	}
}

// A reload cuts an open short whose disk does not hang. What the next policy opens is not refused for that.
func TestOpenAfterOneThatWasCutShort(t *testing.T) {
	name := write(t, filepath.Join(t.TempDir(), "log"), "x")
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		_, err := await(ctx, name, func() (int, error) { cancel(); <-release; return 0, nil }, nil)
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		go close(release)
		f, err := Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
}

func TestHangingCallsAreBounded(t *testing.T) {
	release := make(chan struct{})
	left := make(chan struct{}, maxHanging)
	for i := range maxHanging {
		ctx, cancel := context.WithCancel(t.Context())
		cancelled := func() (int, error) { cancel(); <-release; return 0, nil }
		_, err := await(ctx, strings.Repeat("x", i+1), cancelled, func(int) error { left <- struct{}{}; return nil })
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if _, err := await(t.Context(), "one more", func() (int, error) { return 0, nil }, nil); !errors.Is(err, ErrHangs) {
		t.Errorf("err = %v", err)
	}
	close(release)
	for range maxHanging {
		<-left
	}
	if _, err := await(t.Context(), "one more", func() (int, error) { return 0, nil }, nil); err != nil {
		t.Errorf("when all are back: %v", err)
	}
}

// Whatever is put in the place of a file while it is opened, what is returned is a regular file, and no open waits.
func TestOpenWhileItIsReplaced(t *testing.T) {
	dir := t.TempDir()
	name, pipe := filepath.Join(dir, "f"), filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	file := write(t, filepath.Join(dir, "file"), "x")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			next := filepath.Join(dir, "next")
			if err := os.Symlink([]string{file, pipe}[i%2], next); err != nil {
				t.Error(err)
			}
			if err := os.Rename(next, name); err != nil {
				t.Error(err)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	opened, refused := 0, 0
	for n := 0; n < 20_000 || opened == 0 || refused == 0; n++ {
		f, err := Open(t.Context(), name)
		switch {
		case errors.Is(err, fs.ErrNotExist): // not there yet
		case errors.Is(err, ErrNotRegular):
			refused++
		case err != nil:
			t.Fatal(err)
		default:
			opened++
			if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
				t.Fatalf("opened a %s, %v", info.Mode(), err)
			}
			_ = f.Close()
		}
	}
	close(stop)
	<-stopped
}

// changing is a file that is written during its first reads.
type changing struct {
	*os.File
	writes, reads int
}

func (c *changing) Read(p []byte) (int, error) {
	n, err := c.File.Read(p)
	if errors.Is(err, io.EOF) {
		if c.reads++; c.reads <= c.writes {
			if err := os.WriteFile(c.Name(), bytes.Repeat([]byte("x"), 10+c.reads), 0o600); err != nil {
				return 0, err
			}
		}
	}
	return n, err
}

// A file that changes while it is read is read again, and only given up when it changed each time.
func TestFileThatSettlesIsRead(t *testing.T) {
	for writes := range attempts + 1 {
		name := write(t, filepath.Join(t.TempDir(), "f"), "x")
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		text, info, err := readAndClose(t.Context(), &changing{File: f, writes: writes}, name, 100)
		switch size := 10 + writes; {
		case writes == attempts:
			if !errors.Is(err, ErrChanged) {
				t.Errorf("written during each of %d reads: %q, %v", attempts, text, err)
			}
		case writes == 0:
			if err != nil || string(text) != "x" || info.Size() != 1 {
				t.Errorf("not written: %q, %v", text, err)
			}
		case err != nil || len(text) != size || info.Size() != int64(size):
			t.Errorf("written during %d reads: %q, %v", writes, text, err)
		}
		if _, err := f.Stat(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("written during %d reads: left open, %v", writes, err)
		}
	}
}
