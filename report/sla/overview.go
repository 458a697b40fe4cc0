package sla

import (
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/report"
)

// Overview is a month of many tenants, a line of each.
type Overview struct {
	Report      string `json:"report"` // sla_overview
	Platform    string `json:"platform"`
	Environment string `json:"environment"`
	Month       string `json:"month"`
	TimeZone    string `json:"time_zone"`
	Tier        string `json:"tier,omitempty"` // of the tenants, empty for all
	Target      string `json:"target_percent"`
	Kept        int    `json:"kept"`
	Missed      int    `json:"missed"`
	Unmeasured  int    `json:"unmeasured"`
	Lines       []Line `json:"tenants"`
	PolicyHash  string `json:"policy_sha256"`
}

// Line is a tenant in an overview.
type Line struct {
	Tenant string `json:"tenant"`
	Tier   string `json:"tier"` // the last one of the month
	Figures
	Availability report.Ratio `json:"availability_percent"`
	Service      string       `json:"app_service"`
	Kept         *bool        `json:"kept"`
	Due          string       `json:"credit_due_percent"`
	Requests     uint64       `json:"requests"`
	Failed       uint64       `json:"failed"`
	Doubtful     bool         `json:"doubtful"`
	DataHash     string       `json:"data_sha256"`
}

// Overview returns an overview of the builder's month without lines.
func (b *Builder) Overview(tier string) *Overview {
	return &Overview{
		Report: "sla_overview", Platform: b.policy.Platform, Environment: b.policy.Environment, Month: b.month.String(),
		TimeZone: b.month.Zone.String(), Tier: tier, Target: percent(b.policy.SLA.Availability),
		PolicyHash: b.policy.Hash(), Lines: []Line{},
	}
}

// Add adds the line of a report.
func (o *Overview) Add(r *Report) {
	l := Line{
		Tenant: r.Tenant, Figures: r.Figures, Availability: r.Availability, Service: r.Service, Kept: r.Kept,
		Due: r.Credit.Due, Doubtful: len(r.Method.Defects) > 0, DataHash: r.Method.DataHash,
	}
	if n := len(r.Memberships); n > 0 {
		l.Tier = r.Memberships[n-1].Tier
	}
	for _, one := range r.Requests {
		l.Requests += one.Requests
		l.Failed += one.Failed
	}
	switch {
	case r.Kept == nil:
		o.Unmeasured++
	case *r.Kept:
		o.Kept++
	default:
		o.Missed++
	}
	o.Lines = append(o.Lines, l)
}

// maxLines bounds the tenants of an overview's page; CSV and JSON have all.
const maxLines = 2000

// Document returns the overview as it is read; all is whether every tenant is listed.
func (o *Overview) Document(all bool) *report.Document {
	zone, err := time.LoadLocation(o.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	month, _ := ParseMonth(o.Month, zone)
	d := &report.Document{
		Title: "Service levels of tenants: " + month.Title(), Zone: zone, Level: report.LevelGood,
		Subtitle: fmt.Sprintf("%s, environment %s, days of %s, contract %s %%", o.Platform, o.Environment, o.TimeZone,
			o.Target),
		Verdict: fmt.Sprintf("The contract was kept for all %d tenants.", o.Kept),
		Figures: []report.Figure{
			{Key: "tenants", Title: "Tenants", Value: len(o.Lines)},
			{Key: "kept", Title: "Contract kept", Value: o.Kept},
			{Key: "missed", Title: "Not kept", Value: o.Missed},
			{Key: "unmeasured", Title: "Not judged", Value: o.Unmeasured},
		},
	}
	if o.Tier != "" {
		d.Subtitle += ", tier " + o.Tier
	}
	if o.Missed+o.Unmeasured > 0 {
		d.Level = report.LevelBad
		d.Verdict = fmt.Sprintf("The contract was kept for %d tenants, not kept for %d, and not judged for %d.",
			o.Kept, o.Missed, o.Unmeasured)
	}
	s := report.Section{
		Key: "tenants", Title: "Tenants", None: "No tenant was a customer in this month.",
		Table: &report.Table{Columns: []report.Column{
			{Key: "tenant", Title: "Tenant"},
			{Key: "tier", Title: "Tier"},
			{Key: "availability", Title: "Availability"},
			{Key: "app_service", Title: "Service"},
			{Key: "total", Title: "Total min"},
			{Key: "excluded", Title: "Excluded min"},
			{Key: "unknown", Title: "Unknown min"},
			{Key: "judged", Title: "Observed min"},
			{Key: "down", Title: "Down min"},
			{Key: "kept", Title: "Kept"},
			{Key: "credit", Title: "Credit %"},
			{Key: "requests", Title: "Requests"},
			{Key: "failed", Title: "Failed"},
			{Key: "doubtful", Title: "Doubtful"},
			{Key: "data_sha256", Title: "Data"},
		}},
	}
	for i, l := range o.Lines {
		if i == maxLines && !all {
			s.Text = []string{fmt.Sprintf("The first %d tenants; CSV and JSON have all %d.", maxLines, len(o.Lines))}
			break
		}
		var kept report.Cell
		if l.Kept != nil {
			kept = *l.Kept
		}
		hash := l.DataHash
		if !all {
			hash = hash[:min(len(hash), 12)]
		}
		s.Table.Rows = append(s.Table.Rows, []report.Cell{
			l.Tenant, l.Tier, l.Availability, l.Service, report.Minutes(l.Total), report.Minutes(l.Excluded),
			report.Minutes(l.Unknown), report.Minutes(l.Judged), report.Minutes(l.Down), kept, l.Due,
			l.Requests, l.Failed, l.Doubtful, hash,
		})
	}
	d.Sections = []report.Section{s}
	return d
}
