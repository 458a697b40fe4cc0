package state

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// sealed is a file that neither grows nor shrinks: a write that begins in it and ends behind it is done in part, and
// cannot be undone.
func sealed(t *testing.T, size int) *os.File {
	t.Helper()
	fd, err := unix.MemfdCreate("sealed", unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Skipf("needs memfd_create: %v", err)
	}
	f := os.NewFile(uintptr(fd), "sealed")
	t.Cleanup(func() { _ = f.Close() })
	if err := f.Truncate(int64(size)); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_GROW|unix.F_SEAL_SHRINK); err != nil {
		t.Fatal(err)
	}
	return f
}

// A write that failed in part and could not be undone at once is undone before the next one: otherwise a record of it
// could follow the next record in the file, and be read back.
func TestUnsettledAppendIsUndoneBeforeTheNext(t *testing.T) {
	d := open(t, t.TempDir())
	l := mustLog(t, d)
	good, refused := l.file, bytes.Repeat([]byte("x"), 8192)
	l.file = sealed(t, 4096)
	if err := l.Append([]byte("a"), []byte("refused"), refused); !errors.Is(err, ErrUnsettled) {
		t.Fatalf("err = %v", err)
	}
	if err := l.Append([]byte("b")); err == nil {
		t.Fatal("an append before the undo succeeded")
	}
	// The same bytes on a disk that works again.
	left := make([]byte, 4096)
	if _, err := l.file.ReadAt(left, 0); err != nil || !bytes.Contains(left, []byte("refused")) {
		t.Fatalf("nothing was written: %v", err)
	}
	if _, err := good.WriteAt(left[l.end:], l.end); err != nil {
		t.Fatal(err)
	}
	l.file = good
	if err := l.Append([]byte("c")); err != nil { // as long as the first record
		t.Fatal(err)
	}
	mustLog(t, d, "c")
}
