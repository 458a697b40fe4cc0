package backup

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
	dto "github.com/prometheus/client_model/go"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/collectors/backup/result"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

func testPolicy(t *testing.T, text string) *config.Policy {
	t.Helper()
	return policytest.Load(t, t.TempDir(), policytest.Minimal+text)
}

func scripted(t *testing.T, program, results string) *config.Policy {
	return testPolicy(t, fmt.Sprintf(`
backups:
  - name: main
    source: {program: pgbackrest, scope: main, command: [%s]}
    interval: 1d
    full_interval: 1w
    timeout: 1m
    results: %s
    retention: {min_count: 2, max_age: 35d}
    verify: {interval: 1w}
    recovery_time: 4h
`, program, results))
}

func newCollector(t *testing.T, dir *state.Dir, p *config.Policy) *Collector {
	t.Helper()
	c := New(Options{Logger: slog.New(slog.DiscardHandler), State: dir})
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	return c
}

// listNow lists the only backup once, as Run does when it is due.
func (c *Collector) listNow(t *testing.T) error {
	t.Helper()
	s, err := c.listOnce(t.Context(), c.here[0])
	return c.note(c.here[0], s, err, time.Now())
}

// value returns one exposed value, and whether there is one.
func value(t *testing.T, c prometheus.Collector, m *metric.Metric, labels ...string) (float64, bool) {
	t.Helper()
	want := map[string]string{}
	for i, l := range labels {
		want[m.Labels[i]] = l
	}
	families := gather(t, c)
	for _, sample := range families[m.Name].GetMetric() {
		same := true
		for _, l := range sample.GetLabel() {
			same = same && (want[l.GetName()] == l.GetValue())
		}
		if same {
			return sample.GetGauge().GetValue() + sample.GetCounter().GetValue(), true
		}
	}
	return 0, false
}

func gather(t *testing.T, c prometheus.Collector) map[string]*dto.MetricFamily {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(c)
	all, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	families := map[string]*dto.MetricFamily{}
	for _, f := range all {
		families[f.GetName()] = f
	}
	return families
}

// A program that hangs, prints without end, prints half a document or nothing, or ends badly is cut off and
// counted by its reason, and what was known before stays with its age.
func TestBadProgramsAreCountedAndKnownFactsStay(t *testing.T) {
	script := filepath.Join(t.TempDir(), "pgbackrest")
	listing := backuptest.Listing(t, "pgbackrest.json")
	c := newCollector(t, nil, scripted(t, script, t.TempDir()))

	// Never listed: nothing may read as no backup.
	if err := c.listNow(t); err == nil {
		t.Fatal("a missing program is no error")
	}
	if _, ok := value(t, c, metric.BackupLastSuccess, "main", "full", "1", ""); ok {
		t.Error("a backup that was never listed has a last success")
	}

	good := `case "$*" in *repo-ls*) echo '{}';; *) cat ` + listing + `;; esac`
	backuptest.Script(t, script, good)
	// One of the three repositories of the fixture cannot be read: that is a failure, and the others are known.
	if err := c.listNow(t); err == nil || !strings.Contains(err.Error(), "FileOpenError") {
		t.Fatal(err)
	}
	want, _ := value(t, c, metric.BackupLastSuccess, "main", "full", "1", "")
	if want != 1789869700 {
		t.Fatalf("last success %v", want)
	}
	at, ok := value(t, c, metric.BackupListingLastSuccess, "main", "1")
	if !ok || at == 0 {
		t.Fatal("not listed")
	}

	for _, bad := range []struct{ name, script, reason string }{
		{"hangs", "sleep 600", metric.ListingTimeout},
		{"a gigabyte", "cat /dev/zero", metric.ListingTooLarge},
		{"half a document", "head -c 500 " + listing, metric.ListingMalformed},
		{"nothing", "true", metric.ListingMalformed},
		{"something else", "echo '[]' trailing", metric.ListingMalformed},
		{"ends badly", "echo 'ERROR: no' >&2; exit 37", metric.ListingExit},
		{"may not be run", "", metric.ListingPermission},
	} {
		t.Run(bad.name, func(t *testing.T) {
			backuptest.Script(t, script, bad.script)
			if bad.reason == metric.ListingPermission {
				if err := os.Chmod(script, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			before, ok := value(t, c, metric.BackupListingFailures, "main", bad.reason)
			if !ok {
				t.Fatalf("no counter for %s before its first event", bad.reason)
			}
			// Only what hangs is to reach its timeout, however busy the machine is.
			c.here[0].Timeout = config.Duration(time.Minute)
			if bad.reason == metric.ListingTimeout {
				c.here[0].Timeout = config.Duration(time.Second)
			}
			err := c.listNow(t)
			if err == nil {
				t.Fatal("no error")
			}
			if after, _ := value(t, c, metric.BackupListingFailures, "main", bad.reason); after != before+1 {
				t.Errorf("%s was not counted: %v", bad.reason, err)
			}
			if got, _ := value(t, c, metric.BackupLastSuccess, "main", "full", "1", ""); got != want {
				t.Errorf("what was known is gone: %v", got)
			}
			if got, _ := value(t, c, metric.BackupListingLastSuccess, "main", "1"); got != at {
				t.Errorf("the listing's age is lost: %v", got)
			}
		})
	}
}

// What is known survives a restart, with its age.
func TestFactsSurviveARestart(t *testing.T) {
	storage := t.TempDir()
	dir, err := state.Open(storage)
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "pgbackrest")
	listing := backuptest.Listing(t, "pgbackrest.json")
	backuptest.Script(t, script, `case "$*" in *repo-ls*) echo '{}';; *) cat `+listing+`;; esac`)
	p := scripted(t, script, t.TempDir())
	first := newCollector(t, dir, p)
	_ = first.listNow(t)
	at, _ := value(t, first, metric.BackupListingLastSuccess, "main", "1")
	if err := first.save(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	if dir, err = state.Open(storage); err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	second := newCollector(t, dir, p)
	if got, ok := value(t, second, metric.BackupListingLastSuccess, "main", "1"); !ok || got != at {
		t.Errorf("listed at %v, was %v", got, at)
	}
	if got, _ := value(t, second, metric.BackupLastSuccess, "main", "full", "1", ""); got != 1789869700 {
		t.Errorf("last success %v", got)
	}
	if n, ok := value(t, second, metric.BackupListings, "main"); !ok || n != 0 {
		t.Errorf("the counter starts at %v", n)
	}
}

// Run lists repeatedly, reads result files and stops when its context ends.
func TestRun(t *testing.T) {
	script := filepath.Join(t.TempDir(), "pgbackrest")
	backuptest.Script(
		t, script, `case "$*" in *repo-ls*) echo '{}';; `+
			`*) echo '[{"name":"main","status":{"code":2},"repo":[{"key":1,"status":{"code":2}}]}]';; esac`)
	results := t.TempDir()
	r := result.Result{
		Backup: "main", Test: metric.TestVerify, Started: time.Unix(1000, 0), Finished: time.Unix(1060, 0),
		Success: true,
	}
	if err := r.Write(results); err != nil {
		t.Fatal(err)
	}
	c := newCollector(t, nil, scripted(t, script, results))
	ctx, cancel := context.WithCancel(t.Context())
	reported := make(chan error, 10)
	done := make(chan error)
	go func() {
		done <- collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(err error, _ time.Duration) { reported <- err })
	}()
	if err := <-reported; err != nil {
		t.Error(err)
	}
	var tested float64
	testkit.Eventually(t, func() bool {
		tested, _ = value(t, c, metric.BackupTestLastSuccess, "main", metric.TestVerify)
		_, listed := value(t, c, metric.BackupLastSuccess, "main", "full", "1", "")
		return listed && tested == 1060
	}, "a listing, and 1060 as the test's last success: it is %v", testkit.Last(func() any { return tested }))
	if v, ok := value(t, c, metric.BackupTestDuration, "main", metric.TestVerify); !ok || v != 60 {
		t.Errorf("duration %v", v)
	}
	if v, ok := value(t, c, metric.BackupLastSuccess, "main", "full", "1", ""); !ok || v != 0 {
		t.Errorf("an empty repository: last success %v, %v", v, ok)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestPolicyThatCannotBeIsRefused(t *testing.T) {
	c := New(Options{Logger: slog.New(slog.DiscardHandler)})
	err := collectors.Apply(c, testPolicy(t, "backups: [{name: a, interval: 1d, source: {program: tar}}]"))
	var reasoned *collectors.ReasonError
	if !errors.As(err, &reasoned) || !strings.Contains(err.Error(), "write one of") {
		t.Errorf("err = %v", err)
	}
}

// An exporter elsewhere says what is expected, and lists nothing.
func TestLocations(t *testing.T) {
	p := testPolicy(
		t, "location: fra\nbackups: [{name: a, interval: 1d, locations: [db1], source: {program: pgbackrest, scope: main}}]")
	c := newCollector(t, nil, p)
	if _, ok := value(t, c, metric.BackupInfo, "a", "pgbackrest", "", "", "P1"); !ok {
		t.Error("the expectation is missing")
	}
	if _, ok := value(t, c, metric.BackupListings, "a"); ok {
		t.Error("it lists what is elsewhere")
	}
}

func TestExpositionIsClean(t *testing.T) {
	script := filepath.Join(t.TempDir(), "pgbackrest")
	listing := backuptest.Listing(t, "pgbackrest.json")
	backuptest.Script(t, script, `case "$*" in *repo-ls*) echo '{}';; *) cat `+listing+`;; esac`)
	c := newCollector(t, nil, scripted(t, script, t.TempDir()))
	_ = c.listNow(t)
	if problems, err := testutil.CollectAndLint(c); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}
