package delivery

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// vercelStates are the states of a deployment by the type of the event. Built and checked is not live: only promoted
// is, and Vercel sends that for production alone.
var vercelStates = map[string]string{
	"deployment.created": pending, "deployment.ready": pending, "deployment.succeeded": pending,
	"deployment.promoted": metric.DeploymentSuccess, "deployment.error": metric.DeploymentFailure,
	"deployment.canceled": metric.DeploymentCancelled,
}

// vercelRollback is the type of the event that an earlier deployment takes the place of another.
const vercelRollback = "deployment.rollback"

// vercelMeta is the part of a deployment's meta that the integration with GitHub writes.
type vercelMeta map[string]any

func (m vercelMeta) text(keys ...string) string {
	for _, key := range keys {
		if s, ok := m[key].(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// into adds what the integrations with GitHub, GitLab and Bitbucket write.
func (m vercelMeta) into(c *change) {
	c.commit = m.text("githubCommitSha", "gitlabCommitSha", "bitbucketCommitSha")
	c.ref = m.text("githubCommitRef", "gitlabCommitRef", "bitbucketCommitRef")
	c.title = m.text("githubCommitMessage", "gitlabCommitMessage", "bitbucketCommitMessage")
}

// vercelEvent is what a webhook says of one project.
type vercelEvent struct {
	id      string // of the delivery
	project string
	target  string
	change  change
}

// milliseconds returns the time of a number of milliseconds since 1970; zero for what cannot be one.
func milliseconds(n json.Number) time.Time {
	ms, err := n.Float64()
	if err != nil || ms <= 0 || ms >= 253402300800000 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

// parseVercel reads the body of a webhook. One of another type has no project.
func parseVercel(body []byte) (vercelEvent, error) {
	var doc struct {
		ID        string      `json:"id"`
		Type      string      `json:"type"`
		CreatedAt json.Number `json:"createdAt"`
		Payload   struct {
			Deployment struct {
				ID   string     `json:"id"`
				Meta vercelMeta `json:"meta"`
			} `json:"deployment"`
			Links struct {
				Deployment string `json:"deployment"`
			} `json:"links"`
			Target  string `json:"target"`
			Project struct {
				ID string `json:"id"`
			} `json:"project"`
			From string `json:"fromDeploymentId"`
			To   string `json:"toDeploymentId"`
		} `json:"payload"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return vercelEvent{}, fmt.Errorf("invalid JSON: %w", err)
	}
	p := &doc.Payload
	e := vercelEvent{id: doc.ID, target: p.Target}
	state, known := vercelStates[doc.Type]
	if !known && doc.Type != vercelRollback {
		return e, nil
	}
	if p.Project.ID == "" {
		return e, errors.New("it names no project")
	}
	e.project = p.Project.ID
	at := milliseconds(doc.CreatedAt)
	if doc.Type == vercelRollback {
		e.target = "" // production alone is rolled back
		e.change = change{from: p.From, to: p.To, at: at}
		return e, nil
	}
	e.change = change{id: p.Deployment.ID, state: state, url: p.Links.Deployment}
	if state != pending {
		e.change.at = at
	}
	if doc.Type == "deployment.created" {
		e.change.created = at
	}
	p.Deployment.Meta.into(&e.change)
	return e, nil
}
