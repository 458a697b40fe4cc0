package procedure

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// A file's time of change, the result of a test of a backup, and the rounds of another collector.
func TestFilesProveRuns(t *testing.T) {
	dir := t.TempDir()
	now := time.Now().Truncate(time.Second)
	c := New(Options{Logger: testLogger(), Rounds: func(name string) (time.Time, bool) {
		return now.Add(-time.Minute), name == "health"
	}})
	p := policy(t, "backups: [{name: db, interval: 1d, results: "+dir+", source: {program: directory}}]\n",
		"{name: file, interval: 1d, page: P3, file: "+dir+"/done}",
		"{name: verify, interval: 1d, page: P3, backup: {name: db, test: verify}}",
		"{name: checks, interval: 1d, page: P3, collector: health}",
		"{name: absent, interval: 1d, page: P3, collector: storage}")
	r := startThis(t, c, p)
	files := func() []*watched {
		return []*watched{c.watched["file"], c.watched["verify"], c.watched["checks"]}
	}
	if err := c.readFiles(t.Context(), files()); err != nil {
		t.Fatal(err)
	}
	if !c.record("file").Success.IsZero() || !c.record("checks").Success.Equal(now.Add(-time.Minute)) {
		t.Errorf("%+v, %+v", c.record("file"), c.record("checks"))
	}
	testkit.WriteFile(t, dir+"/done.new", "") // the collector looks, too
	if err := os.Chtimes(dir+"/done.new", now.Add(-time.Hour), now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+"/done.new", dir+"/done"); err != nil {
		t.Fatal(err)
	}
	result := `{"version": 1, "backup": "db", "test": "verify", "started": %q, "finished": %q, "success": false}`
	result = strings.Replace(strings.Replace(result, "%q", `"`+now.Add(-2*time.Hour).Format(time.RFC3339)+`"`, 1), "%q",
		`"`+now.Add(-time.Hour).Format(time.RFC3339)+`"`, 1)
	testkit.WriteFile(t, dir+"/db.verify.json", result)
	for range 3 { // what has not changed counts once
		if err := c.readFiles(t.Context(), files()); err != nil {
			t.Fatal(err)
		}
	}
	r.has(t, metric.ProcedureRuns, `{procedure="file",result="success"} 1`)
	r.has(t, metric.ProcedureRuns, `{procedure="verify",result="failure"} 1`)
	r.has(t, metric.ProcedureRuns, `{procedure="checks",result="success"} 1`)
	r.has(t, metric.ProcedureLastDuration, `{procedure="verify"} 3600`)
	if !c.record("file").Success.Equal(now.Add(-time.Hour)) {
		t.Errorf("%+v", c.record("file"))
	}
	if c.watched["absent"] != nil {
		t.Error("rounds of a collector are watched that does not run here")
	}
	testkit.WriteFile(t, dir+"/db.verify.json", "{")
	if err := c.readFiles(t.Context(), files()); err == nil || !strings.Contains(err.Error(), "invalid result") {
		t.Errorf("a broken result: %v", err)
	}
}

// A result that the command run could not deliver counts at its own time, once, and is deleted.
func TestResultsAreTaken(t *testing.T) {
	p := policy(t, "", "{name: a, interval: 1d, page: P3}")
	dir := p.Procedures().Results
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Second)
	one := Result{
		Version: 1, Procedure: "a", RID: rid1, Started: now.Add(-2 * time.Hour), Finished: now.Add(-time.Hour), Success: true,
	}
	write := func(name string, r Result) {
		t.Helper()
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		testkit.WriteFile(t, dir+"/"+name, text)
	}
	r := startCollector(t, open(t, t.TempDir()), p)
	write("a.json", one)
	testkit.Eventually(t, func() bool {
		_ = r.readResults(t.Context(), dir)
		_, err := os.Stat(dir + "/a.json")
		return os.IsNotExist(err)
	}, "the result is taken")
	write("again.json", one)
	unknown := one
	unknown.Procedure = "b"
	write("unknown.json", unknown)
	write(".hidden.json", one)
	testkit.WriteFile(t, dir+"/broken.json", "{")
	testkit.WriteFile(t, dir+"/notes.txt", "")
	err := r.readResults(t.Context(), dir)
	if err == nil || !strings.Contains(err.Error(), `unknown procedure "b"`) ||
		!strings.Contains(err.Error(), "broken.json: invalid result") {
		t.Errorf("%v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 {
		t.Errorf("%d files remain, %v", len(entries), err)
	}
	r.has(t, metric.ProcedureRuns, `{procedure="a",result="success"} 1`)
	if got := r.record("a"); !got.Success.Equal(one.Finished) || got.Duration != 3600 {
		t.Errorf("%+v", got)
	}
}

func FuzzResult(f *testing.F) {
	f.Add([]byte(`{"version": 1, "procedure": "a", "rid": "` + rid1 + `", "finished": "2026-11-01T00:00:00Z"}`))
	f.Add([]byte(`{"version": 1, "started": "2026-11-01T00:00:00Z", "finished": "2026-10-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		now := time.Now()
		r, err := parseResult(text, now)
		if err != nil {
			return
		}
		if r.Finished.After(now) || r.Started.After(r.Finished) || len(r.Output) > maxOutput {
			t.Errorf("%+v", r)
		}
	})
}

// Where nothing is received, only what files and collectors prove is watched.
func TestWatchedWithoutAReceiver(t *testing.T) {
	items := []string{"{name: pinged, interval: 1d, page: P3}", "{name: file, interval: 1d, page: P3, file: done}"}
	p := policy(t, "", items...)
	for results, want := range map[string]int{"": 1, "results": 2} {
		p.Procedures().Results = results
		c := New(Options{Logger: testLogger(), NoReceiver: true})
		change, err := c.Prepare(p)
		if err != nil {
			t.Fatal(err)
		}
		change.Commit()
		if len(c.watched) != want || c.watched["file"] == nil {
			t.Errorf("results %q: %d are watched", results, len(c.watched))
		}
	}
}
