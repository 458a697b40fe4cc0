package delivery

import (
	"cmp"
	"context"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/fetch"
	"github.com/thorbis/thorbis_exporter/metric"
)

// maxRuns is how many runs of a workflow are remembered, so that each is counted once.
const maxRuns = 300

// workflow is what is known of the runs of a workflow on the branch. It is saved.
type workflow struct {
	Since    time.Time         `json:"since"`
	Results  map[string]uint64 `json:"results"`
	Duration *durations        `json:"duration"`
	Seen     []string          `json:"seen,omitempty"` // ids with their attempts, the oldest first
	// LastNumber is the number of the newest run that has ended, with its attempt, and LastResult what became of it.
	LastNumber  int64     `json:"last_number,omitempty"`
	LastAttempt int64     `json:"last_attempt,omitempty"`
	LastResult  string    `json:"last_result,omitempty"`
	LastURL     string    `json:"last_url,omitempty"`
	Running     time.Time `json:"running,omitzero"` // since when the oldest run goes on
}

func (w *workflow) complete() {
	if w.Results == nil {
		w.Results = map[string]uint64{}
	}
	w.Duration = w.Duration.fits(runBounds)
}

// gitHubRun is the part of a run of GitHub Actions that is read. A run that is repeated keeps its id.
type gitHubRun struct {
	ID         int64  `json:"id"`
	Path       string `json:"path"`
	Number     int64  `json:"run_number"`
	Attempt    int64  `json:"run_attempt"`
	Status     string `json:"status"`
	Conclusion string `json:"conclusion"`
	CreatedAt  moment `json:"created_at"`
	StartedAt  moment `json:"run_started_at"`
	UpdatedAt  moment `json:"updated_at"`
	URL        string `json:"html_url"`
}

// runResults are the results of runs by their conclusions. What is skipped or neutral has not run.
var runResults = map[string]string{
	"success": metric.RunSuccess, "failure": metric.RunFailure, "timed_out": metric.RunFailure,
	"startup_failure": metric.RunFailure, "cancelled": metric.RunCancelled,
}

// file returns the file name of the workflow, which a branch may follow.
func (o *gitHubRun) file() string {
	name, _, _ := strings.Cut(o.Path, "@")
	return path.Base(name)
}

// gitHubRuns reads the newest runs of the workflows that the policy names.
func (r *round) gitHubRuns(ctx context.Context, base string) (time.Duration, *fetch.Error) {
	if len(r.GitHub.Workflows) == 0 {
		return 0, nil
	}
	address := base + "/actions/runs?" + url.Values{
		"branch": {r.GitHub.Branch}, "per_page": {"100"}, "exclude_pull_requests": {"true"},
	}.Encode()
	a, err := r.get(ctx, address, true)
	if err != nil || a.unchanged() {
		return a.rest, err
	}
	var doc struct {
		Runs []*gitHubRun `json:"workflow_runs"`
	}
	if err := decode(a.Body, &doc); err != nil {
		return 0, err
	}
	runs := slices.DeleteFunc(doc.Runs, func(o *gitHubRun) bool {
		return o == nil || o.ID <= 0 || !slices.Contains(r.GitHub.Workflows, o.file())
	})
	slices.SortStableFunc(runs, func(a, b *gitHubRun) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Attempt, b.Attempt))
	})
	got := received{runs: &runReport{r.watchedSource, runs}}
	if _, err := r.submit(ctx, got); err != nil {
		return 0, fetch.Failed(metric.DeliveryUnsaved, "%w", err)
	}
	r.remember(address, a)
	return a.rest, nil
}

// runReport is what a source reports of the newest runs of its workflows, the oldest first.
type runReport struct {
	watchedSource
	runs []*gitHubRun
}

// workflowOf names a workflow among those of a service.
func workflowOf(source, file string) string { return source + " " + file }

// applyRuns counts the runs that are new and returns whether anything is.
func (s *service) applyRuns(report *runReport, now time.Time) (news bool) {
	for _, file := range report.GitHub.Workflows {
		w := s.Workflows[workflowOf(report.name, file)]
		if w == nil {
			continue
		}
		running := time.Time{}
		for _, o := range report.runs {
			if o.file() != file {
				continue
			}
			if o.Status != "completed" {
				if at := bounded(o.StartedAt.Time, now, openFor); !at.IsZero() && (running.IsZero() || at.Before(running)) {
					running = at
				}
				continue
			}
			news = w.count(o, now) || news
		}
		if !running.Equal(w.Running) {
			w.Running, news = running, true
		}
	}
	return news
}

// count counts a run that has ended, once.
func (w *workflow) count(o *gitHubRun, now time.Time) bool {
	id := strconv.FormatInt(o.ID, 10) + "." + strconv.FormatInt(o.Attempt, 10)
	result := runResults[o.Conclusion]
	if slices.Contains(w.Seen, id) || result == "" {
		return false
	}
	w.Seen = append(w.Seen, id)
	w.Seen = w.Seen[max(0, len(w.Seen)-maxRuns):]
	if o.Number > w.LastNumber || o.Number == w.LastNumber && o.Attempt >= w.LastAttempt {
		if result != metric.RunCancelled { // a cancelled run says nothing of the branch
			w.LastNumber, w.LastAttempt, w.LastResult, w.LastURL = o.Number, o.Attempt, result, address(o.URL)
		}
	}
	ended := bounded(o.UpdatedAt.Time, now, maxOld)
	if ended.Before(w.Since.Add(-historyGrace)) {
		return true // before it was watched
	}
	w.Results[result]++
	if took := ended.Sub(o.StartedAt.Time); !o.StartedAt.IsZero() && took >= 0 {
		w.Duration.observe(runBounds, took)
	}
	return true
}
