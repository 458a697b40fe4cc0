package delivery

import (
	"strings"
	"time"
)

// deployment is one deployment of a service. It is saved.
type deployment struct {
	// Name is the label of the deployment. It never changes.
	Name string            `json:"name"`
	IDs  map[string]string `json:"ids"` // by source

	Commit      string    `json:"commit,omitempty"`
	CommitTime  time.Time `json:"commit_time,omitzero"`
	Created     time.Time `json:"created,omitzero"`
	Live        time.Time `json:"live,omitzero"` // zero while it never was
	State       string    `json:"state"`
	Ref         string    `json:"ref,omitempty"`
	Title       string    `json:"title,omitempty"`
	PullRequest int       `json:"pull_request,omitempty"`
	URL         string    `json:"url,omitempty"`

	Hotfix   bool `json:"hotfix,omitempty"`
	Rollback bool `json:"rollback,omitempty"` // it brought an earlier commit back

	Failed     time.Time `json:"failed,omitzero"` // when the rollback or hotfix was live
	FailedBy   string    `json:"failed_by,omitempty"`
	RolledBack string    `json:"rolled_back_to,omitempty"` // the deployment that took its place

	// History marks one that was live before its source was first read: it is not counted.
	History bool      `json:"history,omitempty"`
	Noted   time.Time `json:"noted"`            // when it was first reported
	Learned time.Time `json:"learned"`          // when it last changed
	WentOn  time.Time `json:"went_on,omitzero"` // when it was learned that it is live

	Counted     bool `json:"counted,omitempty"`   // as live
	GivenUp     bool `json:"given_up,omitempty"`  // counted as failed or cancelled before it was live
	Evaluated   bool `json:"evaluated,omitempty"` // it was asked whether it shows that another has failed
	LeadCounted bool `json:"lead_counted,omitempty"`
	Looked      int  `json:"looked,omitempty"` // how often its commit was looked up
}

// merge takes what a change reports and returns whether anything is new. What is known is not replaced, except that
// live is the earliest time at which it was.
func (d *deployment) merge(c change) (news bool) {
	set := func(changed bool) { news = news || changed }
	set(fillText(&d.Commit, c.commit))
	set(fillText(&d.Ref, c.ref))
	set(fillText(&d.Title, c.title))
	set(fillText(&d.URL, c.url))
	set(fillTime(&d.CommitTime, c.commitTime))
	set(fillTime(&d.Created, c.created))
	if d.PullRequest == 0 && c.pullRequest != 0 {
		d.PullRequest = c.pullRequest
		set(true)
	}
	if c.hotfix && !d.Hotfix {
		d.Hotfix = true
		set(true)
	}
	return news
}

func fillText(to *string, from string) bool {
	if *to != "" || from == "" {
		return false
	}
	*to = from
	return true
}

func fillTime(to *time.Time, from time.Time) bool {
	if !to.IsZero() || from.IsZero() {
		return false
	}
	*to = from
	return true
}

// nameLength is how much of a commit's hash names a deployment.
const nameLength = 12

// nameOf returns the label of a new deployment: the beginning of its commit if no other has it.
func nameOf(c change, taken func(string) bool) string {
	if c.commit == "" {
		return c.id
	}
	name := c.commit[:min(nameLength, len(c.commit))]
	if taken(name) {
		return name + "-" + c.id
	}
	return name
}

// sameCommit reports whether two hashes, of which one may be shortened, are those of one commit.
func sameCommit(a, b string) bool {
	return a != "" && b != "" && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
}

// lead returns how old the commit was when it went live, false if that is unknown.
func (d *deployment) lead() (time.Duration, bool) {
	if d.CommitTime.IsZero() || d.Live.IsZero() || d.Rollback {
		return 0, false
	}
	age := d.Live.Sub(d.CommitTime)
	if age < -maxAhead { // a commit cannot be live before it is made: one of the clocks is wrong
		return 0, false
	}
	return max(age, 0), true
}
