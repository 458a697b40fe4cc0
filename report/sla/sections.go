package sla

import (
	"fmt"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/report"
)

func (r *Report) outages() report.Section {
	s := OutageSection("Outages", r.Outages)
	s.None = "There was none."
	const behindLength = 5
	s.Table.Columns = append(slices.Insert(s.Table.Columns, behindLength, report.Column{Key: "down", Title: "Counts"}),
		report.Column{Key: "not_counted", Title: "Not counted because"})
	for i, o := range r.Outages {
		s.Table.Rows[i] = append(slices.Insert(s.Table.Rows[i], behindLength, report.Cell(o.Down)), o.NotCounted)
	}
	return s
}

// OutageSection is a list of outages as it is read.
func OutageSection(title string, all []Outage) report.Section {
	s := report.Section{
		Key: "outages", Title: title,
		Table: &report.Table{Columns: []report.Column{
			{Key: "app_service", Title: "Service"},
			{Key: "check", Title: "Check"},
			{Key: "begin", Title: "Begin"},
			{Key: "end", Title: "End"},
			{Key: "length", Title: "Length"},
			{Key: "cause_class", Title: "Cause class"},
			{Key: "reason", Title: "First failure"},
			{Key: "locations", Title: "Seen from"},
			{Key: "source", Title: "Recorded by"},
		}},
	}
	for _, o := range all {
		var end report.Cell = "open"
		if o.End != nil {
			end = *o.End
		}
		var places report.Lines
		for _, l := range o.Locations {
			places = append(places, fmt.Sprintf("%s (%s)", l.Location, l.Down))
		}
		s.Table.Rows = append(s.Table.Rows, []report.Cell{
			o.AppService, o.Check, o.Begin, end, o.Length, o.Class, o.Reason, places, o.Source,
		})
	}
	return s
}

func (r *Report) maintenance() report.Section {
	s := report.Section{
		Key: "maintenance", Title: "Maintenance", None: "The policy had no maintenance window in this month.",
		Table: &report.Table{Columns: []report.Column{
			{Key: "name", Title: "Window"},
			{Key: "from", Title: "From"},
			{Key: "to", Title: "Until"},
			{Key: "announced", Title: "Announced"},
			{Key: "notice", Title: "Notice"},
			{Key: "excluded", Title: "Excluded"},
			{Key: "reason", Title: "Counts because"},
		}},
	}
	for _, w := range r.Windows {
		var announced, notice report.Cell = "not recorded", nil
		if w.Announced != nil {
			announced, notice = *w.Announced, *w.Notice
		}
		s.Table.Rows = append(s.Table.Rows, []report.Cell{w.Name, w.From, w.To, announced, notice, w.Excluded, w.Reason})
	}
	return s
}

// attainment is about requests, which are no part of the contract's availability.
func (r *Report) attainment() report.Section {
	if r.Tenant == "" {
		return report.Section{}
	}
	s := report.Section{
		Key: "requests", Title: "Requests and latency", None: "No exporter counted a request of the tenant.",
		Text: []string{"Apart from the contract's availability: by requests of whole days, maintenance included."},
		Table: &report.Table{Columns: []report.Column{
			{Key: "app_service", Title: "Service"},
			{Key: "measure", Title: "Measure"},
			{Key: "requests", Title: "Requests"},
			{Key: "bad", Title: "Bad"},
			{Key: "attained", Title: "Attained"},
			{Key: "objective", Title: "Objective"},
			{Key: "met", Title: "Met"},
		}},
	}
	for _, one := range r.Requests {
		s.Table.Rows = append(s.Table.Rows, []report.Cell{
			one.AppService, "answered without an error", one.Requests, one.Failed, one.Availability, nil, nil,
		})
		for _, l := range one.Latency {
			var objective, met report.Cell
			if l.Met != nil {
				objective, met = l.Objective+" %", *l.Met
			}
			s.Table.Rows = append(s.Table.Rows, []report.Cell{
				one.AppService, "within " + l.Threshold.String(), one.Requests, l.Slow, l.Attained, objective, met,
			})
		}
	}
	return s
}

func (r *Report) incidentSection() report.Section {
	s := report.Section{
		Key: "incidents", Title: "Incidents", None: "There was none.",
		Table: &report.Table{Columns: []report.Column{
			{Key: "priority", Title: "Priority"},
			{Key: "alert", Title: "Alert"},
			{Key: "app_service", Title: "Service"},
			{Key: "tenant", Title: "Tenant"},
			{Key: "began", Title: "Began"},
			{Key: "acknowledged", Title: "Acknowledged"},
			{Key: "acknowledged_after", Title: "Acknowledged after"},
			{Key: "resolved", Title: "Resolved"},
			{Key: "resolved_after", Title: "Resolved after"},
			{Key: "incident", Title: "Incident"},
		}},
	}
	if r.Incidents == nil {
		s.None = "They were not read: write --exporter.url or --prometheus.url."
	}
	at := func(t *time.Time) report.Cell {
		if t == nil {
			return nil
		}
		return *t
	}
	for _, i := range r.Incidents {
		s.Table.Rows = append(s.Table.Rows, []report.Cell{
			i.Priority, i.Alert, i.AppService, i.Tenant, i.Began, at(i.Acknowledged), i.AcknowledgedAfter(), at(i.Resolved),
			i.ResolvedAfter(), i.ID,
		})
	}
	return s
}

func (r *Report) method() report.Section {
	s := report.SourceSection("method", "How it was measured", r.Method.Sources, r.Method.Notes...)
	s.Table.Rows = append(s.Table.Rows,
		[]report.Cell{"policy", "SHA-256", nil, r.Method.PolicyHash, "with which this report was made"},
		[]report.Cell{"data", "SHA-256", nil, r.Method.DataHash, "of what was read for this report"},
		[]report.Cell{"generator", r.Method.Generator, nil, nil, nil},
	)
	return s
}

func (r *Report) comparison() report.Section {
	if len(r.Method.Comparisons) == 0 {
		return report.Section{}
	}
	s := report.Section{
		Key: "comparison", Title: "Exporters and Prometheus compared",
		Text: []string{"Seconds down of each check and location, as the exporter saved them and as Prometheus scraped them."},
		Table: &report.Table{Columns: []report.Column{
			{Key: "check", Title: "Check"},
			{Key: "tenant", Title: "Tenant"},
			{Key: "location", Title: "Location"},
			{Key: "history", Title: "Exporter"},
			{Key: "prometheus", Title: "Prometheus"},
			{Key: "agrees", Title: "Agree"},
		}},
	}
	for _, c := range r.Method.Comparisons {
		var there, agrees report.Cell = "does not reach back", nil
		if c.Prometheus != nil {
			there, agrees = *c.Prometheus, *c.Agrees
		}
		s.Table.Rows = append(s.Table.Rows, []report.Cell{c.Check, c.Tenant, c.Location, c.History, there, agrees})
	}
	return s
}
