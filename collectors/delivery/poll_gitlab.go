package delivery

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/fetch"
	"github.com/thorbis/thorbis_exporter/metric"
)

// gitLabDeployment is the part of a deployment of GitLab's API that is read.
type gitLabDeployment struct {
	ID          int64  `json:"id"`
	Status      string `json:"status"`
	SHA         string `json:"sha"`
	Ref         string `json:"ref"`
	CreatedAt   moment `json:"created_at"`
	UpdatedAt   moment `json:"updated_at"`
	Environment struct {
		Name string `json:"name"`
	} `json:"environment"`
	Deployable *struct {
		FinishedAt moment `json:"finished_at"`
		WebURL     string `json:"web_url"`
		Commit     struct {
			CreatedAt moment `json:"created_at"`
			Title     string `json:"title"`
		} `json:"commit"`
	} `json:"deployable"`
}

// gitLabStates are the states of a deployment by its status.
var gitLabStates = map[string]string{
	"success": metric.DeploymentSuccess, "failed": metric.DeploymentFailure, "canceled": metric.DeploymentCancelled,
	"created": pending, "running": pending, "blocked": pending, "skipped": metric.DeploymentCancelled,
}

func (d *gitLabDeployment) change() change {
	c := change{
		id: strconv.FormatInt(d.ID, 10), state: gitLabStates[d.Status], created: d.CreatedAt.Time, at: d.UpdatedAt.Time,
		commit: d.SHA, ref: d.Ref,
	}
	if d.ID <= 0 {
		c.id = ""
	}
	if job := d.Deployable; job != nil {
		c.commitTime, c.title, c.url = job.Commit.CreatedAt.Time, job.Commit.Title, job.WebURL
		if !job.FinishedAt.IsZero() {
			c.at = job.FinishedAt.Time
		}
	}
	return c
}

// askGitLab reads the deployments that changed last.
func (r *round) askGitLab(ctx context.Context) (time.Duration, *fetch.Error) {
	o := r.GitLab
	address := o.URL + "/api/v4/projects/" + url.PathEscape(o.Project) + "/deployments"
	query := url.Values{"environment": {o.Environment}, "order_by": {"updated_at"}, "sort": {"desc"}}
	return r.pages(ctx, address, query, func(body []byte) (changes []change, err *fetch.Error) {
		var list []*gitLabDeployment
		if err := decode(body, &list); err != nil {
			return nil, err
		}
		for _, d := range list {
			if d != nil && d.Environment.Name == o.Environment {
				changes = append(changes, d.change())
			}
		}
		return changes, nil
	})
}
