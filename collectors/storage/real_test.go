//go:build linux

package storage

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// reading of this very machine, with a scratch file on one of its disks.
func counters(t *testing.T, name string) *device {
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
		if all[i].name == name {
			return &all[i]
		}
	}
	t.Fatalf("no device %s", name)
	return nil
}

// scratchDevice is the block device below a directory, if it is one of /proc/diskstats.
func scratchDevice(t *testing.T, dir string) string {
	t.Helper()
	var s syscall.Stat_t
	if err := syscall.Stat(dir, &s); err != nil {
		t.Fatal(err)
	}
	major, minor := uint32(s.Dev>>8&0xfff), uint32(s.Dev&0xff|s.Dev>>12&0xfff00)
	text, err := readBounded("/proc/diskstats")
	if err != nil {
		t.Skip("no /proc/diskstats: ", err)
	}
	all, err := parseDiskstats(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.major == major && d.minor == minor {
			return d.name
		}
	}
	t.Skipf("%s lies on no block device of /proc/diskstats", dir)
	return ""
}

// fioResult is what fio says it did.
type fioResult struct {
	Jobs []struct {
		Read  fioTotals `json:"read"`
		Write fioTotals `json:"write"`
	} `json:"jobs"`
}

type fioTotals struct {
	Bytes float64 `json:"io_bytes"`
	Count float64 `json:"total_ios"`
}

// fio reads and writes a scratch file past the page cache, a known number of operations, and returns its own totals.
func fio(t *testing.T, file string) (read, write fioTotals) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "fio", "--name=thorbis", "--filename="+file, "--size=16M", "--io_size=128M",
		"--bs=16k", "--rw=randrw", "--direct=1", "--ioengine=psync", "--output-format=json", "--overwrite=1", "--fallocate=none").Output()
	if err != nil {
		t.Skipf("fio cannot run here: %v", err)
	}
	var r fioResult
	if i := strings.IndexByte(string(out), '{'); i < 0 || json.Unmarshal(out[i:], &r) != nil || len(r.Jobs) != 1 {
		t.Fatalf("fio said %.300q", out)
	}
	return r.Jobs[0].Read, r.Jobs[0].Write
}

// TestFio: the increase of our counters over a run of fio is what fio itself counted, within 2 %. Other
// users of the disk would show in our counters and not in fio's, so the quietest of several runs counts.
func TestFio(t *testing.T) {
	if testing.Short() {
		t.Skip("a run of fio")
	}
	if _, err := exec.LookPath("fio"); err != nil {
		t.Skip("fio is not installed; make setup installs it")
	}
	dir := t.TempDir()
	name := scratchDevice(t, dir)
	file := filepath.Join(dir, "scratch")
	if _, w := fio(t, file); w.Count == 0 { // lays the file out
		t.Fatal("fio wrote nothing")
	}
	const runs, tolerance = 20, 0.02
	best := map[string]float64{"reads": 1, "writes": 1, "bytes read": 1, "bytes written": 1}
	for deadline, run := time.Now().Add(45*time.Second), 0; run < runs && time.Now().Before(deadline); run++ {
		syscall.Sync()
		before := counters(t, name)
		read, write := fio(t, file)
		after := counters(t, name)
		for what, pair := range map[string][2]float64{
			"reads":         {float64(after.values[fieldReads] - before.values[fieldReads]), read.Count},
			"writes":        {float64(after.values[fieldWrites] - before.values[fieldWrites]), write.Count},
			"bytes read":    {sectorBytes * float64(after.values[fieldSectorsRead]-before.values[fieldSectorsRead]), read.Bytes},
			"bytes written": {sectorBytes * float64(after.values[fieldSectorsWritten]-before.values[fieldSectorsWritten]), write.Bytes},
		} {
			off := pair[0]/pair[1] - 1
			if off < 0 {
				// We can never see less than fio did, but for rounding of the kernel's per-CPU counters.
				if off < -tolerance {
					t.Errorf("%s: we count %.0f, fio %.0f", what, pair[0], pair[1])
				}
				off = -off
			}
			if off < best[what] {
				best[what] = off
				t.Logf("%s: we count %.0f, fio %.0f", what, pair[0], pair[1])
			}
		}
		if max(best["reads"], best["writes"], best["bytes read"], best["bytes written"]) <= tolerance {
			return
		}
	}
	t.Errorf("never within 2 %% of fio: %v", best)
}

const inNamespace = "THORBIS_TEST_NAMESPACE"

// TestHangingFUSE asks a real filesystem that never answers: a FUSE mount whose program reads no request.
// It is mounted in a namespace of its own, so that nobody else on the machine meets it.
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
		case strings.Contains(string(out), "--- SKIP"), err != nil && strings.Contains(err.Error(), "operation not permitted"):
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
		got := a.ask(t.Context(), list, 200*time.Millisecond)
		if !got[0].stale || got[1].stale || got[1].err != nil || got[1].size == 0 {
			t.Fatalf("round %d: %+v", i, got)
		}
		if i == 0 {
			before = runtime.NumGoroutine()
		}
	}
	waitFor(t, func() bool { return runtime.NumGoroutine() <= before+askers })
	if err := fuse.Close(); err != nil { // its program is gone: the call ends with an error
		t.Fatal(err)
	}
	waitFor(t, func() bool { return a.stuckCount() == 0 })
	if got := a.ask(t.Context(), list, 5*time.Second); got[0].stale || got[0].err == nil {
		t.Errorf("afterwards: %+v", got)
	}
	_ = syscall.Unmount(dir, syscall.MNT_DETACH)
}
