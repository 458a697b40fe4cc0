package collectors

import (
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Section is a collector's part of the status page and of its JSON form: one table, bounded, made from memory.
type Section struct {
	// Key names the section in the JSON form and in links; it does not change.
	Key, Title string
	// Note is a sentence about the whole, empty for none.
	Note    string
	Columns []Column
	Rows    []Row
	// More is how many rows were left out.
	More int
	// None is shown where there are no rows; a section without it is then left out of the page.
	None   string
	Filter *Filter
}

// Column is a column of a section. The keys of durations and sizes end with their unit, as in lag_bytes.
type Column struct{ Key, Title string }

// Row is one thing and how well it is.
type Row struct {
	Level Level
	// Cells are the values of the columns: nil, string, bool, int, int64, uint64, float64, time.Time, time.Duration, or
	// one of the types below.
	Cells []any
	// Cure is what to do if it is not well, in a sentence.
	Cure string
}

// Level is how well something is, as far as its collector can know without a threshold: rules judge.
type Level string

// Levels, the worst last.
const (
	LevelOK      Level = "ok"
	LevelUnknown Level = "unknown"
	LevelWarning Level = "warning"
	LevelBad     Level = "bad"
)

// Levels lists them, the worst last.
var Levels = []Level{LevelOK, LevelUnknown, LevelWarning, LevelBad}

// Types of cells with a form of their own on the page.
type (
	// State is a word in the colour of its row.
	State string
	// Code is something long that is not prose, such as an address: it is cut off where it is too long for its place.
	Code string
	// Bytes is a size.
	Bytes int64
	// Ratio is a share of 1.
	Ratio float64
	// Explained is a text with an explanation below it.
	Explained struct {
		Text   any
		Detail string
	}
)

// Filter lets a person see only some rows of a section.
type Filter struct {
	Parameter, Selected string
	Options             []FilterOption
}

// FilterOption is a value of a filter and how many rows it has.
type FilterOption struct {
	Name  string
	Count int
}

// SectionRequest is what a person wants to see.
type SectionRequest struct {
	Now time.Time
	// Limit is how many rows a section may have.
	Limit int
	// State selects health checks in one state; empty is all.
	State string
}

// Sections is a collector with a part of the status page.
type Sections interface {
	Sections(r SectionRequest) []Section
}

// WorstFirst sorts the rows by level, the worst first. Rows of one level keep their order.
func (s *Section) WorstFirst() {
	slices.SortStableFunc(s.Rows, func(a, b Row) int {
		return slices.Index(Levels, b.Level) - slices.Index(Levels, a.Level)
	})
}

// Cut keeps as many rows as the limit permits, and counts those that it leaves out.
func (s *Section) Cut(limit int) {
	if len(s.Rows) > limit {
		s.More += len(s.Rows) - limit
		s.Rows = s.Rows[:limit]
	}
}

var sectionKeyRE = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Validate returns what is wrong with how a section is made: a defect of its collector.
func (s *Section) Validate() error {
	keys := map[string]bool{"level": true, "cure": true} // of every row
	for _, c := range append([]Column{{Key: s.Key, Title: s.Title}}, s.Columns...) {
		switch {
		case !sectionKeyRE.MatchString(c.Key) || c.Title == "":
			return fmt.Errorf("section %s: invalid key %q or title %q", s.Key, c.Key, c.Title)
		case keys[c.Key] && c.Key != s.Key:
			return fmt.Errorf("section %s: key %q is taken", s.Key, c.Key)
		}
		if c.Key != s.Key {
			keys[c.Key] = true
		}
	}
	for i, r := range s.Rows {
		switch {
		case len(r.Cells) != len(s.Columns):
			return fmt.Errorf("section %s: row %d has %d cells, want %d", s.Key, i, len(r.Cells), len(s.Columns))
		case !slices.Contains(Levels, r.Level):
			return fmt.Errorf("section %s: row %d has the level %q", s.Key, i, r.Level)
		}
	}
	return nil
}

// Uncured returns the rows that are not well and do not say what to do.
func (s *Section) Uncured() (rows []int) {
	for i, r := range s.Rows {
		if r.Cure == "" && (r.Level == LevelBad || r.Level == LevelWarning) {
			rows = append(rows, i)
		}
	}
	return rows
}
