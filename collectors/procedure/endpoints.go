package procedure

import (
	"net/http"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// Endpoints implements collectors.Endpoints.
func (c *Collector) Endpoints() []collectors.Endpoint {
	return []collectors.Endpoint{
		{Path: "procedures", Answer: func(*http.Request) (any, error) { return c.list(time.Now()), nil }},
		{Path: "procedures/{name}", Answer: func(r *http.Request) (any, error) {
			return c.detail(r.PathValue("name"), time.Now())
		}},
	}
}

var _ collectors.Endpoints = (*Collector)(nil)

// Summary is a procedure as the API and the page of tasks show it.
type Summary struct {
	Procedure  string    `json:"procedure"`
	AppService string    `json:"app_service,omitempty"`
	Owner      string    `json:"owner"`
	Page       string    `json:"page"`
	Task       bool      `json:"task"`
	Dashboard  string    `json:"dashboard,omitempty"`
	Row        string    `json:"row,omitempty"`
	State      string    `json:"state"`
	Due        time.Time `json:"due,omitzero"`
	// Succeeded and Failed are when a run last did; DoneBy is who reported the last success of a task.
	Succeeded time.Time `json:"succeeded,omitzero"`
	Failed    time.Time `json:"failed,omitzero"`
	DoneBy    string    `json:"done_by,omitempty"`
}

// procedureList is all procedures, those of people first.
type procedureList struct {
	Procedures []Summary `json:"procedures"`
}

// Detail is a procedure with the runs that are listed: of tasks, and of what is due about daily or less often.
type Detail struct {
	Summary
	People []string `json:"people,omitempty"`
	// Runs are the newest, the last one first.
	Runs []EndedRun `json:"runs"`
}

func (c *Collector) list(now time.Time) procedureList {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := procedureList{Procedures: []Summary{}}
	for _, tasks := range []bool{true, false} {
		for _, name := range c.names {
			if w := c.watched[name]; (w.Task != nil) == tasks {
				list.Procedures = append(list.Procedures, c.summary(w, now))
			}
		}
	}
	return list
}

// summary describes a procedure. The caller holds the lock.
func (c *Collector) summary(w *watched, now time.Time) Summary {
	r, due := c.records[w.Name], c.due[w.Name]
	s := Summary{
		Procedure: w.Name, AppService: w.AppService, Owner: w.owner, Page: w.page, Due: due, State: w.state(r, due,
			c.since[w.Name], now), Succeeded: r.Success, Failed: r.Failure, DoneBy: r.By,
	}
	if w.Task != nil {
		s.Task, s.Dashboard, s.Row = true, w.Task.Dashboard, w.Task.Row
	}
	return s
}

func (c *Collector) detail(name string, now time.Time) (*Detail, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.watched[name]
	if w == nil {
		return nil, collectors.NotFound("no procedure %.60q: /api/v1/procedures lists them", name)
	}
	d := &Detail{Summary: c.summary(w, now), Runs: []EndedRun{}}
	if w.Task != nil {
		d.People = c.signers(w)
	}
	log := c.records[name].Log
	for i := range log {
		d.Runs = append(d.Runs, log[len(log)-1-i])
	}
	return d, nil
}

// signers are the people who may sign a task. The caller holds the lock.
func (c *Collector) signers(w *watched) []string {
	if len(w.Task.People) > 0 {
		return w.Task.People
	}
	var all []string
	for _, p := range c.policy.People() {
		all = append(all, p.Name)
	}
	return all
}
