package delivery

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/fetch"
	"github.com/thorbis/thorbis_exporter/metric"
)

// askGitHub reads the newest deployments, the statuses of those that have not ended, the commits whose time is not
// known, and the runs of workflows.
func (r *round) askGitHub(ctx context.Context) (rest time.Duration, err *fetch.Error) {
	base := r.GitHub.URL + "/repos/" + r.GitHub.Repo
	if !r.GitHub.CommitsOnly {
		if rest, err = r.gitHubDeployments(ctx, base); err != nil {
			return rest, err
		}
		if err := r.gitHubStatuses(ctx, base); err != nil {
			return rest, err
		}
	}
	if err := r.gitHubCommits(ctx, base); err != nil {
		return rest, err
	}
	more, err := r.gitHubRuns(ctx, base)
	return max(rest, more), err
}

// gitHubDeployments notes the deployments that are new. They have no state; their statuses have.
func (r *round) gitHubDeployments(ctx context.Context, base string) (time.Duration, *fetch.Error) {
	return r.pages(ctx, base+"/deployments", url.Values{"environment": {r.GitHub.Environment}},
		func(body []byte) (changes []change, err *fetch.Error) {
			var list []*gitHubDeployment
			if err := decode(body, &list); err != nil {
				return nil, err
			}
			for _, d := range list {
				if d != nil && d.in(r.GitHub.Environment) {
					changes = append(changes, d.change(nil))
				}
			}
			return changes, nil
		})
}

// open returns the ids at the source of the newest deployments that have not ended.
func (r *round) open(now time.Time) (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.services[r.service].newest() {
		if id := d.IDs[r.name]; id != "" && !terminal(d.State) && now.Sub(d.Noted) < openFor && len(ids) < maxStatuses {
			ids = append(ids, id)
		}
	}
	return ids
}

func (r *round) gitHubStatuses(ctx context.Context, base string) *fetch.Error {
	for _, id := range r.open(time.Now()) {
		address := base + "/deployments/" + id + "/statuses?per_page=100"
		a, err := r.get(ctx, address, true)
		if err != nil {
			if err.Reason == metric.ReadNotFound { // it was deleted since
				continue
			}
			return err
		}
		if a.unchanged() {
			continue
		}
		var list []*gitHubStatus
		if err := decode(a.Body, &list); err != nil {
			return err
		}
		c := outcomeOf(list)
		c.id = id
		if err := r.report(ctx, []change{c}); err != nil {
			return err
		}
		r.remember(address, a)
	}
	return nil
}

// outcomeOf returns what became of a deployment by its statuses, whose order is not relied upon: live since the first
// success, whatever followed; else what the newest status says. One that another took the place of before it was live
// is cancelled.
func outcomeOf(list []*gitHubStatus) change {
	list = slices.DeleteFunc(list, func(s *gitHubStatus) bool { return s == nil })
	slices.SortStableFunc(list, func(a, b *gitHubStatus) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt.Time), cmp.Compare(a.ID, b.ID))
	})
	var none gitHubDeployment
	for _, s := range list {
		if s.State == "success" {
			return none.change(s)
		}
	}
	if len(list) == 0 {
		return change{state: pending}
	}
	last := list[len(list)-1]
	c := none.change(last)
	if last.State == "inactive" {
		c.state, c.at = metric.DeploymentCancelled, last.CreatedAt.Time
	}
	return c
}

// commitless returns the newest deployments whose commit is known and not its time, as commits by their names.
func (r *round) commitless() (list []deployment) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range slices.Backward(r.services[r.service].Deployments) {
		if d.Commit != "" && d.CommitTime.IsZero() && d.Looked < maxLooks && !d.History && len(list) < maxCommits {
			list = append(list, *d)
		}
	}
	return list
}

// gitHubCommits looks up commits, whichever source has reported their deployment.
func (r *round) gitHubCommits(ctx context.Context, base string) *fetch.Error {
	for _, d := range r.commitless() {
		a, err := r.get(ctx, base+"/commits/"+d.Commit, false)
		c := change{name: d.Name, looked: true}
		if err != nil && (err.Reason == metric.ReadNotFound || err.Reason == metric.ReadRefused) {
			if err := r.report(ctx, []change{c}); err != nil { // a commit of another repository
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		var doc struct {
			Commit struct {
				Message   string `json:"message"`
				Committer struct {
					Date moment `json:"date"`
				} `json:"committer"`
			} `json:"commit"`
		}
		if err := decode(a.Body, &doc); err != nil {
			return err
		}
		c.commitTime, c.title = doc.Commit.Committer.Date.Time, doc.Commit.Message
		if d.PullRequest == 0 && pullRequestOf(line(c.title)) == 0 {
			if c.pullRequest, err = r.gitHubPull(ctx, base, d.Commit); err != nil {
				return err
			}
		}
		if err := r.report(ctx, []change{c}); err != nil {
			return err
		}
	}
	return nil
}

// gitHubPull returns the number of the pull request that brought a commit, 0 for none.
func (r *round) gitHubPull(ctx context.Context, base, commit string) (int, *fetch.Error) {
	a, err := r.get(ctx, fmt.Sprintf("%s/commits/%s/pulls?per_page=10", base, commit), false)
	switch {
	case err != nil && (err.Reason == metric.ReadNotFound || err.Reason == metric.DeliveryUnauthorizedAnswer):
		return 0, nil // the token may not read them
	case err != nil:
		return 0, err
	}
	var list []struct {
		Number   int    `json:"number"`
		MergedAt moment `json:"merged_at"`
	}
	if err := decode(a.Body, &list); err != nil {
		return 0, err
	}
	for _, p := range list {
		if !p.MergedAt.IsZero() {
			return p.Number, nil
		}
	}
	return 0, nil
}
