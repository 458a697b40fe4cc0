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
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/metric"
)

// script writes an executable that the collector runs in the place of pgbackrest.
func script(t *testing.T, path, text string) {
	t.Helper()
	tmp := path + ".new"
	if err := os.WriteFile(tmp, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, path); err != nil {
		t.Fatal(err)
	}
}

func testPolicy(t *testing.T, text string) *config.Policy {
	t.Helper()
	file := filepath.Join(t.TempDir(), "thorbis.yaml")
	if err := os.WriteFile(file, []byte("version: 1\nchannels: {deadman: none}\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return p
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
	program := filepath.Join(t.TempDir(), "pgbackrest")
	listing, err := filepath.Abs("testdata/pgbackrest.json")
	if err != nil {
		t.Fatal(err)
	}
	c := newCollector(t, nil, scripted(t, program, t.TempDir()))

	// Never listed: nothing may read as no backup.
	if err := c.listNow(t); err == nil {
		t.Fatal("a missing program is no error")
	}
	if _, ok := value(t, c, metric.BackupLastSuccess, "main", "full", "1", ""); ok {
		t.Error("a backup that was never listed has a last success")
	}

	good := `case "$*" in *repo-ls*) echo '{}';; *) cat ` + listing + `;; esac`
	script(t, program, good)
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
			script(t, program, bad.script)
			if bad.reason == metric.ListingPermission {
				if err := os.Chmod(program, 0o644); err != nil {
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

func TestUnreadableRepositoryWasNeverListed(t *testing.T) {
	program := filepath.Join(t.TempDir(), "pgbackrest")
	listing, _ := filepath.Abs("testdata/pgbackrest.json")
	script(t, program, `case "$*" in *repo-ls*) echo '{}';; *) cat `+listing+`;; esac`)
	c := newCollector(t, nil, scripted(t, program, t.TempDir()))
	_ = c.listNow(t)
	if v, ok := value(t, c, metric.BackupListingLastSuccess, "main", "3"); !ok || v != 0 {
		t.Errorf("listed at %v, %v; want 0", v, ok)
	}
	if v, ok := value(t, c, metric.BackupRepositoryState, "main", "3", metric.RepositoryUnreadable); !ok || v != 1 {
		t.Errorf("state %v, %v", v, ok)
	}
	if _, ok := value(t, c, metric.BackupLastSuccess, "main", "full", "3", ""); ok {
		t.Error("what cannot be read reads as no backup")
	}
}

// A repository of which the archive cannot be looked at is not seen; the one beside it is.
func TestOneRepositoryThatFailsHidesNoOther(t *testing.T) {
	program := filepath.Join(t.TempDir(), "pgbackrest")
	listing, _ := filepath.Abs("testdata/pgbackrest.json")
	script(t, program, `case "$*" in *--repo=1*repo-ls*) echo 'no such host' >&2; exit 103;; *repo-ls*) echo '{}';; *) cat `+listing+`;; esac`)
	c := newCollector(t, nil, scripted(t, program, t.TempDir()))
	if err := c.listNow(t); err == nil || !strings.Contains(err.Error(), "no such host") {
		t.Errorf("err = %v", err)
	}
	if v, _ := value(t, c, metric.BackupRepositoryState, "main", "1", metric.RepositoryUnreadable); v != 1 {
		t.Error("what cannot be looked at is readable")
	}
	if v, ok := value(t, c, metric.BackupListingLastSuccess, "main", "1"); !ok || v != 0 {
		t.Errorf("listed at %v, %v; want 0", v, ok)
	}
	if v, ok := value(t, c, metric.BackupListingLastSuccess, "main", "2"); !ok || v == 0 {
		t.Errorf("the other was listed at %v, %v", v, ok)
	}
}

// If the program does not report when the newest log arrived, the time of the first listing that shows it is used.
func TestNewestLogIsAsOldAsItsFirstListing(t *testing.T) {
	program := filepath.Join(t.TempDir(), "wal-g")
	show := func(end string) {
		script(t, program, `case "$*" in *wal-show*) echo '[{"id": 1, "start_segment": "000000010000000000000001", "end_segment": "`+end+`"}]';; *) echo '[]';; esac`)
	}
	b := scripted(t, program, t.TempDir())
	b.Backups[0].Source = config.BackupSource{Program: "wal-g", Command: []string{program}}
	c := newCollector(t, nil, b)
	newest := func() (float64, bool) {
		if err := c.listNow(t); err != nil {
			t.Fatal(err)
		}
		return value(t, c, metric.BackupLastSuccess, "main", metric.KindWAL, "default", "")
	}
	show("000000010000000000000005")
	if at, ok := newest(); ok {
		t.Errorf("the first listing knows: %v", at)
	}
	show("000000010000000000000006")
	first, ok := newest()
	if !ok || time.Since(time.Unix(int64(first), 0)) > time.Minute {
		t.Errorf("%v, %v", first, ok)
	}
	if again, ok := newest(); !ok || again != first {
		t.Errorf("%v after %v", again, first)
	}
}

// What is known survives a restart, with its age.
func TestFactsSurviveARestart(t *testing.T) {
	storage := t.TempDir()
	dir, err := state.Open(storage)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "pgbackrest")
	listing, _ := filepath.Abs("testdata/pgbackrest.json")
	script(t, program, `case "$*" in *repo-ls*) echo '{}';; *) cat `+listing+`;; esac`)
	p := scripted(t, program, t.TempDir())
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
	program := filepath.Join(t.TempDir(), "pgbackrest")
	script(t, program, `case "$*" in *repo-ls*) echo '{}';; *) echo '[{"name":"main","status":{"code":2},"repo":[{"key":1,"status":{"code":2}}]}]';; esac`)
	results := t.TempDir()
	r := Result{Backup: "main", Test: metric.TestVerify, Started: time.Unix(1000, 0), Finished: time.Unix(1060, 0), Success: true}
	if err := r.Write(results); err != nil {
		t.Fatal(err)
	}
	c := newCollector(t, nil, scripted(t, program, results))
	ctx, cancel := context.WithCancel(t.Context())
	reported := make(chan error, 10)
	done := make(chan error)
	go func() {
		done <- collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(err error, _ time.Duration) { reported <- err })
	}()
	if err := <-reported; err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		tested, _ := value(t, c, metric.BackupTestLastSuccess, "main", metric.TestVerify)
		if _, listed := value(t, c, metric.BackupLastSuccess, "main", "full", "1", ""); listed && tested == 1060 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after 30 s, the test's last success is %v, want 1060 and a listing", tested)
		}
	}
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
	p := testPolicy(t, "location: fra\nbackups: [{name: a, interval: 1d, locations: [db1], source: {program: pgbackrest, scope: main}}]")
	c := newCollector(t, nil, p)
	if _, ok := value(t, c, metric.BackupInfo, "a", "pgbackrest", "", "", "P1"); !ok {
		t.Error("the expectation is missing")
	}
	if _, ok := value(t, c, metric.BackupListings, "a"); ok {
		t.Error("it lists what is elsewhere")
	}
}

// What vanishes is noticed with its age; a listing that cannot be had removes nothing.
func TestRemovedAge(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	list := func(ages ...time.Duration) *listing {
		s := newListing(false)
		s.now = now
		if err := s.repository(Repository{Name: "default"}); err != nil {
			t.Fatal(err)
		}
		for _, age := range ages {
			i := item()
			i.ID, i.Kind, i.Stop = age.String(), metric.KindFull, now.Add(-age)
			if err := s.add(i); err != nil {
				t.Fatal(err)
			}
		}
		s.finish(metric.KindFull)
		return s
	}
	const day = 24 * time.Hour
	f := newFacts("directory")
	f.merge(list(1*day, 2*day, 9*day), now)
	if _, ok := f.Repositories["default"].removedAge(now); ok {
		t.Error("something vanished at the first look")
	}
	f.merge(list(1*day, 2*day), now)
	if age, _ := f.Repositories["default"].removedAge(now); age != 9*day {
		t.Errorf("age %s", age)
	}
	f.merge(list(1*day), now)
	if age, _ := f.Repositories["default"].removedAge(now); age != 2*day {
		t.Errorf("age %s, want that of the youngest", age)
	}
	if _, ok := f.Repositories["default"].removedAge(now.Add(8 * day)); ok {
		t.Error("the removal never expires")
	}
}

func TestEarlierSizeIsTheMedianOfThoseBefore(t *testing.T) {
	s := newListing(false)
	for i, size := range []int64{10, 100, 101, 102, 99, 5} { // the newest last
		it := item()
		it.ID, it.Kind, it.Stop, it.Size = fmt.Sprint(i), metric.KindSnapshot, time.Unix(1_700_000_000+int64(i), 0), size
		if err := s.add(it); err != nil {
			t.Fatal(err)
		}
	}
	s.finish(metric.KindSnapshot)
	g := s.groups[groupKey{defaultRepository, metric.KindSnapshot}]
	if g.Earlier != 100 || g.Newest.Size != 5 || g.Retained != 6 {
		t.Errorf("%+v", g)
	}
}

func TestExpositionIsClean(t *testing.T) {
	program := filepath.Join(t.TempDir(), "pgbackrest")
	listing, _ := filepath.Abs("testdata/pgbackrest.json")
	script(t, program, `case "$*" in *repo-ls*) echo '{}';; *) cat `+listing+`;; esac`)
	c := newCollector(t, nil, scripted(t, program, t.TempDir()))
	_ = c.listNow(t)
	if problems, err := testutil.CollectAndLint(c); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}
