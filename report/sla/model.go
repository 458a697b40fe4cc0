// Package sla computes what a contract by calendar month owes: availability, what is left out of it, outages, credits,
// from what exporters recorded.
package sla

import (
	"time"

	"github.com/thorbis/thorbis_exporter/report"
)

// Report is the contract of one month, of one tenant or of the platform as a whole.
type Report struct {
	Report      string `json:"report"` // sla
	Platform    string `json:"platform"`
	Environment string `json:"environment"`
	Month       string `json:"month"`
	TimeZone    string `json:"time_zone"`
	Span
	// Final is false while the month goes on.
	Final       bool         `json:"final"`
	Tenant      string       `json:"tenant,omitempty"`
	Memberships []Membership `json:"memberships,omitempty"`

	Contract Contract `json:"contract"`
	// Figures are those of the service with the lowest availability, which is the report's.
	Figures
	Service      string       `json:"app_service"`
	Availability report.Ratio `json:"availability_percent"`
	Pessimistic  report.Ratio `json:"availability_if_unknown_was_down_percent"`
	Coverage     report.Ratio `json:"coverage_percent"`
	// Kept is whether the contract was kept, nil where nothing was promised or measured.
	Kept   *bool  `json:"kept"`
	Credit Credit `json:"credit"`

	Services []Service  `json:"services"`
	Outages  []Outage   `json:"outages"`
	Windows  []*Window  `json:"maintenance"`
	Requests []Requests `json:"requests"`
	// Incidents are of the services and the tenant, nil where no source of them was read.
	Incidents []report.Incident `json:"incidents"`

	Method Method `json:"method"`
}

// Membership is a time in which a tenant was a customer, in a tier.
type Membership struct {
	Tier string    `json:"tier"`
	From time.Time `json:"from,omitzero"` // zero: before the record of it began
	To   time.Time `json:"to,omitzero"`   // zero: still
}

// Contract is what was agreed.
type Contract struct {
	Target            string        `json:"availability_percent"`
	MinimumOutage     report.Length `json:"minimum_outage_seconds"`
	MaintenanceNotice report.Length `json:"maintenance_notice_seconds"`
	MaintenanceCap    report.Length `json:"maintenance_cap_seconds"`
	Credits           []Band        `json:"credits"`
}

// Band is a row of the table of credits.
type Band struct {
	Below  string `json:"below_percent"`
	Credit string `json:"credit_percent"`
}

// Credit is what is due.
type Credit struct {
	Due string `json:"due_percent"` // of the month's fee; 0 for nothing
	// Band is the availability below which it is due.
	Band string `json:"band_below_percent,omitempty"`
	// IfUnknownDown is what were due if the check was down in all of the unknown time.
	IfUnknownDown string      `json:"due_if_unknown_was_down_percent"`
	ClaimUntil    report.Date `json:"claim_until"` // the last day
}

// Service is a service in a month. Its figures are those of its check with the lowest availability.
type Service struct {
	Name string `json:"app_service"`
	Figures
	Availability report.Ratio `json:"availability_percent"`
	Worst        string       `json:"worst_check"`
	Kept         *bool        `json:"kept"`
	Credit       Credit       `json:"credit"`
	Checks       []Check      `json:"checks"`
}

// Outage is an outage of a check, as the quorum of the locations saw it.
type Outage struct {
	AppService string     `json:"app_service"`
	Check      string     `json:"check"`
	Begin      time.Time  `json:"begin"`
	End        *time.Time `json:"end"` // nil while it is open
	// Length is that of the whole outage; Down is how much of it counts in this month.
	Length    report.Length `json:"length_seconds"`
	Down      report.Length `json:"down_seconds"`
	Reason    string        `json:"reason"`
	Class     string        `json:"cause_class"`
	Locations []SeenFrom    `json:"locations"`
	// Source is what it was read from: the exporters' own history, Prometheus, or both.
	Source string `json:"source"`
	// NotCounted is why nothing or not all of it counts.
	NotCounted string `json:"not_counted,omitempty"`
}

// SeenFrom is an outage as one location saw it.
type SeenFrom struct {
	Location string        `json:"location"`
	Source   string        `json:"source"`
	Begin    time.Time     `json:"begin"`
	End      *time.Time    `json:"end"`
	Down     report.Length `json:"down_seconds"`
	Reason   string        `json:"reason"`
}

// Requests are the requests of a tenant to a service in a month, with what was attained of each latency objective.
type Requests struct {
	AppService   string       `json:"app_service"`
	Requests     uint64       `json:"requests"` // late ones included
	Failed       uint64       `json:"failed"`
	Late         uint64       `json:"late"`
	Availability report.Ratio `json:"availability_percent"`
	Latency      []Latency    `json:"latency"`
}

// Latency is how many requests were answered within a threshold.
type Latency struct {
	Threshold report.Length `json:"threshold_seconds"`
	Slow      uint64        `json:"slow"`
	Attained  report.Ratio  `json:"attained_percent"`
	// Objective is that of the policy, empty where it has none of this threshold.
	Objective string `json:"objective_percent,omitempty"`
	Met       *bool  `json:"met"`
}

// Method is how a report was measured, and what it rests on.
type Method struct {
	Generator   string          `json:"generator"`
	PolicyHash  string          `json:"policy_sha256"`
	DataHash    string          `json:"data_sha256"`
	Sources     []report.Source `json:"sources"`
	Comparisons []Comparison    `json:"comparisons"`
	// Notes are what a reader must know of the figures. Those that make them doubtful are also in Defects.
	Notes   []string `json:"notes"`
	Defects []string `json:"defects"`
}

// Comparison is a figure of the exporters' own history beside that of Prometheus.
type Comparison struct {
	Check    string        `json:"check"`
	Tenant   string        `json:"tenant,omitempty"`
	Location string        `json:"location"`
	History  report.Length `json:"history_down_seconds"`
	// Prometheus is nil where it does not reach back to the beginning of the month.
	Prometheus *report.Length `json:"prometheus_down_seconds"`
	// Agrees is whether the two differ by at most one scrape.
	Agrees *bool `json:"agrees"`
}
