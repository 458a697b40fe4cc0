package delivery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// ownEvent is the JSON form in which a program of one's own reports a deployment. docs/delivery.md describes it.
type ownEvent struct {
	ID             string     `json:"id"`
	AppService     string     `json:"app_service"`
	Environment    string     `json:"environment"`
	Result         string     `json:"result"`
	Commit         string     `json:"commit"`
	CommitTime     *time.Time `json:"commit_time"`
	CreatedAt      *time.Time `json:"created_at"`
	LiveAt         *time.Time `json:"live_at"`
	Ref            string     `json:"ref"`
	Message        string     `json:"message"`
	PullRequest    int        `json:"pull_request"`
	URL            string     `json:"url"`
	Hotfix         bool       `json:"hotfix"`
	RolledBackFrom string     `json:"rolled_back_from"`
	RolledBackTo   string     `json:"rolled_back_to"`
}

// parseOwn reads an event. An unknown key is an error: it is a misspelled one.
func parseOwn(body []byte) (ownEvent, error) {
	var e ownEvent
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&e); err != nil {
		return e, fmt.Errorf("invalid JSON: %w", err)
	}
	if decoder.More() {
		return e, errors.New("invalid JSON: send one event a request")
	}
	switch {
	case e.RolledBackFrom != "":
	case e.ID == "":
		return e, errors.New("missing id")
	case e.Result == "":
		e.Result = pending
		if e.LiveAt != nil {
			e.Result = metric.DeploymentSuccess
		}
	case e.Result != pending && !slices.Contains(metric.DeploymentResults, e.Result):
		return e, fmt.Errorf("unknown result %.50q: write pending, success, failure or cancelled", e.Result)
	}
	return e, nil
}

// changes returns what an event says, at a time: the deployment, and the rollback that it is.
func (e *ownEvent) changes(now time.Time) []change {
	var all []change
	at := timeOr(e.LiveAt, time.Time{})
	if e.ID != "" {
		all = append(all, change{
			id: e.ID, state: e.Result, at: at, created: timeOr(e.CreatedAt, time.Time{}),
			commit: e.Commit, commitTime: timeOr(e.CommitTime, time.Time{}), ref: e.Ref, title: e.Message,
			pullRequest: e.PullRequest, url: e.URL, hotfix: e.Hotfix,
		})
	}
	if e.RolledBackFrom != "" {
		if at.IsZero() {
			at = timeOr(e.CreatedAt, now)
		}
		all = append(all, change{from: e.RolledBackFrom, to: e.RolledBackTo, at: at})
	}
	return all
}

func timeOr(at *time.Time, otherwise time.Time) time.Time {
	if at == nil {
		return otherwise
	}
	return *at
}
