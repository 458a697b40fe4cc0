package security

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// auditEndpoints are those of lists of accounts.
func (c *Collector) auditEndpoints() []collectors.Endpoint {
	return []collectors.Endpoint{
		{Path: "access", Answer: func(*http.Request) (any, error) { return c.accessLists() }},
		{Path: "access/{name}", Answer: func(r *http.Request) (any, error) { return c.needing(r.PathValue("name")) }},
	}
}

// accessStatus is what is known of a list of accounts.
type accessStatus struct {
	Name       string    `json:"name"`
	AppService string    `json:"app_service,omitempty"`
	State      string    `json:"state,omitempty"`
	Error      string    `json:"error,omitempty"`
	Taken      time.Time `json:"taken,omitzero"`
	// Accounts and Overdue are absent before a list could be read.
	Accounts *int `json:"accounts,omitempty"`
	Overdue  *int `json:"overdue,omitempty"`
}

func (c *Collector) accessLists() (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.records == nil {
		return nil, &collectors.RequestError{Kind: collectors.RequestUnavailable, Err: errNoPolicy}
	}
	all := []accessStatus{}
	for _, name := range slices.Sorted(maps.Keys(c.audits)) {
		a := c.audits[name]
		s := accessStatus{Name: name, AppService: a.AppService, State: a.state, Taken: a.taken}
		if a.err != nil {
			s.Error = a.err.Error()
		}
		if a.known {
			s.Accounts, s.Overdue = new(len(a.accounts)), new(a.tally.overdue)
		}
		all = append(all, s)
	}
	return map[string]any{"access": all}, nil
}

// needing is an account with what somebody has to decide of it.
type needing struct {
	account
	Needs []string `json:"needs"`
}

// needing returns the accounts of a list that need something, the privileged ones first, then those that need most.
func (c *Collector) needing(name string) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.records == nil {
		return nil, &collectors.RequestError{Kind: collectors.RequestUnavailable, Err: errNoPolicy}
	}
	a := c.audits[name]
	switch {
	case a == nil:
		return nil, collectors.NotFound("no list of accounts of this name: /api/v1/access lists them")
	case !a.known:
		return nil, &collectors.RequestError{
			Kind: collectors.RequestUnavailable, Err: errors.New("the list was never read: /api/v1/access has its state"),
		}
	}
	now, all := time.Now(), []needing{}
	for _, o := range a.accounts {
		if needs := a.needs(o, now); len(needs) > 0 {
			all = append(all, needing{o, needs})
		}
	}
	slices.SortStableFunc(all, func(x, y needing) int {
		return cmp.Or(y.privileged()-x.privileged(), len(y.Needs)-len(x.Needs), cmp.Compare(x.Name, y.Name))
	})
	return map[string]any{"name": name, "taken": a.taken, "accounts": all}, nil
}

func (a account) privileged() int {
	if a.Privileged != nil && *a.Privileged {
		return 1
	}
	return 0
}
