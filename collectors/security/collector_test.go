package security

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// running is a collector at work on documents in a folder.
type running struct {
	*Collector
	t    *testing.T
	dir  string
	stop func()
}

func start(t *testing.T, dir string, saved *state.Dir, section string) *running {
	t.Helper()
	c := New(Options{Logger: slog.New(slog.DiscardHandler), State: saved, Interval: 10 * time.Millisecond})
	r := &running{Collector: c, t: t, dir: dir}
	r.apply(section)
	s := collectors.NewSupervisor(slog.New(slog.DiscardHandler))
	s.Add("security", c)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan bool)
	go func() {
		s.Run(ctx)
		close(done)
	}()
	r.stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(r.stop)
	return r
}

func (r *running) apply(section string) {
	r.t.Helper()
	const head = "version: 1\nchannels: {deadman: none}\nservices: [{name: web, owner: sre}]\n"
	p := policytest.Load(r.t, r.dir, head+section)
	if err := collectors.Apply(r.Collector, p); err != nil {
		r.t.Fatal(err)
	}
}

// write replaces a document at once, as a scanner should.
func (r *running) write(name, text string) {
	r.t.Helper()
	temporary := filepath.Join(r.dir, name+".new")
	if err := os.WriteFile(temporary, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Rename(temporary, filepath.Join(r.dir, name)); err != nil {
		r.t.Fatal(err)
	}
}

// value returns the value of a series, "none" without it.
func (r *running) value(m *metric.Metric, labels string) string {
	r.t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(r.Collector)
	families, err := registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			r.t.Fatal(err)
		}
	}
	for line := range strings.Lines(text.String()) {
		if v, ok := strings.CutPrefix(line, m.Name+labels+" "); ok {
			return strings.TrimSpace(v)
		}
	}
	return "none"
}

func (r *running) becomes(m *metric.Metric, labels, want string) {
	r.t.Helper()
	testkit.Eventually(r.t, func() bool { return r.value(m, labels) == want }, "%s%s is %s, want %s", m.Name, labels,
		r.value(m, labels), want)
}

// lists compares the findings of the scan image in the order of the API.
func (r *running) lists(want string) {
	r.t.Helper()
	answer, err := r.found("image")
	if err != nil {
		r.t.Fatal(err)
	}
	var ids []string
	for _, f := range answer.(map[string]any)["findings"].([]aged) {
		ids = append(ids, f.ID)
	}
	if got := fmt.Sprint(ids); got != want {
		r.t.Errorf("the findings are %s, want %s", got, want)
	}
}

const twoScanners = `security:
  known_exploited: kev.json
  scans:
    - {name: image, app_service: web, reports: [{file: trivy.json}, {file: grype.json}], vex: [vex.json]}
`

func openState(t *testing.T) *state.Dir {
	t.Helper()
	dir, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	return dir
}

// A scan's findings count once over its scanners; a report that breaks is a failed scan, and what was found stays.
func TestScan(t *testing.T) {
	r := start(t, t.TempDir(), openState(t), twoScanners)
	r.becomes(metric.ScanReportState, `{report="trivy.json",scan="image",state="absent"}`, "1")
	const critical = `{finding_severity="critical",fixable="true",scan="image"}`
	if got := r.value(metric.Findings, critical); got != "none" {
		t.Errorf("%s findings before a scan", got)
	}
	for name, want := range map[string]string{
		"image": collectors.RequestUnavailable, "x": collectors.RequestNotFound,
	} {
		_, err := r.found(name)
		if why, ok := errors.AsType[*collectors.RequestError](err); !ok || why.Kind != want {
			t.Errorf("findings of %s: %v", name, err)
		}
	}
	if got := r.value(metric.ScanInfo, `{app_service="web",owner="sre",page="P1",scan="image"}`); got != "1" {
		t.Errorf("what is expected is %s", got)
	}
	r.write("trivy.json", string(recorded(t, "trivy.json")))
	r.becomes(metric.Findings, critical, "1") // the secret
	r.write("grype.json", string(recorded(t, "grype.json")))
	r.becomes(metric.Findings, critical, "2")
	for labels, want := range map[string]string{
		`{finding_severity="high",fixable="true",scan="image"}`:    "1",
		`{finding_severity="low",fixable="false",scan="image"}`:    "2",
		`{finding_severity="unknown",fixable="true",scan="image"}`: "0",
	} {
		if got := r.value(metric.Findings, labels); got != want {
			t.Errorf("%s: %s, want %s", labels, got, want)
		}
	}
	if got := r.value(metric.FindingsSuppressed, `{scan="image"}`); got != "2" {
		t.Errorf("%s are left out by the scanners", got)
	}
	if got := r.value(metric.FindingsExploited, `{fixable="true",scan="image"}`); got != "1" {
		t.Errorf("%s are exploited by the scanner", got)
	}
	if got := r.value(metric.ScanReportTime, `{report="grype.json",scan="image"}`); got != "1.7899848e+09" {
		t.Errorf("scanned %s", got)
	}
	r.write("kev.json", string(recorded(t, "kev.json")))
	r.becomes(metric.FindingsExploited, `{fixable="false",scan="image"}`, "1")
	r.write("vex.json", string(recorded(t, "vex.json")))
	r.becomes(metric.Findings, critical, "1")
	r.becomes(metric.FindingsSuppressed, `{scan="image"}`, "3")

	r.lists(`[CVE-2026-7 aws-access-key-id DS002 CVE-2026-8]`)

	r.write("trivy.json", `{"SchemaVersion":2,"Resul`)
	r.becomes(metric.ScanReportState, `{report="trivy.json",scan="image",state="malformed"}`, "1")
	r.write("grype.json", "")
	r.becomes(metric.ScanReportState, `{report="grype.json",scan="image",state="empty"}`, "1")
	if got := r.value(metric.Findings, critical); got != "1" {
		t.Errorf("%s findings after scans that failed", got)
	}
	r.apply(twoScanners)
	if got := r.value(metric.Findings, critical); got != "1" {
		t.Errorf("%s findings after a reload", got)
	}
	if err := os.Remove(filepath.Join(r.dir, "vex.json")); err != nil {
		t.Fatal(err)
	}
	r.becomes(metric.Findings, critical, "2")
	sections := r.Sections(collectors.SectionRequest{Now: time.Now(), Limit: 10})
	if len(sections) != 1 || len(sections[0].Rows) != 2 || sections[0].Rows[0].Cure != cures[metric.ScanEmpty] &&
		sections[0].Rows[0].Cure != cures[metric.ScanMalformed] {
		t.Errorf("the status page has %+v", sections)
	}
	if problems, err := testutil.CollectAndLint(r.Collector); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	r.apply("")
	if n := testutil.CollectAndCount(r.Collector); n != 0 {
		t.Errorf("%d series without the section", n)
	}
}

// A finding is as old as its first report here, across restarts, failed scans and a scanner that misses it for a while.
func TestAgeOutlivesRestarts(t *testing.T) {
	dir, saved := t.TempDir(), openState(t)
	const section = "security: {scans: [{name: s, reports: [{file: grype.json}]}]}"
	r := start(t, dir, saved, section)
	r.write("grype.json", string(recorded(t, "grype.json")))
	const labels = `{finding_severity="critical",fixable="true",scan="s"}`
	r.becomes(metric.Findings, labels, "1")
	first := r.value(metric.FindingOldest, labels)
	r.write("grype.json", `{"matches":[],"descriptor":{"name":"grype","timestamp":"2026-09-21T11:00:00Z"}}`)
	r.becomes(metric.Findings, labels, "0")
	if got := r.value(metric.FindingOldest, labels); got != "none" {
		t.Errorf("the oldest of no findings is %s", got)
	}
	r.stop()
	r.write("grype.json", "{")
	again := start(t, dir, saved, section)
	again.becomes(metric.ScanReportState, `{report="grype.json",scan="s",state="malformed"}`, "1")
	if got := again.value(metric.Findings, labels); got != "none" {
		t.Errorf("%s findings though no report was read since the start", got)
	}
	if got := again.value(metric.ScanReportTime, `{report="grype.json",scan="s"}`); got != "1.7899884e+09" {
		t.Errorf("scanned %s", got)
	}
	again.write("grype.json", string(recorded(t, "grype.json")))
	again.becomes(metric.FindingOldest, labels, first)
}

// The time of a scan is never in the future, and a rewritten file does not make an old scan newer.
func TestScannedTimeIsPlausible(t *testing.T) {
	now := time.Now()
	future := &document[*report]{written: now.Add(time.Hour), value: &report{scanned: now.Add(24 * time.Hour)}}
	if got := scanned(future, now); !got.Equal(now) {
		t.Errorf("%s", got.Sub(now))
	}
	rewritten := &document[*report]{written: now, value: &report{scanned: now.Add(-time.Hour)}}
	if got := scanned(rewritten, now); !got.Equal(now.Add(-time.Hour)) {
		t.Errorf("%s", got.Sub(now))
	}
	untimed := &document[*report]{written: now.Add(-time.Minute), value: &report{}}
	if got := scanned(untimed, now); !got.Equal(now.Add(-time.Minute)) {
		t.Errorf("%s", got.Sub(now))
	}
}

// What is remembered of findings is bounded, and forgotten two weeks after they were last reported.
func TestRecordIsBounded(t *testing.T) {
	now := time.Now()
	r := newRecord()
	var many []finding
	for i := range maxRecorded + 5 {
		many = append(many, finding{ID: fmt.Sprint("CVE-", i)})
	}
	r.note(many, now)
	if len(r.Seen) != maxRecorded {
		t.Errorf("%d are remembered", len(r.Seen))
	}
	r.note(many[:1], now.Add(forgetAfter))
	r.note(nil, now.Add(forgetAfter+time.Second))
	if len(r.Seen) != 1 || !r.first(many[0], time.Time{}).Equal(now) {
		t.Errorf("%d are remembered after two weeks", len(r.Seen))
	}
}
