package status

import (
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/report"
)

// Document is the page as it is read.
func (r *Report) Document(zone *time.Location) *report.Document {
	d := &report.Document{
		Title: r.Page.Name + ": status", Subtitle: "As of " + r.Page.Updated.In(zone).Format("2006-01-02 15:04 MST"),
		Verdict: r.Status.Description + ".", Level: report.LevelGood, Zone: zone,
	}
	switch r.Status.Indicator {
	case "minor":
		d.Level = report.LevelWarning
	case "major", "critical":
		d.Level = report.LevelBad
	}
	services := &report.Table{Columns: []report.Column{{Key: "service", Title: "Service"}, {Key: "state", Title: "State"}}}
	for _, c := range r.Components {
		services.Rows = append(services.Rows, []report.Cell{c.Name, words(c.Status)})
	}
	incidents := &report.Table{Columns: []report.Column{
		{Key: "incident", Title: "Incident"}, {Key: "since", Title: "Since"}, {Key: "impact", Title: "Impact"},
	}}
	for _, i := range r.Incidents {
		incidents.Rows = append(incidents.Rows, []report.Cell{i.Name, i.Created, i.Impact})
	}
	planned := &report.Table{Columns: []report.Column{
		{Key: "work", Title: "Work"},
		{Key: "services", Title: "Services"},
		{Key: "from", Title: "From"},
		{Key: "to", Title: "To"},
	}}
	for _, m := range r.Maintenances {
		var names []string
		for _, c := range m.Components {
			names = append(names, c.Name)
		}
		planned.Rows = append(planned.Rows, []report.Cell{m.Name, strings.Join(names, ", "), m.From, m.To})
	}
	d.Sections = []report.Section{
		{Key: "services", Title: "Services", Table: services, None: "The policy has no service."},
		{Key: "incidents", Title: "Incidents", Table: incidents, None: "There is no open incident."},
		{Key: "planned_work", Title: "Planned work", Table: planned, None: "Nothing is planned for the next thirty days."},
	}
	return d
}

func words(state string) string {
	if state == metric.VendorUnknown {
		return "not known"
	}
	return strings.ReplaceAll(state, "_", " ")
}
