// Package report writes reports on what the exporters measured: contracts, reviews, write-ups of incidents and evidence
// for audits. A report is a model, which is its JSON, and a document made of it, which is its Markdown, CSV and HTML.
package report

import (
	"slices"
	"time"
)

// Document is a report as it is read: figures, then sections of text, charts and tables.
type Document struct {
	Title    string
	Subtitle string
	// Verdict is the answer in one sentence, and Level how good it is.
	Verdict string
	Level   Level
	// Zone is the time zone in which times are written.
	Zone     *time.Location
	Figures  []Figure
	Sections []Section
}

// Level is how good something is.
type Level string

// Levels. A page shows them by words and marks, not by colours alone.
const (
	LevelNone    Level = ""
	LevelGood    Level = "good"
	LevelWarning Level = "warning"
	LevelBad     Level = "bad"
)

// Figure is one number of the head of a report.
type Figure struct {
	Key, Title string
	Value      Cell
	Unit       string
	Note       string
	Level      Level
}

// Section is a part of a report.
type Section struct {
	// Key names the section in CSV.
	Key, Title string
	Text       []string
	Chart      *Chart
	Table      *Table
	// None is written in place of a table without rows.
	None string
}

// Table is rows of cells below columns.
type Table struct {
	Columns []Column
	Rows    [][]Cell
}

// Column is a column of a table. Key names it in CSV.
type Column struct {
	Key, Title string
	// Optional columns are left out of Markdown and HTML where no row has a value. CSV always has them.
	Optional bool
}

// readable returns the table as it is read: without the optional columns that are empty.
func (t *Table) readable() *Table {
	var keep []int
	for i, c := range t.Columns {
		if !c.Optional || slices.ContainsFunc(t.Rows, func(row []Cell) bool { return row[i] != nil }) {
			keep = append(keep, i)
		}
	}
	if len(keep) == len(t.Columns) {
		return t
	}
	out := &Table{}
	for _, i := range keep {
		out.Columns = append(out.Columns, t.Columns[i])
	}
	for _, row := range t.Rows {
		cells := make([]Cell, 0, len(keep))
		for _, i := range keep {
			cells = append(cells, row[i])
		}
		out.Rows = append(out.Rows, cells)
	}
	return out
}

// Cell is a value of a table: nil, a string, Lines, bool, a whole number, Number, Ratio, Length, Minutes, time.Time,
// Date or Share.
type Cell any

// Minutes is a length that is read in minutes.
type Minutes time.Duration

// Lines is text of several lines.
type Lines []string

// Date is a day, such as 2026-11-30.
type Date string

// Bar is a share of a limit, which is drawn: 0.85 is 85 %.
type Bar float64
