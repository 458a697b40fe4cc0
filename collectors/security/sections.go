package security

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Sections implements collectors.Sections: the reports of scans and lists of accounts, the broken ones first, and the
// ends of secrets.
func (c *Collector) Sections(r collectors.SectionRequest) []collectors.Section {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []collectors.Section
	if len(c.watched) > 0 {
		all = append(all, c.scans(r))
	}
	if len(c.audits) > 0 {
		all = append(all, c.auditSection(r))
	}
	if c.section != nil && len(c.section.Secrets) > 0 {
		all = append(all, secretsSection(c.section.Secrets, r))
	}
	return all
}

// scans returns the section on scans. The caller holds the lock.
func (c *Collector) scans(r collectors.SectionRequest) collectors.Section {
	s := collectors.Section{
		Key: "scans", Title: "Scans",
		Columns: []collectors.Column{
			{Key: "scan", Title: "Scan"},
			{Key: "report", Title: "Report"},
			{Key: "state", Title: "State"},
			{Key: "scanned", Title: "Scanned"},
			{Key: "findings", Title: "Findings"},
			{Key: "exploited", Title: "Exploited"},
			{Key: "suppressed", Title: "Suppressed"},
		},
	}
	for _, name := range slices.Sorted(maps.Keys(c.watched)) {
		a := c.watched[name]
		for i := range a.reports {
			s.Rows = append(s.Rows, a.row(i, c.records[name], r.Now))
		}
	}
	s.WorstFirst()
	s.Cut(r.Limit)
	return s
}

// cures are what to do about a report by its state.
var cures = map[string]string{
	metric.ScanAbsent:       "Check the file under security.scans, and whether the scanner has run.",
	metric.ScanUnreadable:   "Check the rights of the file and its size.",
	metric.ScanEmpty:        "The scanner ended before it wrote: run it by hand.",
	metric.ScanMalformed:    "Let the scanner write to another name and rename the file; check format in the policy.",
	metric.ScanUnsuccessful: "The scanner reports that it failed: run it by hand.",
	metric.ScanOfNothing:    "The scanner knew nothing to scan: check the path or image that it is given.",
}

func (a *artefact) row(i int, r *record, now time.Time) collectors.Row {
	d, name := a.reports[i], a.Reports[i].Name()
	row := collectors.Row{Level: collectors.LevelOK}
	at := r.Scanned[name]
	var last, findings, exploited, suppressed any
	if !at.IsZero() {
		last = at
	}
	if a.known {
		n := a.tallies.exploited[true].n + a.tallies.exploited[false].n
		findings, exploited, suppressed = len(a.findings), n, a.suppressed
	}
	switch {
	case d.state == "":
		row.Level = collectors.LevelUnknown
	case d.state != metric.ScanOK:
		row.Level, row.Cure = collectors.LevelBad, cures[d.state]
	case now.Sub(at) > 2*a.Interval.Std():
		row.Level, row.Cure = collectors.LevelWarning, "The scan is late: check what runs the scanner."
	case a.tallies.exploited[true].n > 0:
		row.Level = collectors.LevelWarning
		row.Cure = "Update what /api/v1/scans/" + a.Name + " lists as exploited."
	}
	row.Cells = []any{
		a.Name, name, collectors.State(strings.ReplaceAll(d.state, "_", " ")), last, findings, exploited, suppressed,
	}
	return row
}

var _ collectors.Sections = (*Collector)(nil)
