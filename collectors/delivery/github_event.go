package delivery

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// gitHubDeployment is the part of a deployment of GitHub's API that is read. It has no state of its own.
type gitHubDeployment struct {
	ID                  int64  `json:"id"`
	SHA                 string `json:"sha"`
	Ref                 string `json:"ref"`
	Task                string `json:"task"`
	Environment         string `json:"environment"`
	OriginalEnvironment string `json:"original_environment"`
	Description         string `json:"description"`
	CreatedAt           moment `json:"created_at"`
}

// gitHubStatus is one of the states that a deployment was in.
type gitHubStatus struct {
	ID        int64  `json:"id"`
	State     string `json:"state"`
	CreatedAt moment `json:"created_at"`
	LogURL    string `json:"log_url"`
	TargetURL string `json:"target_url"`
}

// gitHubStates are the states of a deployment by the state of a status. Inactive says that another deployment took its
// place, which is nothing about itself.
var gitHubStates = map[string]string{
	"success": metric.DeploymentSuccess, "failure": metric.DeploymentFailure, "error": metric.DeploymentFailure,
	"pending": pending, "queued": pending, "in_progress": pending,
}

// moment is a time in the form of RFC 3339. Another text is the zero time: what else a document says is still good.
type moment struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (m *moment) UnmarshalJSON(text []byte) error {
	var s string
	if json.Unmarshal(text, &s) != nil {
		return nil
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil && at.Year() > 1970 && at.Year() < 9999 {
		m.Time = at.UTC()
	}
	return nil
}

// in reports whether a deployment is one to an environment, whose name GitHub compares without case.
func (d *gitHubDeployment) in(environment string) bool {
	return strings.EqualFold(d.Environment, environment) || strings.EqualFold(d.OriginalEnvironment, environment)
}

// change returns what a deployment and one of its states say; the state may be nil.
func (d *gitHubDeployment) change(s *gitHubStatus) change {
	c := change{
		id: strconv.FormatInt(d.ID, 10), state: pending, created: d.CreatedAt.Time, commit: d.SHA, ref: d.Ref,
	}
	if d.ID <= 0 {
		c.id = ""
	}
	if d.Ref == d.SHA { // the branch is not known
		c.ref = ""
	}
	if d.Task != "" && d.Task != "deploy" { // such as deploy:hotfix
		c.ref = strings.TrimSpace(c.ref + " " + d.Task)
	}
	c.title = d.Description
	if s == nil {
		return c
	}
	c.state, c.at = gitHubStates[s.State], s.CreatedAt.Time
	c.url = s.LogURL
	if c.url == "" {
		c.url = s.TargetURL
	}
	return c
}

// gitHubEvent is what a webhook says of one repository.
type gitHubEvent struct {
	repo       string
	deployment *gitHubDeployment
	status     *gitHubStatus
}

// errNoObject is that of a document that lacks what its type demands.
var errNoObject = errors.New("it names no repository or no deployment")

// parseGitHub reads the body of a webhook by its type. An event without a deployment is of no interest.
func parseGitHub(kind string, body []byte) (gitHubEvent, error) {
	var doc struct {
		Deployment *gitHubDeployment `json:"deployment"`
		Status     *gitHubStatus     `json:"deployment_status"`
		Repository struct {
			FullName string `json:"full_name"`
		} `json:"repository"`
	}
	if kind != "deployment" && kind != "deployment_status" {
		if !json.Valid(body) {
			return gitHubEvent{}, errors.New("invalid JSON")
		}
		return gitHubEvent{}, nil
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return gitHubEvent{}, fmt.Errorf("invalid JSON: %w", err)
	}
	if doc.Repository.FullName == "" || doc.Deployment == nil || doc.Deployment.ID <= 0 ||
		kind == "deployment_status" && doc.Status == nil {
		return gitHubEvent{}, errNoObject
	}
	return gitHubEvent{doc.Repository.FullName, doc.Deployment, doc.Status}, nil
}
