package report

import (
	"bufio"
	"io"
	"strings"
)

// Rows writes rows of CSV (RFC 4180).
type Rows struct{ out *bufio.Writer }

// NewRows returns a writer of rows. Flush must be called at the end.
func NewRows(w io.Writer) *Rows { return &Rows{bufio.NewWriter(w)} }

// Write writes a row. A cell with anything that may separate cells is quoted, also semicolons and tabs, by which some
// spreadsheets separate as well.
func (r *Rows) Write(row ...string) {
	for i, cell := range row {
		if i > 0 {
			_ = r.out.WriteByte(',')
		}
		if !strings.ContainsAny(cell, ",;\t\r\n\"") && strings.TrimSpace(cell) == cell {
			_, _ = r.out.WriteString(cell)
			continue
		}
		_ = r.out.WriteByte('"')
		_, _ = r.out.WriteString(strings.ReplaceAll(cell, `"`, `""`))
		_ = r.out.WriteByte('"')
	}
	_ = r.out.WriteByte('\n')
}

// Flush ends the rows and returns the first error of all writes.
func (r *Rows) Flush() error { return r.out.Flush() }

// WriteCSV writes a document for a program or a spreadsheet. Each table begins with a row of its columns' names; the
// first cell of every row names its section. The figures of the head are the section summary.
func WriteCSV(w io.Writer, d *Document) error {
	out := NewRows(w)
	zone := zoneOf(d)
	out.Write("section", "figure", "value", "unit")
	out.Write("summary", "title", raw(d.Title, zone), "")
	out.Write("summary", "subtitle", raw(d.Subtitle, zone), "")
	out.Write("summary", "verdict", raw(d.Verdict, zone), "")
	for _, f := range d.Figures {
		out.Write("summary", f.Key, raw(f.Value, zone), unitOf(f))
	}
	for _, s := range d.Sections {
		if s.Table == nil {
			continue
		}
		header := []string{"section"}
		for _, c := range s.Table.Columns {
			header = append(header, c.Key)
		}
		out.Write(header...)
		for _, row := range s.Table.Rows {
			record := []string{s.Key}
			for _, c := range row {
				record = append(record, raw(c, zone))
			}
			out.Write(record...)
		}
	}
	return out.Flush()
}

// unitOf is the unit in which a figure is written in CSV.
func unitOf(f Figure) string {
	switch f.Value.(type) {
	case Ratio, Bar:
		return "percent"
	case Minutes, Length:
		return "seconds"
	}
	return inert(plain(f.Unit))
}
