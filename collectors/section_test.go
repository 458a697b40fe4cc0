package collectors

import (
	"slices"
	"strings"
	"testing"
)

func TestSectionsAreValidated(t *testing.T) {
	made := func(change func(*Section)) *Section {
		s := &Section{
			Key: "things", Title: "Things", Columns: []Column{{"thing", "Thing"}, {"size_bytes", "Size"}},
			Rows: []Row{{Level: LevelOK, Cells: []any{"a", Bytes(1)}}},
		}
		change(s)
		return s
	}
	for want, change := range map[string]func(*Section){
		"":                     func(*Section) {},
		`invalid key "Things"`: func(s *Section) { s.Key = "Things" },
		`or title ""`:          func(s *Section) { s.Columns[0].Title = "" },
		`key "level" is taken`: func(s *Section) { s.Columns[0].Key = "level" },
		`key "thing" is taken`: func(s *Section) { s.Columns[1].Key = "thing" },
		"row 0 has 1 cells":    func(s *Section) { s.Rows[0].Cells = s.Rows[0].Cells[:1] },
		`has the level ""`:     func(s *Section) { s.Rows[0].Level = "" },
	} {
		err := made(change).Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestWorstFirstKeepsTheOrderWithinALevel(t *testing.T) {
	var s Section
	for i, level := range []Level{LevelOK, LevelBad, LevelWarning, LevelOK, LevelUnknown, LevelBad} {
		s.Rows = append(s.Rows, Row{Level: level, Cells: []any{i}})
	}
	s.WorstFirst()
	var order []int
	for _, r := range s.Rows {
		order = append(order, r.Cells[0].(int))
	}
	if want := []int{1, 5, 2, 4, 0, 3}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}

func TestCutCountsWhatItLeavesOut(t *testing.T) {
	s := Section{Rows: make([]Row, 5), More: 2}
	s.Cut(7)
	if len(s.Rows) != 5 || s.More != 2 {
		t.Errorf("%d rows, %d more", len(s.Rows), s.More)
	}
	s.Cut(3)
	if len(s.Rows) != 3 || s.More != 4 {
		t.Errorf("%d rows, %d more", len(s.Rows), s.More)
	}
}

func TestUncured(t *testing.T) {
	s := Section{Rows: []Row{
		{Level: LevelBad, Cure: "Mend it."},
		{Level: LevelBad},
		{Level: LevelWarning},
		{Level: LevelUnknown},
		{Level: LevelOK},
	}}
	if got := s.Uncured(); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("%v", got)
	}
}
