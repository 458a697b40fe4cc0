//go:build linux

package storage

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/disktest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// countersOf returns what the collector reads of a device of this machine.
func countersOf(t *testing.T, name string) disktest.Counters {
	t.Helper()
	text, err := readBounded("/proc/diskstats")
	if err != nil {
		t.Fatal(err)
	}
	all, err := parseDiskstats(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		if v := all[i].values; all[i].name == name {
			return disktest.Counters{
				Reads: v[fieldReads], BytesRead: v[fieldSectorsRead] * sectorBytes,
				Writes: v[fieldWrites], BytesWritten: v[fieldSectorsWritten] * sectorBytes,
			}
		}
	}
	t.Fatalf("no device %s", name)
	return disktest.Counters{}
}

// TestFio compares the counters of a device that nothing else uses with those of fio.
func TestFio(t *testing.T) {
	disktest.Need(t)
	name, err := disktest.Loop(t, 16<<20)
	if err != nil {
		t.Skip("no loop device; TestCountersAreTheKernels compares with the kernel: ", err)
	}
	before := countersOf(t, name)
	did := disktest.Fio(t, "/dev/"+name, 64<<20)
	ours := countersOf(t, name).Minus(before)
	// Fio opens the device for writing, at the end of which udev, where it runs, reads the partition table again.
	const others = 200
	if ours.Writes != did.Writes || ours.BytesWritten != did.BytesWritten || !ours.AtLeast(did) ||
		ours.Reads > did.Reads+others {
		t.Errorf("we count %+v, fio %+v", ours, did)
	}
}

// TestCountersAreTheKernels reads a device that others use, which the test itself makes sure of: each counter lies
// between the kernel's own before and after it, and what fio did is part of the increase.
func TestCountersAreTheKernels(t *testing.T) {
	disktest.Need(t)
	dir := t.TempDir()
	name := disktest.Below(t, dir)
	file := filepath.Join(dir, "scratch")
	disktest.Fio(t, file, 16<<20) // lays the file out
	var others sync.WaitGroup
	stop := make(chan struct{})
	others.Go(func() { writeUntil(t, filepath.Join(dir, "other"), stop) })
	defer others.Wait()
	defer close(stop)
	read := func() disktest.Counters {
		first := disktest.Kernel(t, name)
		ours := countersOf(t, name)
		if last := disktest.Kernel(t, name); !ours.Between(first, last) {
			t.Errorf("we read %+v, the kernel %+v before and %+v after", ours, first, last)
		}
		return ours
	}
	before := read()
	did := disktest.Fio(t, file, 64<<20)
	ours := read().Minus(before)
	// A request of fio that lies beside another one may be merged with it, so that only bytes are never fewer.
	if ours.BytesRead < did.BytesRead || ours.BytesWritten < did.BytesWritten {
		t.Errorf("we count %+v, fio %+v", ours, did)
	}
}

// writeUntil writes a file and syncs it again and again.
func writeUntil(t *testing.T, file string, stop <-chan struct{}) {
	text := make([]byte, 64<<10)
	for {
		select {
		case <-stop:
			return
		default:
		}
		f, err := os.Create(file)
		if err == nil {
			_, err = f.Write(text)
			err = errors.Join(err, f.Sync(), f.Close())
		}
		if err != nil {
			t.Error(err)
			return
		}
	}
}

const inNamespace = "THORBIS_TEST_NAMESPACE"

// TestHangingFUSE queries a real filesystem that never answers: a FUSE mount whose program reads no request. The mount
// has its own namespace, so that no other process on the machine meets it.
func TestHangingFUSE(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		if os.Getuid() != 0 {
			t.Skip("mounting needs root; the same is tested with an injected statfs that hangs")
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHangingFUSE$", "-test.v")
		cmd.Env = append(os.Environ(), inNamespace+"="+t.TempDir())
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		out, err := cmd.CombinedOutput()
		switch {
		case strings.Contains(string(out), "--- SKIP"), err != nil &&
			strings.Contains(err.Error(), "operation not permitted"):
			t.Skipf("no FUSE here: %v %s", err, out)
		case err != nil:
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	dir := os.Getenv(inNamespace)
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Skip("the mounts cannot be made private: ", err)
	}
	fuse, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	options := "fd=" + strconv.Itoa(int(fuse.Fd())) + ",rootmode=40000,user_id=0,group_id=0"
	if err := syscall.Mount("thorbis", dir, "fuse", 0, options); err != nil {
		t.Skip("mount: ", err)
	}
	a := newAsker(statfs)
	list := []mount{{id: "1", point: dir}, {id: "2", point: "/"}}
	var before int
	for i := range 10 {
		got := a.ask(t.Context(), list, 5*time.Second)
		if !got[0].stale || got[1].stale || got[1].err != nil || got[1].size == 0 {
			t.Fatalf("round %d: %+v", i, got)
		}
		if i == 0 {
			before = runtime.NumGoroutine()
		}
	}
	testkit.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+askers },
		"%d goroutines more than before are left", askers)
	if err := fuse.Close(); err != nil { // its program is gone: the call ends with an error
		t.Fatal(err)
	}
	testkit.Eventually(t, func() bool { return a.stuckCount() == 0 }, "no question is stuck")
	if got := a.ask(t.Context(), list, time.Minute); got[0].stale || got[0].err == nil {
		t.Errorf("afterwards: %+v", got)
	}
	_ = syscall.Unmount(dir, syscall.MNT_DETACH)
}
