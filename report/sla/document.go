package sla

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/report"
)

// Document returns the report as it is read.
func (r *Report) Document() *report.Document {
	zone, err := time.LoadLocation(r.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	about := cmp.Or(r.Tenant, r.Platform)
	d := &report.Document{Title: "Service level report: " + about, Zone: zone}
	month, _ := ParseMonth(r.Month, zone)
	d.Subtitle = fmt.Sprintf("%s, %s, environment %s, days of %s", r.Platform, month.Title(), r.Environment, r.TimeZone)
	if !r.Final {
		d.Subtitle += "; the month is not over: figures until " + r.To.In(zone).Format("2006-01-02 15:04 MST")
	}
	d.Verdict, d.Level = r.conclusion()
	if !r.Final && d.Verdict != "" {
		d.Verdict = "So far, " + strings.ToLower(d.Verdict[:1]) + d.Verdict[1:]
	}
	if c := r.Coverage; c.Part > 0 && c.Whole > 0 && rational(c).Cmp(enough) < 0 {
		d.Verdict += fmt.Sprintf(" Only %s %% of the time that counts was judged; the rest is unknown.", c.Percent())
	}
	d.Figures = r.figures(d.Level)
	d.Sections = []report.Section{
		r.defects(), r.contract(), r.services(), r.days(), r.outages(), r.maintenance(), r.attainment(),
		r.incidentSection(), r.method(), r.comparison(),
	}
	kept := d.Sections[:0]
	for _, s := range d.Sections {
		if s.Title != "" {
			kept = append(kept, s)
		}
	}
	d.Sections = kept
	return d
}

func (r *Report) conclusion() (string, report.Level) {
	switch {
	case r.Kept == nil && r.Availability.Percent() == "":
		return "Nothing was measured in this month.", report.LevelWarning
	case r.Kept == nil:
		return fmt.Sprintf("Availability was %s %%. The policy has no contract (sla.availability).",
			r.Availability.Percent()), report.LevelNone
	case *r.Kept:
		return fmt.Sprintf("The contract was kept: %s %% of %s %%.", r.Availability.Percent(), r.Contract.Target),
			report.LevelGood
	case r.Credit.Due == "0":
		return fmt.Sprintf("The contract was not kept: %s %% of %s %%. No credit is due by its table.",
			r.Availability.Percent(), r.Contract.Target), report.LevelBad
	}
	return fmt.Sprintf("The contract was not kept: %s %% of %s %%. A credit of %s %% of the month's fee is due, to be "+
		"claimed until %s.", r.Availability.Percent(), r.Contract.Target, r.Credit.Due, r.Credit.ClaimUntil), report.LevelBad
}

func (r *Report) figures(level report.Level) []report.Figure {
	bounds := ""
	if r.Unknown > 0 {
		bounds = r.Pessimistic.Percent() + " % if all unknown time was down"
	}
	f := []report.Figure{
		{Key: "availability", Title: "Availability", Value: r.Availability, Note: bounds, Level: level},
		{Key: "total", Title: "Total", Value: report.Minutes(r.Total), Unit: "min", Note: r.Total.String()},
		{Key: "excluded", Title: "Excluded", Value: report.Minutes(r.Excluded), Unit: "min", Note: "planned work"},
		{Key: "unknown", Title: "Unknown", Value: report.Minutes(r.Unknown), Unit: "min"},
		{Key: "judged", Title: "Observed", Value: report.Minutes(r.Judged), Unit: "min", Note: "up or down"},
		{Key: "down", Title: "Down", Value: report.Minutes(r.Down), Unit: "min", Note: r.Down.String()},
		{Key: "coverage", Title: "Coverage", Value: r.Coverage, Note: "of the time that counts"},
		{Key: "credit", Title: "Credit due", Value: r.Credit.Due, Unit: "%", Note: r.claim()},
	}
	return f
}

func (r *Report) claim() string {
	if r.Credit.Due == "0" {
		return ""
	}
	return "below " + r.Credit.Band + " %; last day to claim " + string(r.Credit.ClaimUntil)
}

func (r *Report) defects() report.Section {
	if len(r.Method.Defects) == 0 {
		return report.Section{}
	}
	return report.Section{Key: "defects", Title: "What makes these figures doubtful", Text: r.Method.Defects}
}

func (r *Report) contract() report.Section {
	s := report.Section{
		Key: "contract", Title: "Contract",
		Table: &report.Table{Columns: []report.Column{{Key: "term", Title: "Term"}, {Key: "value", Title: "Agreed"}}},
	}
	add := func(term string, value report.Cell) { s.Table.Rows = append(s.Table.Rows, []report.Cell{term, value}) }
	if r.Contract.Target == "" {
		add("Availability of a month", "none")
	} else {
		add("Availability of a month", r.Contract.Target+" %")
	}
	for _, b := range r.Contract.Credits {
		add("Credit below "+b.Below+" %", b.Credit+" % of the month's fee")
	}
	length := func(term string, l report.Length, without string) {
		if l == 0 {
			add(term, without)
			return
		}
		add(term, l.String())
	}
	length("Shortest outage that counts", r.Contract.MinimumOutage, "any")
	length("Notice of maintenance that is left out", r.Contract.MaintenanceNotice, "none is required")
	length("Most maintenance that is left out", r.Contract.MaintenanceCap, "no bound")
	for _, m := range r.Memberships {
		from, to := "before the month", "now"
		if m.From.After(r.From) {
			from = m.From.In(r.From.Location()).Format("2006-01-02 15:04:05 -07:00")
		}
		if !m.To.IsZero() {
			to = m.To.In(r.From.Location()).Format("2006-01-02 15:04:05 -07:00")
		}
		add("Tier "+cmp.Or(m.Tier, "none"), "from "+from+", until "+to)
	}
	return s
}

func (r *Report) services() report.Section {
	s := report.Section{
		Key: "checks", Title: "Services and checks", None: "No exporter has a history of a check.",
		Text: []string{"The worst check is that of its service. Minutes; total is excluded, unknown and observed together."},
		Table: &report.Table{Columns: []report.Column{
			{Key: "app_service", Title: "Service"},
			{Key: "check", Title: "Check"},
			{Key: "availability", Title: "Availability"},
			{Key: "total", Title: "Total"},
			{Key: "excluded", Title: "Excluded"},
			{Key: "unknown", Title: "Unknown"},
			{Key: "judged", Title: "Observed"},
			{Key: "down", Title: "Down"},
			{Key: "worst", Title: "Worst"},
		}},
	}
	for _, service := range r.Services {
		for _, c := range service.Checks {
			s.Table.Rows = append(s.Table.Rows, []report.Cell{
				service.Name, c.Name, c.Availability, report.Minutes(c.Total), report.Minutes(c.Excluded),
				report.Minutes(c.Unknown), report.Minutes(c.Judged), report.Minutes(c.Down), c.Name == service.Worst,
			})
		}
	}
	return s
}

// days draws and lists the days of the worst check.
func (r *Report) days() report.Section {
	for _, service := range r.Services {
		for _, c := range service.Checks {
			if service.Name == r.Service && c.Name == service.Worst {
				return daySection(c)
			}
		}
	}
	return report.Section{}
}

func daySection(c Check) report.Section {
	s := report.Section{
		Key: "days", Title: "Days of " + c.Name,
		Chart: &report.Chart{Title: "Minutes of each day", Unit: "min", Series: []report.Series{
			{Name: "down", Kind: "down"}, {Name: "unknown", Kind: "unknown"}, {Name: "excluded", Kind: "excluded"},
		}},
		Text: []string{"Days that are not listed were judged for all of their time, and the check was up."},
		None: "All days were judged for all of their time, and the check was up.",
		Table: &report.Table{Columns: []report.Column{
			{Key: "date", Title: "Day"},
			{Key: "availability", Title: "Availability"},
			{Key: "total", Title: "Total"},
			{Key: "excluded", Title: "Excluded"},
			{Key: "unknown", Title: "Unknown"},
			{Key: "judged", Title: "Observed"},
			{Key: "down", Title: "Down"},
		}},
	}
	var unjudged []string
	minutes := func(l report.Length) float64 { return time.Duration(l).Minutes() }
	for _, day := range c.Days {
		s.Chart.Labels = append(s.Chart.Labels, strings.TrimPrefix(day.Date[8:], "0"))
		for i, v := range []report.Length{day.Down, day.Unknown, day.Excluded} {
			s.Chart.Series[i].Values = append(s.Chart.Series[i].Values, minutes(v))
		}
		if day.Judged == 0 && day.Excluded == 0 {
			unjudged = append(unjudged, day.Date)
			continue
		}
		if day.Down == 0 && day.Unknown == 0 && day.Excluded == 0 && day.Total == report.Length(24*time.Hour) {
			continue
		}
		s.Table.Rows = append(s.Table.Rows, []report.Cell{
			report.Date(day.Date), day.Availability(), report.Minutes(day.Total), report.Minutes(day.Excluded),
			report.Minutes(day.Unknown), report.Minutes(day.Judged), report.Minutes(day.Down),
		})
	}
	if len(s.Table.Rows) == 0 {
		s.Text = nil
	}
	if n := len(unjudged); n > 0 {
		s.Text = append(s.Text, fmt.Sprintf("On %d days nothing was judged, from %s to %s; they are not listed.", n,
			unjudged[0], unjudged[n-1]))
		s.None = "All other days were judged for all of their time, and the check was up."
	}
	return s
}
