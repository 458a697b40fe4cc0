package saas

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

const (
	// releaseEvery is how often the platform is deployed.
	releaseEvery = 6 * time.Hour
	// releasedBefore is how long before its start it was deployed last: late enough for an exporter that starts with it to
	// count that, and early enough for no outage to be taken for its making.
	releasedBefore = 14*time.Minute + 30*time.Second
	// ciEvery is how often the platform's workflow runs, and ciTakes how long a run takes.
	ciEvery, ciTakes = 5 * time.Minute, 90 * time.Second
)

// release is a deployment of the platform.
type release struct {
	number int
	live   time.Time
	hotfix bool
}

func (r release) sha() string {
	sum := sha256.Sum256([]byte(fmt.Sprint("release ", r.number)))
	return fmt.Sprintf("%x", sum[:20])
}

// releases returns the deployments until now, the newest first: a first one that a hotfix mends a minute later, then
// one every few hours.
func (p *Platform) releases(now time.Time) []release {
	first := p.started.Add(-releasedBefore)
	all := []release{{1, first, false}, {2, first.Add(time.Minute), true}}
	for n := 3; ; n++ {
		live := first.Add(time.Duration(n-2) * releaseEvery)
		if live.After(now) {
			slices.Reverse(all)
			return all
		}
		all = append(all, release{n, live, false})
	}
}

// deliver adds to a handler what GitHub's API has of the platform's repository.
func (p *Platform) deliver(mux *http.ServeMux) {
	const base = "GET /github/repos/demo/app/"
	answer := func(w http.ResponseWriter, document any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(document)
	}
	type object map[string]any
	find := func(w http.ResponseWriter, is func(release) bool, document func(release) any) {
		all := p.releases(time.Now())
		i := slices.IndexFunc(all, is)
		if i < 0 {
			http.Error(w, `{"message": "Not Found"}`, http.StatusNotFound)
			return
		}
		answer(w, document(all[i]))
	}
	mux.HandleFunc(base+"deployments", func(w http.ResponseWriter, _ *http.Request) {
		list := []object{}
		for _, r := range p.releases(time.Now()) {
			list = append(list, object{
				"id": r.number, "sha": r.sha(), "ref": "main", "task": "deploy", "environment": "production",
				"created_at": r.live.Add(-time.Minute).UTC().Format(time.RFC3339),
			})
		}
		answer(w, list)
	})
	mux.HandleFunc(base+"deployments/{id}/statuses", func(w http.ResponseWriter, req *http.Request) {
		find(w, func(r release) bool { return fmt.Sprint(r.number) == req.PathValue("id") }, func(r release) any {
			return []object{{"id": r.number, "state": "success", "created_at": r.live.UTC().Format(time.RFC3339)}}
		})
	})
	mux.HandleFunc(base+"commits/{sha}", func(w http.ResponseWriter, req *http.Request) {
		find(w, func(r release) bool { return r.sha() == req.PathValue("sha") }, func(r release) any {
			title := fmt.Sprintf("Change %d (#%d)", r.number, 100+r.number)
			if r.hotfix {
				title = fmt.Sprintf("Hotfix of change %d (#%d)", r.number-1, 100+r.number)
			}
			committed := r.live.Add(-time.Duration(r.number) * 40 * time.Minute)
			return object{"commit": object{
				"message": title, "committer": object{"date": committed.UTC().Format(time.RFC3339)},
			}}
		})
	})
	mux.HandleFunc(base+"actions/runs", func(w http.ResponseWriter, _ *http.Request) {
		list := []object{}
		now := time.Now()
		newest := int(now.Sub(p.started)/ciEvery) + 1
		for n := newest; n > max(newest-20, 0); n-- {
			began := p.started.Add(time.Duration(n-1) * ciEvery)
			run := object{
				"id": n, "path": ".github/workflows/ci.yml", "run_number": n, "run_attempt": 1, "status": "in_progress",
				"created_at": began.UTC().Format(time.RFC3339), "run_started_at": began.UTC().Format(time.RFC3339),
				"updated_at": began.UTC().Format(time.RFC3339),
			}
			if ended := began.Add(ciTakes); !ended.After(now) {
				run["status"], run["conclusion"] = "completed", "success"
				run["updated_at"] = ended.UTC().Format(time.RFC3339)
			}
			list = append(list, run)
		}
		answer(w, object{"total_count": len(list), "workflow_runs": list})
	})
}
