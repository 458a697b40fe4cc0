package business

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Sections implements collectors.Sections: the queries, those that fail first.
func (c *Collector) Sections(r collectors.SectionRequest) []collectors.Section {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.section == nil || len(c.queries) == 0 {
		return nil
	}
	s := collectors.Section{
		Key: "queries", Title: "Business queries",
		Columns: []collectors.Column{
			{Key: "query", Title: "Query"},
			{Key: "state", Title: "State"},
			{Key: "answered", Title: "Answered"},
			{Key: "counted", Title: "Counted to"},
			{Key: "succeeded", Title: "Succeeded"},
			{Key: "usual_weeks", Title: "Weeks known"},
			{Key: "problem", Title: "Problem"},
		},
	}
	for _, name := range slices.Sorted(maps.Keys(c.queries)) {
		s.Rows = append(s.Rows, c.row(c.queries[name], r.Now))
	}
	s.WorstFirst()
	s.Cut(r.Limit)
	return []collectors.Section{s}
}

// row returns how a query fares. The caller holds the lock.
func (c *Collector) row(q *query, now time.Time) collectors.Row {
	row := collectors.Row{Level: collectors.LevelOK}
	state := "ok"
	var answered, through, succeeded, weeks any
	if q.answered {
		answered = q.succeeded
	}
	switch {
	case q.fault != "":
		row.Level, row.Cure = collectors.LevelBad, cures[q.fault]
		state = strings.ReplaceAll(q.fault, "_", " ")
	case !q.answered:
		row.Level, state = collectors.LevelUnknown, "not asked yet"
	}
	if t := c.records.Transactions[q.name]; t != nil && !t.Through.IsZero() {
		_, known := t.Hours.usual(now, c.zone)
		through, succeeded, weeks = t.Through, t.Counts[metric.ResultSuccess], known
	}
	row.Cells = []any{q.name, collectors.State(state), answered, through, succeeded, weeks, q.problem}
	return row
}

var _ collectors.Sections = (*Collector)(nil)
