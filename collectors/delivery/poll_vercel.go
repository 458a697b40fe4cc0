package delivery

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/fetch"
	"github.com/thorbis/thorbis_exporter/metric"
)

// vercelDeployment is the part of a deployment of Vercel's API that is read.
type vercelDeployment struct {
	UID           string          `json:"uid"`
	URL           string          `json:"inspectorUrl"`
	Created       json.Number     `json:"created"`
	CreatedAt     json.Number     `json:"createdAt"`
	Ready         json.Number     `json:"ready"`
	State         string          `json:"state"`
	ReadyState    string          `json:"readyState"`
	ReadySubstate string          `json:"readySubstate"`
	AliasAssigned json.RawMessage `json:"aliasAssigned"`
	Target        string          `json:"target"`
	Meta          vercelMeta      `json:"meta"`
}

// live returns when a deployment was given the addresses of production, false while it was not. Vercel writes true, or
// the time.
func (d *vercelDeployment) live() (time.Time, bool) {
	switch d.ReadySubstate {
	case "PROMOTED":
	case "": // of before staged deployments existed
		if string(d.AliasAssigned) == "false" || string(d.AliasAssigned) == "null" || len(d.AliasAssigned) == 0 {
			return time.Time{}, false
		}
	default:
		return time.Time{}, false
	}
	var n json.Number
	if json.Unmarshal(d.AliasAssigned, &n) == nil {
		if at := milliseconds(n); !at.IsZero() {
			return at, true
		}
	}
	return milliseconds(d.Ready), true
}

func (d *vercelDeployment) change() change {
	c := change{id: d.UID, state: pending, url: d.URL, created: milliseconds(d.CreatedAt)}
	if c.created.IsZero() {
		c.created = milliseconds(d.Created)
	}
	d.Meta.into(&c)
	state := d.ReadyState
	if state == "" {
		state = d.State
	}
	switch state {
	case "READY":
		if at, ok := d.live(); ok {
			c.state, c.at = metric.DeploymentSuccess, at
		}
	case "ERROR":
		c.state, c.at = metric.DeploymentFailure, c.created
	case "CANCELED":
		c.state, c.at = metric.DeploymentCancelled, c.created
	}
	return c
}

// askVercel reads the newest deployments and the last rollback.
func (r *round) askVercel(ctx context.Context) (rest time.Duration, err *fetch.Error) {
	o := r.Vercel
	query := url.Values{"projectId": {o.Project}, "target": {o.Target}, "limit": {"100"}}
	team := url.Values{}
	if o.Team != "" {
		query.Set("teamId", o.Team)
		team.Set("teamId", o.Team)
	}
	fresh := r.fresh()
	var changes []change
	for range maxPages {
		a, err := r.get(ctx, o.URL+"/v6/deployments?"+query.Encode(), false)
		if err != nil {
			return 0, err
		}
		rest = max(rest, a.rest)
		var doc struct {
			Pagination struct {
				Next json.Number `json:"next"`
			} `json:"pagination"`
			Deployments []*vercelDeployment `json:"deployments"`
		}
		if err := decode(a.Body, &doc); err != nil {
			return 0, err
		}
		var listed []change
		for _, d := range doc.Deployments {
			if d != nil && d.Target == o.Target {
				listed = append(listed, d.change())
			}
		}
		changes = append(changes, listed...)
		next := milliseconds(doc.Pagination.Next)
		if next.IsZero() || fresh || r.knows(listed) || query.Get("until") == doc.Pagination.Next.String() {
			break
		}
		query.Set("until", doc.Pagination.Next.String())
	}
	if err := r.report(ctx, changes); err != nil {
		return 0, err
	}
	a, err := r.get(ctx, o.URL+"/v9/projects/"+url.PathEscape(o.Project)+"?"+team.Encode(), false)
	if err != nil {
		return 0, err
	}
	rest = max(rest, a.rest)
	return rest, r.vercelRollback(ctx, a.Body)
}

// vercelRollback notes the last change of production by hand, if it is a rollback: webhooks report it too.
func (r *round) vercelRollback(ctx context.Context, body []byte) *fetch.Error {
	var doc struct {
		Last *struct {
			From   string      `json:"fromDeploymentId"`
			To     string      `json:"toDeploymentId"`
			Status string      `json:"jobStatus"`
			At     json.Number `json:"requestedAt"`
			Type   string      `json:"type"`
		} `json:"lastAliasRequest"`
	}
	if err := decode(body, &doc); err != nil {
		return err
	}
	last := doc.Last
	if last == nil || last.Type != "rollback" || last.Status != "succeeded" || last.From == "" {
		return nil
	}
	at := milliseconds(last.At)
	if at.IsZero() || time.Since(at) > maxOld {
		return nil
	}
	return r.report(ctx, []change{{from: last.From, to: last.To, at: at}})
}
