package incident

import (
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/report"
	"github.com/thorbis/thorbis_exporter/report/sla"
)

// Document returns the draft as it is read and completed.
func (r *Report) Document() *report.Document {
	zone, err := time.LoadLocation(r.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	d := &report.Document{
		Title: "Incident: " + r.Alert + " " + r.About(), Zone: zone,
		Subtitle: fmt.Sprintf("%s, %s, environment %s; draft of a write-up", r.ID, r.Platform, r.Environment),
	}
	switch {
	case r.Resolved == nil:
		d.Verdict, d.Level = "The incident is open.", report.LevelBad
	case r.Acknowledged == nil:
		d.Verdict, d.Level = "Resolved; it was not acknowledged.", report.LevelWarning
	case r.Acknowledged.After(r.Due):
		d.Verdict, d.Level = "Resolved; it was acknowledged late.", report.LevelWarning
	default:
		d.Verdict, d.Level = "Resolved; it was acknowledged in time.", report.LevelGood
	}
	d.Figures = []report.Figure{
		{Key: "priority", Title: "Priority", Value: r.Priority, Note: "answer due within " + r.RespondWithin.String()},
		{Key: "acknowledged_after", Title: "Acknowledged after", Value: cellOr(r.AcknowledgedAfter(), "never")},
		{Key: "resolved_after", Title: "Resolved after", Value: cellOr(r.ResolvedAfter(), "open")},
		{Key: "tenants_hit", Title: "Tenants with failed requests", Value: r.TenantsHit},
	}
	d.Figures = append(d.Figures, r.revenueFigures()...)
	d.Sections = []report.Section{
		blank("summary", "Summary", "What happened, in two sentences, for somebody who was not there:"),
		r.timeline(), r.outages(), r.budgetSection(), r.tenantSection(),
		blank("cause", "Cause", "What failed, and why nothing prevented it:"),
		blank("detection", "Detection and response", "How it was noticed, what helped, what was in the way:"),
		actions(), r.runbooks(),
		{Key: "unmeasured", Title: "What is not measured", Text: r.Unmeasured},
		report.SourceSection("sources", "Sources", r.Sources, "Policy SHA-256 "+r.PolicyHash),
	}
	return d
}

func cellOr(c report.Cell, without string) report.Cell {
	if c == nil {
		return without
	}
	return c
}

// blank is a section for a person to fill in.
func blank(key, title, what string) report.Section {
	return report.Section{Key: key, Title: title, Text: []string{what, "........................................"}}
}

func actions() report.Section {
	return report.Section{
		Key: "actions", Title: "Actions", Table: &report.Table{
			Columns: []report.Column{
				{Key: "action", Title: "Action"},
				{Key: "kind", Title: "Prevents, detects or mends"},
				{Key: "owner", Title: "Owner"},
				{Key: "due", Title: "Due"},
			},
			Rows: [][]report.Cell{{"....", "", "", ""}, {"....", "", "", ""}, {"....", "", "", ""}},
		},
	}
}

func (r *Report) timeline() report.Section {
	s := report.Section{
		Key: "timeline", Title: "Timeline",
		Text: []string{"Alerts, acknowledgements and ends are as Prometheus scraped them: up to a minute late."},
		Table: &report.Table{Columns: []report.Column{
			{Key: "at", Title: "When"}, {Key: "kind", Title: "Kind"}, {Key: "text", Title: "What"},
		}},
	}
	for _, e := range r.Timeline {
		s.Table.Rows = append(s.Table.Rows, []report.Cell{e.At, e.Kind, e.Text})
	}
	return s
}

func (r *Report) outages() report.Section {
	s := sla.OutageSection("Outages of the service's checks", r.Outages)
	s.None = "No exporter's history was read, or has none."
	return s
}

func (r *Report) budgetSection() report.Section {
	s := report.Section{
		Key: "budgets", Title: "Budget spent", None: "The service has no requests that are counted.",
		Table: &report.Table{Columns: []report.Column{
			{Key: "objective", Title: "Objective"},
			{Key: "bad", Title: "Bad requests"},
			{Key: "requests", Title: "Requests"},
			{Key: "bad_share", Title: "Bad"},
			{Key: "spent", Title: "Of the period's budget"},
		}},
	}
	for _, b := range r.Budgets {
		var spent report.Cell
		if b.Spent != nil {
			spent = report.Bar(*b.Spent)
		}
		s.Table.Rows = append(s.Table.Rows, []report.Cell{
			b.Objective, report.Number(b.Bad), report.Number(b.All), b.Share, spent,
		})
	}
	return s
}

func (r *Report) tenantSection() report.Section {
	s := report.Section{
		Key: "tenants", Title: "Tenants hit", None: "No request of a tenant failed, or none has series of its own.",
		Table: &report.Table{Columns: []report.Column{
			{Key: "tenant", Title: "Tenant"},
			{Key: "tier", Title: "Tier"},
			{Key: "failed", Title: "Failed requests"},
			{Key: "requests", Title: "Requests"},
			{Key: "share", Title: "Failed"},
		}},
	}
	if r.TenantsHit > len(r.Tenants) {
		s.Text = []string{fmt.Sprintf("The %d with the most failed requests, of %d.", len(r.Tenants), r.TenantsHit)}
	}
	for _, t := range r.Tenants {
		s.Table.Rows = append(s.Table.Rows, []report.Cell{
			t.Tenant, t.Tier, report.Number(t.Failed), report.Number(t.All), t.Share,
		})
	}
	return s
}

func (r *Report) runbooks() report.Section {
	s := report.Section{
		Key: "runbooks", Title: "Runbooks", None: "The policy names no place of runbooks.",
		Table: &report.Table{Columns: []report.Column{
			{Key: "alert", Title: "Alert"}, {Key: "url", Title: "Page"}, {Key: "helped", Title: "Opened, and did it help?"},
		}},
	}
	for _, b := range r.Runbooks {
		s.Table.Rows = append(s.Table.Rows, []report.Cell{b.Alert, b.URL, "...."})
	}
	return s
}
