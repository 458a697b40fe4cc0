package review

import (
	"context"
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/report"
	"github.com/thorbis/thorbis_exporter/report/source"
)

// Report is a review.
type Report struct {
	Report      string            `json:"report"` // daily, weekly or capacity
	Platform    string            `json:"platform"`
	Environment string            `json:"environment"`
	TimeZone    string            `json:"time_zone"`
	From        time.Time         `json:"from"`
	To          time.Time         `json:"to"`
	Sections    []*Section        `json:"sections"`
	Forecasts   []Forecast        `json:"forecasts"`
	Incidents   []report.Incident `json:"incidents"`
	// Pages is nil in a review of capacity.
	Pages      *Pages          `json:"pages,omitempty"`
	Noise      []Noise         `json:"noise"`
	Sources    []report.Source `json:"sources"`
	PolicyHash string          `json:"policy_sha256"`

	tables  []*table
	moments []moment
	zone    *time.Location
}

// Kind is a kind of review.
type Kind string

// Kinds of reviews.
const (
	Daily    Kind = "daily"
	Weekly   Kind = "weekly"
	Capacity Kind = "capacity"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// Options are what a review is made of.
type Options struct {
	Kind       Kind
	Policy     *config.Policy
	Prometheus *source.Prometheus
	Incidents  report.Incidents
	// To is the end of the review.
	To time.Time
	// Progress is called with the share that is done; nil is none.
	Progress func(share float64)
}

// Build reads a review.
func Build(ctx context.Context, o Options) (*Report, error) {
	span := week
	moments := []moment{{"last_week", "Change in a week", week}, {"month_before", "Change in 4 weeks", 4 * week}}
	if o.Kind == Daily {
		span = day
		moments = append([]moment{{"yesterday", "Change in a day", day}}, moments...)
	}
	p := o.Policy
	r := &Report{
		Report: string(o.Kind), Platform: p.Platform, Environment: p.Environment, TimeZone: p.SLA.Zone().String(),
		From: o.To.Add(-span), To: o.To, PolicyHash: p.Hash(), Sections: []*Section{}, Incidents: []report.Incident{},
		Noise: []Noise{}, moments: moments, zone: p.SLA.Zone(),
	}
	in := &reader{prometheus: o.Prometheus, environment: p.Environment, at: o.To, span: span, moments: moments}
	r.tables = sharedTables()
	switch o.Kind {
	case Weekly:
		r.tables = append(r.tables, capacityTables()...)
	case Capacity:
		r.tables = capacityTables()
	}
	for i, t := range r.tables {
		s, err := in.read(ctx, t)
		if err != nil {
			return nil, err
		}
		r.Sections = append(r.Sections, s)
		if o.Progress != nil {
			o.Progress(float64(i+1) / float64(len(r.tables)+1))
		}
	}
	var err error
	if r.Forecasts, err = in.forecasts(ctx, r.zone); err != nil {
		return nil, err
	}
	if o.Incidents != nil && o.Kind != Capacity {
		all, err := o.Incidents.Incidents(ctx, r.From, r.To)
		if err != nil {
			return nil, err
		}
		r.Incidents = report.Real(all)
		r.Noise = noise(r.Incidents, r.To)
		r.Pages = pages(p, r.Incidents, r.From, r.To)
		if err := r.Pages.escalations(ctx, &o, r.From); err != nil {
			return nil, err
		}
	}
	return r, nil
}

var titles = map[string]string{
	string(Daily): "Daily review", string(Weekly): "Weekly review", string(Capacity): "Capacity",
}

// Document returns the review as it is read.
func (r *Report) Document() *report.Document {
	format := "2006-01-02 15:04"
	d := &report.Document{
		Title: titles[r.Report] + ": " + r.Platform, Zone: r.zone,
		Subtitle: fmt.Sprintf("%s to %s, %s, environment %s", r.From.In(r.zone).Format(format),
			r.To.In(r.zone).Format(format), r.TimeZone, r.Environment),
	}
	r.conclusion(d)
	if r.Report != string(Capacity) {
		d.Sections = append(d.Sections, r.incidents())
	}
	if r.Pages != nil {
		d.Sections = append(d.Sections, r.Pages.sections()...)
	}
	for i, t := range r.tables {
		d.Sections = append(d.Sections, t.document(r.Sections[i], r.moments))
	}
	d.Sections = append(d.Sections, forecastSection(r.Forecasts))
	if r.Report != string(Capacity) {
		d.Sections = append(d.Sections, noiseSection(r.Noise))
	}
	d.Sections = append(d.Sections, report.SourceSection("method", "How it was measured", r.Sources,
		"All figures are of Prometheus at the end of the review. Columns that begin with Change show how much the figure "+
			"before them has changed since the same review a day, a week or four weeks earlier.",
		"Policy SHA-256 "+r.PolicyHash))
	return d
}

// soon is how near the end of a resource is that the head of a review names.
const soon = 30 * day

func (r *Report) conclusion(d *report.Document) {
	open, unanswered, near := 0, 0, 0
	for _, i := range r.Incidents {
		if i.Resolved == nil {
			open++
		}
		if i.Acknowledged == nil {
			unanswered++
		}
	}
	for _, f := range r.Forecasts {
		if time.Duration(f.In) <= soon {
			near++
		}
	}
	d.Figures = []report.Figure{}
	if r.Report != string(Capacity) {
		d.Figures = append(d.Figures,
			report.Figure{Key: "incidents", Title: "Incidents", Value: len(r.Incidents)},
			report.Figure{Key: "open", Title: "Still open", Value: open, Level: levelOf(open, report.LevelBad)},
			report.Figure{
				Key: "unacknowledged", Title: "Not acknowledged", Value: unanswered,
				Level: levelOf(unanswered, report.LevelWarning),
			})
	}
	d.Figures = append(d.Figures, report.Figure{
		Key: "near", Title: "Runs out within 30 days", Value: near, Level: levelOf(near, report.LevelWarning),
	})
	switch {
	case open > 0:
		d.Verdict, d.Level = fmt.Sprintf("Open incidents: %d.", open), report.LevelBad
	case near > 0:
		d.Verdict, d.Level = fmt.Sprintf("Resources that run out within 30 days: %d.", near), report.LevelWarning
	default:
		d.Verdict, d.Level = "Nothing is open, and nothing runs out within 30 days.", report.LevelGood
	}
}

func levelOf(n int, level report.Level) report.Level {
	if n == 0 {
		return report.LevelNone
	}
	return level
}

func (r *Report) incidents() report.Section {
	s := report.Section{
		Key: "incidents", Title: "Incidents", None: "There was none.", Table: &report.Table{Columns: []report.Column{
			{Key: "priority", Title: "Priority"},
			{Key: "alert", Title: "Alert"},
			{Key: "about", Title: "About"},
			{Key: "began", Title: "Began"},
			{Key: "acknowledged_after", Title: "Acknowledged after"},
			{Key: "resolved_after", Title: "Resolved after"},
			{Key: "owner", Title: "Owner"},
			{Key: "incident", Title: "Incident"},
		}},
	}
	for i := range r.Incidents {
		one := &r.Incidents[i]
		s.Table.Rows = append(s.Table.Rows, []report.Cell{
			one.Priority, one.Alert, one.About(), one.Began, one.AcknowledgedAfter(), one.ResolvedAfter(), one.Owner, one.ID,
		})
	}
	return s
}
