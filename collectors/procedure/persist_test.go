package procedure

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

func open(t *testing.T, path string) *state.Dir {
	t.Helper()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	return dir
}

// crashed returns a copy of a state directory, as a process that is killed now leaves it.
func crashed(t *testing.T, path string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(path)); err != nil {
		t.Fatal(err)
	}
	return to
}

// What was acknowledged outlives a kill at any moment after it, and nothing counts twice.
func TestReportsOutliveACrash(t *testing.T) {
	path := t.TempDir()
	items := []string{"{name: a, interval: 1h, page: P3, max_runtime: 1h}", "{name: b, interval: 1h, page: P3}"}
	r := startCollector(t, open(t, path), policy(t, "", items...))
	paths := []string{"/a/start?rid=" + rid1, "/b/fail", "/a/0?rid=" + rid1, "/a/start?rid=" + rid2, "/b"}
	for i, ping := range paths {
		if code, _ := r.send(t, "POST", "/ping/"+testKey+ping, "output"); code != 200 {
			t.Fatalf("%s: %d", ping, code)
		}
		after := startCollector(t, open(t, crashed(t, path)), policy(t, "", items...))
		if want, got := r.series(t, metric.ProcedureRuns), after.series(t, metric.ProcedureRuns); got != want {
			t.Errorf("after %d pings:\n%s, want\n%s", i+1, got, want)
		}
		for _, m := range []*metric.Metric{
			metric.ProcedureLastStart, metric.ProcedureLastSuccess, metric.ProcedureLastFailure, metric.ProcedureDueTime,
			metric.ProcedureOldestRun, metric.ProcedureRunDuration, metric.ProcedureRunsInProgress,
		} {
			if want, got := r.series(t, m), after.series(t, m); got != want {
				t.Errorf("after %d pings:\n%s, want\n%s", i+1, got, want)
			}
		}
		if code, _ := after.send(t, "POST", "/ping/"+testKey+"/a/0?rid="+rid1, ""); i >= 2 && (code != 200 ||
			after.record("a").Succeeded != 1) {
			t.Errorf("the same report again after a crash: %d, %d successes", code, after.record("a").Succeeded)
		}
		after.stop()
	}
}

// A new procedure is due one interval after it was first seen, however often the exporter is started.
func TestDueOfANewProcedureOutlivesRestarts(t *testing.T) {
	path := t.TempDir()
	p := policy(t, "", "{name: a, interval: 1h, page: P3}")
	r := startCollector(t, open(t, path), p)
	testkit.Eventually(t, func() bool {
		return !r.saving.Changed()
	}, "it is saved")
	want := r.series(t, metric.ProcedureDueTime)
	again := startCollector(t, open(t, crashed(t, path)), p)
	if got := again.series(t, metric.ProcedureDueTime); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A reload may declare a procedure while events are being saved: it is not in the copy that is saved, but in the next.
func TestProcedureThatIsDeclaredDuringASaveIsSaved(t *testing.T) {
	path := t.TempDir()
	dir := open(t, path)
	c := New(Options{Logger: testLogger(), State: dir})
	if err := collectors.Apply(c, policy(t, "", "{name: a, interval: 1h, page: P3}")); err != nil {
		t.Fatal(err)
	}
	_, copied := c.applied(nil, time.Now())
	both := policy(t, "", "{name: a, interval: 1h, page: P3}", "{name: b, interval: 1h, page: P3}")
	if err := collectors.Apply(c, both); err != nil {
		t.Fatal(err)
	}
	c.next = copied
	if err := c.saving.Save(t.Context(), nil); err != nil || c.saving.Changed() {
		t.Fatalf("%v, changed: %t", err, c.saving.Changed())
	}
	c.changeAgain(copied)
	if !c.saving.Changed() {
		t.Fatal("what was declared meanwhile is taken for saved")
	}
	if err := c.settle(t.Context(), nil); err != nil || c.saving.Changed() {
		t.Fatalf("%v, changed: %t", err, c.saving.Changed())
	}
	again := New(Options{Logger: testLogger(), State: open(t, crashed(t, path))})
	if err := collectors.Apply(again, both); err != nil {
		t.Fatal(err)
	}
	if got, want := again.record("b"), c.record("b"); !got.Since.Equal(want.Since) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// What cannot be saved is neither acknowledged nor exposed.
func TestUnsavedReportsAreRefused(t *testing.T) {
	dir := open(t, t.TempDir())
	r := startCollector(t, dir, policy(t, "", "{name: a, interval: 1h, page: P3}"))
	if code, _ := r.send(t, "POST", "/ping/"+testKey+"/a", ""); code != 200 {
		t.Fatal(code)
	}
	before := r.series(t, metric.ProcedureRuns) + r.series(t, metric.ProcedureLastSuccess)
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	if code, _ := r.send(t, "POST", "/ping/"+testKey+"/a", ""); code != 503 {
		t.Errorf("a report that is not saved: %d", code)
	}
	if after := r.series(t, metric.ProcedureRuns) + r.series(t, metric.ProcedureLastSuccess); after != before {
		t.Errorf("it is exposed:\n%s", after)
	}
	r.has(t, metric.StateUnsaved, `{collector="procedure"} 1`)
	r.has(t, metric.ProcedurePings, `{result="unavailable"} 1`)
}

// A reload keeps what is known, also of a procedure that is gone for a while.
func TestReload(t *testing.T) {
	both := policy(t, "", "{name: a, interval: 1h, page: P3}", "{name: b, interval: 1h, page: P3}")
	r := startCollector(t, open(t, t.TempDir()), both)
	for _, name := range []string{"a", "b"} {
		if code, _ := r.send(t, "POST", "/ping/"+testKey+"/"+name, ""); code != 200 {
			t.Fatal(code)
		}
	}
	want := r.series(t, metric.ProcedureLastSuccess)
	apply := func(items ...string) {
		t.Helper()
		change, err := r.Prepare(policy(t, "", items...))
		if err != nil {
			t.Fatal(err)
		}
		change.Commit()
	}
	apply("{name: a, interval: 1h, page: P3}")
	if code, _ := r.send(t, "POST", "/ping/"+testKey+"/b", ""); code != 404 {
		t.Errorf("a procedure that is gone: %d", code)
	}
	apply("{name: a, interval: 1h, page: P3}", "{name: b, interval: 1h, page: P3}")
	if got := r.series(t, metric.ProcedureLastSuccess); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	apply()
	if got := r.series(t, metric.ProcedureInfo); got != "" {
		t.Errorf("without the section %s", got)
	}
	if code, _ := r.send(t, "POST", "/ping/"+testKey+"/a", ""); code != 404 {
		t.Errorf("without the section: %d", code)
	}
}

func TestDamagedState(t *testing.T) {
	dir := open(t, t.TempDir())
	if err := dir.Save(snapshotName, snapshotVersion, []byte(`{"procedures": {"a": null, "b": {}, "c": 1}}`)); err != nil {
		t.Fatal(err)
	}
	r := startCollector(t, dir, policy(t, "", "{name: a, interval: 1h, page: P3}", "{name: b, interval: 1h, page: P3}"))
	r.has(t, metric.ProcedureRuns, `{procedure="b",result="success"} 0`)
}

func FuzzSaved(f *testing.F) {
	r := applied(begin(1, rid1), done(5, ""), fail(9, rid1), begin(9, ""))
	text, err := json.Marshal(saved{map[string]*record{"it": r}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"procedures": {"it": {"created": "2026-01-01T00:00:00Z", "buckets": [1], "open": [{}]}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s saved
		if json.Unmarshal(text, &s) != nil {
			return
		}
		w := watch(t, "", "interval: 1h")
		for _, r := range s.Procedures {
			if r == nil {
				continue
			}
			now := time.Now()
			r = r.sane(now)
			for _, e := range []event{{kind: started, at: now}, {kind: succeeded, at: now}, {kind: alive, at: now}} {
				r = r.apply(e)
			}
			if due := w.due(r); w.state(r, due, now, now) == "" || w.overdue(due, now) < 0 {
				t.Errorf("%+v", r)
			}
		}
	})
}
