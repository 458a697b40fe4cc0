package disktest

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strconv"
	"testing"
)

// Need skips the test where fio is not installed.
func Need(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("reads and writes a real disk")
	}
	if _, err := exec.LookPath("fio"); err != nil {
		t.Skip("fio is not installed; make setup installs it")
	}
}

// Fio reads and writes the first 16 MiB of a file or device past the page cache, 16 KiB at a time until so many bytes
// are moved, and returns what fio itself counted.
func Fio(t testing.TB, file string, moved int64) Counters {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "fio", "--name=thorbis", "--filename="+file, "--size=16M",
		"--io_size="+strconv.FormatInt(moved, 10), "--bs=16k", "--rw=randrw", "--direct=1", "--ioengine=psync",
		"--output-format=json", "--overwrite=1", "--fallocate=none").Output()
	if err != nil {
		t.Skipf("fio cannot run here: %v", err)
	}
	type totals struct {
		Bytes uint64 `json:"io_bytes"`
		Count uint64 `json:"total_ios"`
	}
	var r struct {
		Jobs []struct{ Read, Write totals }
	}
	if i := bytes.IndexByte(out, '{'); i < 0 || json.Unmarshal(out[i:], &r) != nil || len(r.Jobs) != 1 {
		t.Fatalf("fio printed %.300q", out)
	}
	j := r.Jobs[0]
	if j.Read.Count == 0 || j.Write.Count == 0 {
		t.Fatalf("fio counted %+v", j)
	}
	return Counters{j.Read.Count, j.Write.Count, j.Read.Bytes, j.Write.Bytes}
}
