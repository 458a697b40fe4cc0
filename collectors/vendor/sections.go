package vendor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Sections implements collectors.Sections: the vendors, the worst first.
func (c *Collector) Sections(r collectors.SectionRequest) []collectors.Section {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.watched) == 0 {
		return nil
	}
	s := collectors.Section{
		Key: "vendors", Title: "Vendors",
		Columns: []collectors.Column{
			{Key: "vendor", Title: "Vendor"},
			{Key: "state", Title: "State"},
			{Key: "since", Title: "Since"},
			{Key: "open", Title: "Open incidents"},
			{Key: "affects", Title: "Affects"},
			{Key: "maintenance", Title: "Next maintenance"},
			{Key: "read", Title: "Read"},
		},
	}
	for _, name := range slices.Sorted(maps.Keys(c.watched)) {
		w := c.watched[name]
		w.pass(r.Now, c.stale(w), c.zone)
		s.Rows = append(s.Rows, w.row(r))
	}
	s.WorstFirst()
	s.Cut(r.Limit)
	return []collectors.Section{s}
}

func (w *watched) row(r collectors.SectionRequest) collectors.Row {
	row := collectors.Row{Level: collectors.LevelOK}
	var read, maintenance, open any
	if !w.Read.IsZero() {
		read = w.Read
	}
	if w.page != nil {
		if m, ok := w.page.nextMaintenance(r.Now); ok {
			maintenance = m.Begin
		}
		names := []string{}
		for _, i := range w.page.incidents {
			names = append(names, i.Name)
		}
		open = collectors.Explained{Text: len(names), Detail: strings.Join(names[:min(len(names), 3)], "; ")}
	}
	switch w.State {
	case metric.VendorDegraded:
		row.Level, row.Cure = collectors.LevelWarning, "Read "+w.StatusPage+" before you look for the cause at home."
	case metric.VendorPartial, metric.VendorMajor:
		row.Level, row.Cure = collectors.LevelBad, "Read "+w.StatusPage+" and follow docs/runbooks/ThorbisVendorOutage.md."
	case metric.VendorUnknown:
		row.Level = collectors.LevelUnknown
		switch {
		case w.reason != "":
			row.Level = collectors.LevelWarning
			row.Cure = fmt.Sprintf("The page cannot be read (%s): check status_page and format under vendors.", w.reason)
		case w.page != nil:
			row.Level = collectors.LevelWarning
			row.Cure = "The page lacks a component of the policy: check components under vendors."
		}
	}
	row.Cells = []any{
		w.Name, collectors.State(strings.ReplaceAll(w.State, "_", " ")), w.Since, open, strings.Join(w.Affects, ", "),
		maintenance, read,
	}
	return row
}

var _ collectors.Sections = (*Collector)(nil)
