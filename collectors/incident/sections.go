package incident

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
)

// Sections implements collectors.Sections: the open incidents, the unacknowledged first, and what is asked for them.
func (c *Collector) Sections(r collectors.SectionRequest) []collectors.Section {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.policy == nil || len(c.policy.Alertmanagers) == 0 {
		return nil
	}
	open := collectors.Section{
		Key: "incidents", Title: "Open incidents", None: "None.",
		Columns: []collectors.Column{
			{Key: "alert", Title: "Alert"},
			{Key: "about", Title: "About"},
			{Key: "priority", Title: "Priority"},
			{Key: "state", Title: "State"},
			{Key: "open_for_seconds", Title: "Open for"},
			{Key: "since", Title: "Since"},
			{Key: "due", Title: "Answer due"},
			{Key: "owner", Title: "Owner"},
		},
	}
	switch {
	case c.lastRead.IsZero():
		open.None = "Not known yet: no Alertmanager has answered."
	case r.Now.Sub(c.lastRead) > blindAfter:
		open.None = "Not known."
		open.Note = "No Alertmanager has answered for more than two minutes: what was open then may be over."
	default:
		for _, fingerprint := range c.open() {
			if row, shown := c.tracker.Incidents[fingerprint].row(r.Now); shown {
				open.Rows = append(open.Rows, row)
			}
		}
	}
	open.Cut(r.Limit)
	all := []collectors.Section{open, c.sourceSection(r)}
	if c.policy.RecordsEvents() {
		all = append(all, c.mutedSection(r))
	}
	return all
}

// mutedSection shows what Alertmanager did not notify, and why.
func (c *Collector) mutedSection(r collectors.SectionRequest) collectors.Section {
	s := collectors.Section{
		Key: "incident_muted", Title: "Muted alerts", None: "None in the last fifteen minutes.",
		Columns: []collectors.Column{
			{Key: "alert", Title: "Alert"},
			{Key: "about", Title: "About"},
			{Key: "priority", Title: "Priority"},
			{Key: "by", Title: "Muted by"},
			{Key: "reason", Title: "Reason"},
			{Key: "since", Title: "Since"},
		},
	}
	for _, m := range c.muted.sorted() {
		row := collectors.Row{Level: collectors.LevelOK, Cells: []any{
			m.Alert, cmp.Or(m.AppService, m.Subject), m.Priority, strings.TrimSpace(m.By + " " + m.Silence),
			strings.TrimSpace(m.Reason + " " + m.Creator), m.Since,
		}}
		s.Rows = append(s.Rows, row)
	}
	s.Cut(r.Limit)
	if last := c.tracker.Events.Last; last.IsZero() {
		s.Note = "No event has arrived yet: see event_recorder in docs/routing.md."
	} else {
		s.Note = fmt.Sprintf("The newest event is of %s.", last.UTC().Format("15:04:05Z"))
	}
	return s
}

// row returns the incident as it is shown; one in maintenance or without a notification is not.
func (e *entry) row(now time.Time) (collectors.Row, bool) {
	row := collectors.Row{Level: collectors.LevelWarning}
	state, due := "unacknowledged", any(e.Due)
	switch e.condition {
	case maintenance, suppressed:
		return row, false
	case handled:
		state, due = "acknowledged", nil
		row.Cure = "Somebody has taken these; ask in the incident's channel before you act."
	case waiting:
		row.Cure = "Acknowledge with the link in the page or by a silence, then follow docs/runbooks/" + e.Alert + ".md."
		if config.PriorityRank(e.Priority) <= config.PriorityRank("P2") {
			row.Level = collectors.LevelBad
		}
		if now.After(e.Due) {
			state = "unacknowledged, late"
		}
	}
	row.Cells = []any{
		e.Alert, cmp.Or(e.AppService, e.Subject), e.Priority, collectors.State(state), max(now.Sub(e.Began), 0), e.Began, due,
		e.Owner,
	}
	return row, true
}

func (c *Collector) sourceSection(r collectors.SectionRequest) collectors.Section {
	s := collectors.Section{
		Key: "incident_sources", Title: "Alertmanagers",
		Columns: []collectors.Column{{Key: "source", Title: "Source"}, {Key: "state", Title: "State"}},
	}
	if !c.lastRead.IsZero() {
		s.Note = fmt.Sprintf("Read last at %s.", c.lastRead.UTC().Format("15:04:05Z"))
	}
	for _, name := range sources(c.policy) {
		row := collectors.Row{Level: collectors.LevelOK, Cells: []any{name, collectors.State("answers")}}
		switch up, asked := c.up[name]; {
		case !asked:
			row.Level, row.Cells[1] = collectors.LevelUnknown, collectors.State("not asked yet")
		case !up:
			row.Level, row.Cells[1] = collectors.LevelBad, collectors.State("does not answer")
			row.Cure = "Look whether it runs and whether this exporter reaches it: pages and acknowledgements are not seen."
		}
		s.Rows = append(s.Rows, row)
	}
	s.Cut(r.Limit)
	return s
}

var _ collectors.Sections = (*Collector)(nil)
