package procedure

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	adasKey = "ada-has-a-key-of-her-own"
	bobsKey = "bob-has-a-key-of-his-own"
)

// taskPolicy has a review that ada alone may sign, a task of everybody, and a procedure.
func taskPolicy(t *testing.T) *config.Policy {
	t.Helper()
	dir := t.TempDir()
	for name, key := range map[string]string{"ada": adasKey, "bob": bobsKey, "shared": testKey} {
		testkit.WriteFile(t, dir+"/"+name, key)
	}
	return policytest.Load(t, dir, fmt.Sprintf(`version: 1
channels: {deadman: none}
services: [{name: web, owner: sre}]
procedures:
  people:
    - {name: ada, key: {file: %[1]s/ada}}
    - {name: bob, key: {file: %[1]s/bob}}
    - {name: eve}
  ping_keys: [{file: %[1]s/shared}]
  expected:
    - {name: review, cron: "0 8 * * *", page: P4, task: {people: [ada, eve], dashboard: thorbis-daily, row: "08:00"}}
    - {name: tidy, interval: 7d, page: P4, task: {}}
    - {name: job, interval: 1m, page: P4}
`, dir))
}

// Only a person who may sign a task reports it, and who did is kept; all refusals have one answer.
func TestTask(t *testing.T) {
	path := t.TempDir()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	p := taskPolicy(t)
	r := startCollector(t, dir, p)
	for _, x := range []struct {
		path string
		want int
	}{
		{"/ping/" + testKey + "/review", http.StatusNotFound},
		{"/ping/" + bobsKey + "/review", http.StatusNotFound},
		{"/ping/" + adasKey + "/review?by=bob", http.StatusNotFound},
		{"/ping/" + adasKey + "/none", http.StatusNotFound},
		{"/ping/" + adasKey + "/job", http.StatusNotFound},
		{"/ping/" + testKey + "/job?by=ada", http.StatusNotFound},
		{"/ping/" + adasKey + "/review?by=ada", http.StatusOK},
		{"/ping/" + bobsKey + "/tidy", http.StatusOK},
		{"/ping/" + testKey + "/job", http.StatusOK},
	} {
		code, text := r.send(t, http.MethodPost, x.path, "all well, see https://wiki.example.com/review-1 and more")
		if code != x.want || code == http.StatusNotFound && text != "not found\n" {
			t.Errorf("%s: %d %q, want %d", strings.NewReplacer(testKey, "KEY", adasKey, "ADA", bobsKey, "BOB").Replace(x.path),
				code, text, x.want)
		}
	}
	if got := r.series(t, metric.ProcedureDoneBy); !strings.Contains(got, `{person="ada",procedure="review"} 1`) ||
		!strings.Contains(got, `{person="bob",procedure="tidy"} 1`) || strings.Contains(got, `"job"`) {
		t.Error(got)
	}
	r.stop()
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	// After a restart who did it is still known.
	if dir, err = state.Open(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	r = startCollector(t, dir, p)
	d, err := r.detail("review", time.Now())
	if err != nil || len(d.Runs) != 1 || d.DoneBy != "ada" {
		t.Fatalf("%+v, %v", d, err)
	}
	one := d.Runs[0]
	if one.By != "ada" || one.Link != "https://wiki.example.com/review-1" || !strings.HasPrefix(one.Note, "all well") ||
		one.Result != metric.ResultSuccess {
		t.Errorf("%+v", one)
	}
	if d, err := r.detail("job", time.Now()); err != nil || len(d.Runs) != 0 {
		t.Errorf("each run of what is due every minute is listed: %+v, %v", d, err)
	}
	var missing *collectors.RequestError
	if _, err := r.detail("none", time.Now()); !errors.As(err, &missing) {
		t.Error(err)
	}
}

// A signature of a listener's user counts for a person that the policy permits.
func TestSign(t *testing.T) {
	r := startCollector(t, nil, taskPolicy(t))
	for _, x := range []struct{ task, person string }{
		{"review", "bob"}, {"review", ""}, {"tidy", "mallory"}, {"job", "ada"}, {"none", "ada"},
	} {
		if err := r.Sign(t.Context(), x.task, x.person, ""); !errors.Is(err, ErrNotPermitted) {
			t.Errorf("%s signs %s: %v", x.person, x.task, err)
		}
	}
	if err := r.Sign(t.Context(), "review", "eve", "seen"); err != nil {
		t.Fatal(err)
	}
	tasks := r.Tasks(time.Now())
	if len(tasks) != 2 || tasks[0].Procedure != "review" || tasks[0].DoneBy != "eve" || len(tasks[0].Runs) != 1 ||
		tasks[1].DoneBy != "" || len(tasks[1].People) != 3 {
		t.Errorf("%+v", tasks)
	}
}

// The runs of a task that are listed are bounded, and in the order in which they ended.
func TestListedRunsAreBounded(t *testing.T) {
	r := newRecord("x", time.Now().Add(-time.Hour))
	start := time.Now().Add(-time.Hour)
	for i := range maxLog + 10 {
		at := start.Add(time.Duration(i^1) * time.Second) // in pairs, the later first
		r = r.apply(event{kind: succeeded, at: at, by: "ada", output: strings.Repeat("ä", maxNote), logged: true})
	}
	if len(r.Log) != maxLog || len(r.Log[0].Note) > maxNote {
		t.Errorf("%d runs, a note of %d bytes", len(r.Log), len(r.Log[0].Note))
	}
	for i := 1; i < len(r.Log); i++ {
		if r.Log[i].At.Before(r.Log[i-1].At) {
			t.Fatalf("run %d ended before the one that is listed before it", i)
		}
	}
}
