//go:build linux

package e2e

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/disktest"
	"github.com/thorbis/thorbis_exporter/internal/loopback"
)

// TestStorageCountsWhatFioDoes runs fio past the page cache while this exporter and a node_exporter watch. On a device
// of its own each counts what fio counts. On one that others use, each counter lies between the kernel's own before and
// after it was read, and fio's bytes are part of the increase.
func TestStorageCountsWhatFioDoes(t *testing.T) {
	t.Parallel()
	disktest.Need(t)
	dir := t.TempDir()
	shared := disktest.Below(t, dir)
	own, err := disktest.Loop(t, 16<<20)
	if err != nil {
		t.Log("no loop device; the test compares with the kernel alone: ", err)
	}
	policy := filepath.Join(dir, "thorbis.yaml")
	must(t, os.WriteFile(policy,
		[]byte("version: 1\nchannels: {deadman: none}\nstorage: {interval: 1s, devices: {include: '.*'}}\n"), 0o600))
	programs := map[string]string{
		"ours": serve(t, "/metrics", filepath.Join(bin(), "thorbis_exporter"), "--config.file="+policy, "--storage.path=",
			"--log.level=error", "--no-collector.health"),
	}
	if node := filepath.Join(bin(), "tools", "node_exporter"); exists(node) {
		programs["node_exporter"] = serve(t, "/metrics", node, "--log.level=error", "--collector.disable-defaults",
			"--collector.diskstats", "--collector.diskstats.device-exclude=^$")
	} else {
		t.Log("node_exporter is not built, and not compared; make tools builds it")
	}
	read := func(device string) map[string]disktest.Counters {
		all := map[string]disktest.Counters{}
		for who, url := range programs {
			first := disktest.Kernel(t, device)
			all[who] = counted(t, url, device)
			if last := disktest.Kernel(t, device); !all[who].Between(first, last) {
				t.Errorf("%s reads %+v of %s, the kernel %+v before and %+v after", who, all[who], device, first, last)
			}
		}
		return all
	}

	file := filepath.Join(dir, "scratch")
	disktest.Fio(t, file, 16<<20) // lays the file out
	before := read(shared)
	did := disktest.Fio(t, file, 64<<20)
	for who, after := range read(shared) {
		if got := after.Minus(before[who]); got.BytesRead < did.BytesRead || got.BytesWritten < did.BytesWritten {
			t.Errorf("%s counts %+v of a shared device, fio %+v", who, got, did)
		}
	}
	if own == "" {
		return
	}
	before = read(own)
	did = disktest.Fio(t, "/dev/"+own, 64<<20)
	const others = 200 // reads of the partition table, by udev where it runs
	for who, after := range read(own) {
		got := after.Minus(before[who])
		if got.Writes != did.Writes || got.BytesWritten != did.BytesWritten || !got.AtLeast(did) ||
			got.Reads > did.Reads+others {
			t.Errorf("%s counts %+v, fio %+v", who, got, did)
		}
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// serve starts a program that listens and returns the address of a page of it.
func serve(t *testing.T, page, program string, args ...string) string {
	t.Helper()
	address, err := loopback.FreeAddress()
	must(t, err)
	cmd := exec.Command(program, append(args, "--web.listen-address="+address)...)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	url := "http://" + address + page
	eventually(t, 20*time.Second, program+" serves", func() bool {
		resp, err := http.Get(url)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return url
}

// counted returns the counters of a device on a page, of either exporter. Ours shows what it read in the background,
// and stamps that when it has ended: the second reading that ended after the question began after it.
func counted(t *testing.T, url, device string) disktest.Counters {
	t.Helper()
	ended := float64(time.Now().UnixNano()) / 1e9
	rounds := 0
	var found map[string]float64
	eventually(t, time.Minute, url+" shows a reading of now", func() bool {
		var at float64
		found, at = countersOn(t, url, device)
		if at > ended {
			ended = at
			rounds++
		}
		return at == 0 || rounds == 2
	})
	if len(found) != 4 {
		t.Fatalf("%s shows %v of %s", url, found, device)
	}
	return disktest.Counters{
		Reads: uint64(found["reads"]), Writes: uint64(found["writes"]),
		BytesRead: uint64(found["bytes read"]), BytesWritten: uint64(found["bytes written"]),
	}
}

// countersOn reads one page: a device's counters under one name for both exporters, and when ours read them.
func countersOn(t *testing.T, url, device string) (found map[string]float64, at float64) {
	t.Helper()
	resp, err := http.Get(url)
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	must(t, err)
	found = map[string]float64{}
	for line := range strings.Lines(string(text)) {
		for what, marks := range map[string][2]string{
			"reads":         {"thorbis_storage_io_operations_total", `operation="read"`},
			"writes":        {"thorbis_storage_io_operations_total", `operation="write"`},
			"bytes read":    {"thorbis_storage_io_bytes_total", `operation="read"`},
			"bytes written": {"thorbis_storage_io_bytes_total", `operation="write"`},
			"reads ":        {"node_disk_reads_completed_total", ""}, "writes ": {"node_disk_writes_completed_total", ""},
			"bytes read ": {"node_disk_read_bytes_total", ""}, "bytes written ": {"node_disk_written_bytes_total", ""},
			"at": {"thorbis_storage_observed_timestamp_seconds", ""},
		} {
			if !strings.HasPrefix(line, marks[0]+"{") || !strings.Contains(line, marks[1]) ||
				what != "at" && !strings.Contains(line, `device="`+device+`"`) {
				continue
			}
			v, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]), 64)
			must(t, err)
			if what == "at" {
				at = v
			} else {
				found[strings.TrimSpace(what)] = v
			}
		}
	}
	return found, at
}
