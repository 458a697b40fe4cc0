package e2e

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/demo/stack"
)

// TestStorageCountsWhatFioDoes runs fio past the page cache while this exporter and a node_exporter watch: what
// each counted over the run is what fio says it did, within 2 %. Others use the disk too, such as the tests that run
// beside this one for minutes, so the quietest of several runs counts.
func TestStorageCountsWhatFioDoes(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("fio"); err != nil {
		t.Skip("fio is not installed; make setup installs it")
	}
	node := filepath.Join(bin(), "tools", "node_exporter")
	if _, err := os.Stat(node); err != nil {
		t.Skip("node_exporter is not built; make tools builds it")
	}
	dir := t.TempDir()
	device := deviceOf(t, dir)
	policy := filepath.Join(dir, "thorbis.yaml")
	must(t, os.WriteFile(policy, []byte("version: 1\nchannels: {deadman: none}\nstorage: {interval: 1s}\n"), 0o600))
	ours := serve(t, "/metrics", filepath.Join(bin(), "thorbis_exporter"), "--config.file="+policy, "--storage.path=", "--log.level=error", "--no-collector.health")
	theirs := serve(t, "/metrics", node, "--log.level=error", "--collector.disable-defaults", "--collector.diskstats")

	scratch := filepath.Join(dir, "scratch")
	if _, ok := runFio(t, scratch); !ok { // lays the file out
		t.Fatal("fio did nothing")
	}
	const tolerance = 0.02
	best := map[string]float64{}
	for deadline := time.Now().Add(6 * time.Minute); time.Now().Before(deadline); {
		syscall.Sync()
		sleep(t, 1500*time.Millisecond) // our last reading is younger than the sync
		before := [2]map[string]float64{counted(t, ours, device), counted(t, theirs, device)}
		did, _ := runFio(t, scratch)
		sleep(t, 1500*time.Millisecond)
		after := [2]map[string]float64{counted(t, ours, device), counted(t, theirs, device)}
		for i, who := range []string{"ours", "node_exporter"} {
			for what, want := range did {
				off := math.Abs((after[i][what]-before[i][what])/want - 1)
				if b, ok := best[who+" "+what]; !ok || off < b {
					best[who+" "+what] = off
				}
			}
		}
		if worst(best) <= tolerance {
			t.Logf("off by %v", best)
			return
		}
	}
	t.Errorf("never within 2 %% of fio: %v", best)
}

func worst(of map[string]float64) float64 {
	most := 0.0
	for _, v := range of {
		most = max(most, v)
	}
	return most
}

// deviceOf is the block device on which a directory lies.
func deviceOf(t *testing.T, dir string) string {
	t.Helper()
	var s syscall.Stat_t
	must(t, syscall.Stat(dir, &s))
	number := strconv.FormatUint(s.Dev>>8&0xfff, 10) + ":" + strconv.FormatUint(s.Dev&0xff|s.Dev>>12&0xfff00, 10)
	link, err := os.Readlink("/sys/dev/block/" + number)
	if err != nil {
		t.Skipf("%s lies on no block device", dir)
	}
	if _, err := os.Stat("/sys/dev/block/" + number + "/partition"); err == nil {
		t.Skipf("%s lies on a partition, which neither exporter shows", dir)
	}
	return filepath.Base(link)
}

// serve starts a program that listens and returns the address of a page of it.
func serve(t *testing.T, page, program string, args ...string) string {
	t.Helper()
	address, err := stack.FreeAddress()
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

// counted are the counters of a device on a page, under one name for both exporters.
func counted(t *testing.T, url, device string) map[string]float64 {
	t.Helper()
	resp, err := http.Get(url)
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	must(t, err)
	found := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, `device="`+device+`"`) {
			continue
		}
		for what, marks := range map[string][2]string{
			"reads":         {`thorbis_storage_io_operations_total`, `operation="read"`},
			"writes":        {`thorbis_storage_io_operations_total`, `operation="write"`},
			"bytes read":    {`thorbis_storage_io_bytes_total`, `operation="read"`},
			"bytes written": {`thorbis_storage_io_bytes_total`, `operation="write"`},
			"reads ":        {"node_disk_reads_completed_total", ""}, "writes ": {"node_disk_writes_completed_total", ""},
			"bytes read ": {"node_disk_read_bytes_total", ""}, "bytes written ": {"node_disk_written_bytes_total", ""},
		} {
			if strings.HasPrefix(line, marks[0]+"{") && strings.Contains(line, marks[1]) {
				v, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]), 64)
				must(t, err)
				found[strings.TrimSpace(what)] = v
			}
		}
	}
	if len(found) != 4 {
		t.Fatalf("%s tells %v of %s", url, found, device)
	}
	return found
}

// runFio reads and writes a scratch file and returns fio's own totals.
func runFio(t *testing.T, file string) (map[string]float64, bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "fio", "--name=thorbis", "--filename="+file, "--size=16M", "--io_size=192M",
		"--bs=16k", "--rw=randrw", "--direct=1", "--ioengine=psync", "--output-format=json", "--overwrite=1", "--fallocate=none").Output()
	if err != nil {
		t.Skipf("fio cannot run here: %v", err)
	}
	type totals struct {
		Bytes float64 `json:"io_bytes"`
		Count float64 `json:"total_ios"`
	}
	var r struct {
		Jobs []struct{ Read, Write totals }
	}
	text := string(out)
	if i := strings.IndexByte(text, '{'); i < 0 || json.Unmarshal([]byte(text[i:]), &r) != nil || len(r.Jobs) != 1 {
		t.Fatalf("fio said %.300q", out)
	}
	j := r.Jobs[0]
	return map[string]float64{
		"reads": j.Read.Count, "writes": j.Write.Count, "bytes read": j.Read.Bytes, "bytes written": j.Write.Bytes,
	}, j.Read.Count > 0 && j.Write.Count > 0
}
