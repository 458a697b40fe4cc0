package delivery

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// Endpoints implements collectors.Endpoints.
func (c *Collector) Endpoints() []collectors.Endpoint {
	return []collectors.Endpoint{
		{Path: "deployments", Answer: func(*http.Request) (any, error) { return c.list() }},
		{Path: "deployments/{app_service}", Answer: func(r *http.Request) (any, error) {
			return c.deploymentsOf(r.PathValue("app_service"))
		}},
	}
}

// listed is a deployment as the HTTP API shows it.
type listed struct {
	AppService  string    `json:"app_service"`
	Name        string    `json:"deployment"`
	State       string    `json:"state"`
	Live        time.Time `json:"live,omitzero"`
	Commit      string    `json:"commit,omitempty"`
	CommitTime  time.Time `json:"commit_time,omitzero"`
	Title       string    `json:"title,omitempty"`
	PullRequest int       `json:"pull_request,omitempty"`
	URL         string    `json:"url,omitempty"`
	Sources     []string  `json:"sources"`
	Hotfix      bool      `json:"hotfix,omitempty"`
	Rollback    bool      `json:"rollback,omitempty"`
	Failed      time.Time `json:"failed,omitzero"`
	FailedBy    string    `json:"failed_by,omitempty"`
	// Uncounted marks one that was live before its source was first read.
	Uncounted bool `json:"uncounted,omitempty"`
}

func (d *deployment) listed(service string) listed {
	return listed{
		AppService: service, Name: d.Name, State: cmp.Or(d.State, pending), Live: d.Live, Commit: d.Commit,
		CommitTime: d.CommitTime, Title: d.Title, PullRequest: d.PullRequest, URL: d.URL,
		Sources: slices.Sorted(maps.Keys(d.IDs)), Hotfix: d.Hotfix, Rollback: d.Rollback, Failed: d.Failed,
		FailedBy: d.FailedBy, Uncounted: d.History,
	}
}

// list returns the newest deployment of each service.
func (c *Collector) list() (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.policy == nil {
		return nil, &collectors.RequestError{Kind: collectors.RequestUnavailable, Err: errNoPolicy}
	}
	all := []listed{}
	for _, name := range c.names() {
		if list := c.services[name].newest(); len(list) > 0 {
			all = append(all, list[0].listed(name))
		}
	}
	return map[string]any{"deployments": all}, nil
}

var errNoPolicy = errors.New("no policy is in force yet")

// deploymentsOf returns those of a service that are kept, the newest first.
func (c *Collector) deploymentsOf(name string) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.services[name]
	switch {
	case c.policy == nil:
		return nil, &collectors.RequestError{Kind: collectors.RequestUnavailable, Err: errNoPolicy}
	case s == nil:
		return nil, collectors.NotFound("no deployments of a service of this name: /api/v1/deployments lists them")
	}
	all := []listed{}
	for _, d := range s.newest() {
		all = append(all, d.listed(name))
	}
	return map[string]any{"app_service": name, "deployments": all}, nil
}

var _ collectors.Endpoints = (*Collector)(nil)
