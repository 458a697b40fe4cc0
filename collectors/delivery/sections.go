package delivery

import (
	"cmp"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Sections implements collectors.Sections: the sources of deployments, those that do not answer first.
func (c *Collector) Sections(r collectors.SectionRequest) []collectors.Section {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sources) == 0 {
		return nil
	}
	s := collectors.Section{
		Key: "deployments", Title: "Deployments",
		Columns: []collectors.Column{
			{Key: "app_service", Title: "Service"},
			{Key: "source", Title: "Source"},
			{Key: "state", Title: "State"},
			{Key: "polled", Title: "Polled"},
			{Key: "deployment", Title: "Last reported"},
			{Key: "live", Title: "Live"},
			{Key: "failed_by", Title: "Failed by"},
		},
	}
	for _, o := range c.sources {
		s.Rows = append(s.Rows, c.row(o))
	}
	s.WorstFirst()
	s.Cut(r.Limit)
	return []collectors.Section{s}
}

// cures are what to do about a source by the reason of its last failure.
var cures = map[string]string{
	metric.DeliveryUnauthorizedAnswer: "The token is wrong, has expired, or lacks a right: docs/delivery.md lists them.",
	metric.DeliveryCredentials:        "The file or variable of the token cannot be read here.",
	metric.ReadNotFound:               "The project is unknown, or the token may not see it.",
	metric.ReadRateLimited:            "Others use the limit of this token: give the exporter one of its own.",
}

// row shows a source with the newest deployment that it reports. The caller holds the lock.
func (c *Collector) row(o watchedSource) collectors.Row {
	row := collectors.Row{Level: collectors.LevelOK}
	var polled, deployment, live, failed any
	state := "receives posts"
	if p := c.polled[ownerOf(o)]; p != nil {
		p.mu.Lock()
		success, reason := p.success, p.reason
		p.mu.Unlock()
		if state = "polled"; !success.IsZero() {
			polled = success
		} else {
			row.Level, state = collectors.LevelUnknown, "not polled yet"
		}
		if reason != "" {
			row.Level, state = collectors.LevelBad, reason
			row.Cure = cmp.Or(cures[reason], "The exporter's log names the fault; it is asked again by itself.")
		}
	}
	for _, d := range c.services[o.service].newest() {
		if d.IDs[o.name] != "" {
			deployment, live, failed = d.Name, timeCell(d.Live), d.FailedBy
			break
		}
	}
	row.Cells = []any{o.service, collectors.Code(o.name), collectors.State(state), polled, deployment, live, failed}
	return row
}

// timeCell returns a time, nil for the zero time.
func timeCell(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

var _ collectors.Sections = (*Collector)(nil)
