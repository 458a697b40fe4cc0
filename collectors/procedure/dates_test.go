package procedure

import (
	"strings"
	"testing"
	"time"
)

const someDates = `
- {date: 2026-11-03, kind: training, people: [ada, bob], link: "https://wiki.example.com/training"}
- {date: 2026-10-02, kind: training, people: [eve]}
- {date: 2026-12-24, kind: training, people: [ada, bob, eve]}
- date: 2026-05-01
  kind: certification
  people: [ada]
`

func TestNewestDate(t *testing.T) {
	all, err := parseDates([]byte(someDates))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, time.November, 30, 12, 0, 0, 0, time.UTC)
	end := func(month time.Month, day int) time.Time {
		return time.Date(2026, month, day, 23, 59, 59, 0, time.UTC)
	}
	for _, x := range []struct {
		kind   string
		people []string
		now    time.Time
		want   time.Time
	}{
		{"training", nil, now, end(time.November, 3)},
		{"training", []string{"ada", "bob"}, now, end(time.November, 3)},
		{"training", []string{"ada", "eve"}, now, end(time.October, 2)},
		{"training", []string{"ada", "mal"}, now, time.Time{}},
		{"certification", []string{"ada"}, now, end(time.May, 1)},
		{"certification", []string{"bob"}, now, time.Time{}},
		{"drill", nil, now, time.Time{}},
		// The day itself is not over.
		{
			"training",
			[]string{"ada"},
			time.Date(2026, time.November, 3, 9, 0, 0, 0, time.UTC),
			time.Date(2026, time.November, 3, 9, 0, 0, 0, time.UTC),
		},
	} {
		if got := newest(all, x.kind, x.people, x.now); !got.Equal(x.want) {
			t.Errorf("%s of %v at %s: %s, want %s", x.kind, x.people, x.now, got, x.want)
		}
	}
}

func TestInvalidDates(t *testing.T) {
	for text, want := range map[string]string{
		"- {date: yesterday, kind: training}":               `invalid date "yesterday"`,
		"- {kind: training}":                                "entry 1 has no date",
		"- {date: 2026-11-03}":                              "entry 1 has no date or no kind",
		"- {date: 2026-11-03, kind: training, person: ada}": "field person not found",
		"date: 2026-11-03":                                  "write a list like",
		"- [":                                               "invalid dates",
		strings.Repeat("- {date: 2026-11-03, kind: a}\n", 10_001): "at most 10000 are read",
	} {
		if _, err := parseDates([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %s", text, err, want)
		}
	}
	if all, err := parseDates(nil); err != nil || len(all) != 0 {
		t.Errorf("an empty file: %v, %v", all, err)
	}
}

// Whatever is in a file of dates, reading it ends, and what it proves lies in no future.
func FuzzDates(f *testing.F) {
	f.Add([]byte(someDates), "training")
	f.Add([]byte("- {date: 9999-12-31, kind: x}"), "x")
	f.Fuzz(func(t *testing.T, text []byte, kind string) {
		all, err := parseDates(text)
		if err != nil {
			return
		}
		now := time.Date(2026, time.November, 30, 12, 0, 0, 0, time.UTC)
		if got := newest(all, kind, nil, now); got.After(now) {
			t.Errorf("%s", got)
		}
	})
}
