// Package incident drafts the write-up of an incident: what happened when, whom it hit, and blanks for what only people
// know.
package incident

import (
	"time"

	"github.com/thorbis/thorbis_exporter/report"
	"github.com/thorbis/thorbis_exporter/report/sla"
)

// Report is the draft of a write-up.
type Report struct {
	Report      string `json:"report"` // incident
	Platform    string `json:"platform"`
	Environment string `json:"environment"`
	TimeZone    string `json:"time_zone"`
	report.Incident
	// Until is the end of what is reported: the incident's, or now.
	Until time.Time `json:"until"`
	// RespondWithin is how soon the policy wants an acknowledgement.
	RespondWithin report.Length `json:"respond_within_seconds"`
	Due           time.Time     `json:"due"`

	Timeline []Event      `json:"timeline"`
	Outages  []sla.Outage `json:"outages"`
	Budgets  []Budget     `json:"budgets"`
	// Revenue is what the incident cost by currency, empty where that is not measured.
	Revenue []Revenue `json:"revenue,omitempty"`
	Tenants []Tenant  `json:"tenants"`
	// TenantsHit is how many had failed requests, those that are not listed included.
	TenantsHit int `json:"tenants_hit"`
	// Runbooks are the pages of the alerts in the timeline.
	Runbooks []Runbook `json:"runbooks"`
	// Unmeasured is what the write-up lacks because nothing measures it.
	Unmeasured []string        `json:"unmeasured"`
	Sources    []report.Source `json:"sources"`
	PolicyHash string          `json:"policy_sha256"`
}

// Event is a line of the timeline.
type Event struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
}

// Budget is what an objective of the service lost.
type Budget struct {
	Objective string       `json:"objective"`
	Bad       float64      `json:"bad"`
	All       float64      `json:"all"`
	Share     report.Ratio `json:"bad_percent"`
	// Spent is the share of the budget of the whole period, nil where the period's requests are not known.
	Spent *float64 `json:"budget_spent_ratio"`
}

// Tenant is a tenant whose requests failed.
type Tenant struct {
	Tenant string       `json:"tenant"`
	Tier   string       `json:"tier"`
	Failed float64      `json:"failed"`
	All    float64      `json:"requests"`
	Share  report.Ratio `json:"failed_percent"`
}

// Runbook is the page of an alert.
type Runbook struct {
	Alert string `json:"alert"`
	URL   string `json:"url"`
}
