package saas

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestReleases checks what an exporter that starts with the platform reads of its deployments: two that it counts, of
// which the second mends the first.
func TestReleases(t *testing.T) {
	p := &Platform{started: time.Now()}
	mux := http.NewServeMux()
	p.deliver(mux)
	get := func(path string, document any) int {
		t.Helper()
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/github/repos/demo/app/"+path, nil))
		if err := json.Unmarshal(w.Body.Bytes(), document); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return w.Code
	}
	var deployments []struct {
		ID  int
		SHA string
	}
	get("deployments?environment=production", &deployments)
	if len(deployments) != 2 || deployments[0].ID != 2 {
		t.Fatalf("deployments: %+v", deployments)
	}
	for i, want := range []string{"Hotfix of change 1 (#102)", "Change 1 (#101)"} {
		var statuses []struct {
			State     string
			CreatedAt time.Time `json:"created_at"`
		}
		get(fmt.Sprintf("deployments/%d/statuses?per_page=100", deployments[i].ID), &statuses)
		if len(statuses) != 1 || statuses[0].State != "success" || time.Since(statuses[0].CreatedAt) > 15*time.Minute {
			t.Errorf("statuses of %d: %+v", deployments[i].ID, statuses)
		}
		var commit struct{ Commit struct{ Message string } }
		if get("commits/"+deployments[i].SHA, &commit); commit.Commit.Message != want {
			t.Errorf("the commit is %q, want %q", commit.Commit.Message, want)
		}
	}
	var runs struct {
		Runs []struct{ Status string } `json:"workflow_runs"`
	}
	if get("actions/runs?branch=main", &runs); len(runs.Runs) != 1 || runs.Runs[0].Status != "in_progress" {
		t.Errorf("runs: %+v", runs)
	}
	if code := get("commits/0000000", &struct{}{}); code != http.StatusNotFound {
		t.Errorf("a commit that is not there is answered with %d", code)
	}
	if later := p.releases(p.started.Add(13 * time.Hour)); len(later) != 4 {
		t.Errorf("%d deployments after thirteen hours", len(later))
	}
}
