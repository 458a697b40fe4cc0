package exporter

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

var update = flag.Bool("update", false, "write testdata/machine/metrics.txt")

// Families that describe the Go runtime and this build are left out of the golden page.
var ofRuntime = regexp.MustCompile(`^(# (HELP|TYPE) )?(go_|process_|promhttp_|thorbis_exporter_build_info)`)

// Values that follow the clock, the disk of the machine that tests or the number of rounds so far.
var varies = regexp.MustCompile(`^thorbis_(collector_(duration|last|success)|` +
	`health_check_(observed|down|up|unknown|maintenance|duration|probe|outage)|health_probes_|` +
	`storage_(filesystem_|observed_)|backup_.*_(timestamp|duration)_seconds|config_.*_timestamp_seconds|state_)`)

var sumRE = regexp.MustCompile(`sha256="[0-9a-f]{64}"`)

// TestGoldenPage compares /metrics of a recorded machine under a fixed policy with testdata/machine/metrics.txt: names,
// help, types and labels of every series, and the values that are the same at each run.
func TestGoldenPage(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the machine is one of Linux")
	}
	dir, err := filepath.Abs(filepath.Join("..", "testdata", "machine"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "thorbis.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "thorbis.yaml")
	testkit.WriteFile(t, file, strings.ReplaceAll(string(text), "{dir}", dir))
	root := t.TempDir()
	for _, mountpoint := range []string{"data", "run"} {
		if err := os.Mkdir(filepath.Join(root, mountpoint), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	o := Options{
		Logger: quiet(), Host: "db1", Collectors: map[string]bool{},
		Load:  func(ctx context.Context) (*config.Policy, error) { return config.LoadContext(ctx, file) },
		Paths: collectors.Paths{Procfs: filepath.Join(dir, "proc"), Sysfs: filepath.Join(dir, "sys"), Rootfs: root},
	}
	for _, d := range Definitions {
		o.Collectors[d.Name] = true
	}
	page := pageOf(t, o, `thorbis_health_check_observed_seconds_total\{`,
		`thorbis_health_check_state\{.*state="down".*\} 1`, `thorbis_host_processes\{.*\} 1`,
		`thorbis_storage_io_operations_total\{.*device="nvme1n1"`,
		`thorbis_storage_filesystem_size_bytes\{.*mountpoint="/run"`,
		`thorbis_backup_last_success_timestamp_seconds\{`)
	golden := filepath.Join(dir, "metrics.txt")
	if *update {
		testkit.WriteFile(t, golden, page)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	compareLines(t, string(want), page)
}

// pageOf runs an exporter until its page has all the series, and returns the page without what varies.
func pageOf(t *testing.T, o Options, complete ...string) string {
	t.Helper()
	_, base := start(t, o)
	var page string
	for _, want := range complete {
		series := regexp.MustCompile("(?m)^" + want)
		testkit.Eventually(t, func() bool {
			page = get(t, base+"/metrics").body
			return series.MatchString(page)
		}, "the page has %s", want)
	}
	var b strings.Builder
	for line := range strings.Lines(page) {
		if ofRuntime.MatchString(line) {
			continue
		}
		line = sumRE.ReplaceAllString(line, `sha256="..."`)
		if varies.MatchString(line) {
			line = line[:strings.LastIndex(line, " ")] + " ...\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

// compareLines reports each line that one text has and the other has not.
func compareLines(t *testing.T, want, got string) {
	t.Helper()
	counts := map[string]int{}
	for line := range strings.Lines(want) {
		counts[line]++
	}
	for line := range strings.Lines(got) {
		if counts[line]--; counts[line] < 0 {
			t.Errorf("new: %s", line)
		}
	}
	for line := range strings.Lines(want) {
		if counts[line] > 0 {
			counts[line] = 0
			t.Errorf("gone: %s", line)
		}
	}
}
