package security

import (
	"maps"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// auditSection lists the lists of accounts, the broken ones first. The caller holds the lock.
func (c *Collector) auditSection(r collectors.SectionRequest) collectors.Section {
	s := collectors.Section{
		Key: "access", Title: "Access",
		Columns: []collectors.Column{
			{Key: "access", Title: "Accounts of"},
			{Key: "state", Title: "State"},
			{Key: "taken", Title: "List of"},
			{Key: "accounts", Title: "Accounts"},
			{Key: "privileged", Title: "Privileged"},
			{Key: "overdue", Title: "Overdue"},
			{Key: "oldest_review", Title: "Oldest review"},
		},
	}
	for _, name := range slices.Sorted(maps.Keys(c.audits)) {
		s.Rows = append(s.Rows, c.audits[name].row(r.Now))
	}
	s.WorstFirst()
	s.Cut(r.Limit)
	return s
}

// accessCures are what to do about a list by its state.
var accessCures = map[string]string{
	metric.AccessAbsent:      "Check the files under security.access, and whether the export has run.",
	metric.AccessUnreadable:  "Check the rights of the file and its size.",
	metric.AccessEmpty:       "The export lists no account: run it by hand.",
	metric.AccessMalformed:   "Check the file against docs/access.md; the exporter's log has the fault.",
	metric.AccessUnreachable: "Check whether the server runs, and the address in the connection string.",
	metric.AccessRefused:     "Check the connection string, its password and the rights of its role.",
}

func (a *audit) row(now time.Time) collectors.Row {
	row := collectors.Row{Level: collectors.LevelOK}
	var taken, accounts, privileged, overdue, oldest any
	if a.known {
		taken, accounts, overdue = a.taken, len(a.accounts), a.tally.overdue
		if a.tally.privileged.known {
			privileged = a.tally.privileged.n
		}
		if !a.tally.oldestReview.IsZero() {
			oldest = a.tally.oldestReview
		}
	}
	switch {
	case a.state == "":
		row.Level = collectors.LevelUnknown
	case a.state != metric.AccessOK:
		row.Level, row.Cure = collectors.LevelBad, accessCures[a.state]
	case now.Sub(a.taken) > 2*a.Interval.Std():
		row.Level, row.Cure = collectors.LevelWarning, "The list is old: check what exports it."
	case a.tally.overdue > 0:
		row.Level, row.Cure = collectors.LevelWarning, "Review what /api/v1/access/"+a.Name+" lists."
	}
	row.Cells = []any{a.Name, collectors.State(a.state), taken, accounts, privileged, overdue, oldest}
	return row
}
