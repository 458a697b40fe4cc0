package state

import (
	"syscall"
	"testing"
)

// A directory that was closed can be opened at once, though a child that was just forked still has its lock's file.
func TestLockIsGivenUpBesideAChild(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	child, err := syscall.Dup(int(d.lock.Load().file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(child)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
}
