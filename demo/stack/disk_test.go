package stack

import (
	"path/filepath"
	"testing"
	"time"
)

func TestUseDisk(t *testing.T) {
	dir := t.TempDir()
	disk, err := diskBelow(dir)
	if err != nil {
		t.Skip(err)
	}
	before, err := operations(disk)
	if err != nil {
		t.Fatal(err)
	}
	const length = 2 * time.Second
	changed := make(chan struct{})
	time.AfterFunc(length, func() { close(changed) })
	if err := useDisk(t.Context(), disk, filepath.Join(dir, "load"), changed); err != nil {
		t.Fatal(err)
	}
	after, err := operations(disk)
	if err != nil {
		t.Fatal(err)
	}
	// Others may use the disk, too, and a slow one does less.
	if done := after - before; done < diskIOPS/2 {
		t.Errorf("%s did %d operations in %s, want about %d", disk, done, length, int(diskIOPS*length.Seconds()))
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
		t.Errorf("it left %v behind: %v", left, err)
	}
}

func TestNoDiskBelowProc(t *testing.T) {
	if disk, err := diskBelow("/proc"); err == nil {
		t.Errorf("/proc is on %s", disk)
	}
}
