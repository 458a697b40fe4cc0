package maintenance

import (
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
)

func TestWindows(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	once := &config.Maintenance{
		From: config.Time{Time: at("2026-03-01T10:00:00Z")},
		To:   config.Time{Time: at("2026-03-01T11:00:00Z")},
	}
	sunday := &config.Maintenance{
		Start: "23:30", Duration: config.Duration(2 * time.Hour), TimeZone: "Europe/Berlin",
		Weekdays: []string{"saturday"},
	}
	last := &config.Maintenance{
		Start: "02:00", Duration: config.Duration(time.Hour), TimeZone: "UTC",
		DaysOfMonth: []int{-1},
	}
	for _, tc := range []struct {
		m    *config.Maintenance
		when string
		want bool
	}{
		{once, "2026-03-01T09:59:59Z", false},
		{once, "2026-03-01T10:00:00Z", true},
		{once, "2026-03-01T11:00:00Z", false},
		{sunday, "2026-03-28T22:29:59Z", false},
		{sunday, "2026-03-28T22:30:00Z", true},
		{sunday, "2026-03-29T00:29:59Z", true}, // summer time begins at 01:00Z this day
		{sunday, "2026-03-29T00:30:00Z", false},
		{sunday, "2026-07-04T21:30:00Z", true}, // 23:30 in summer
		{sunday, "2026-07-05T21:30:00Z", false},
		{last, "2026-02-28T02:30:00Z", true},
		{last, "2026-03-28T02:30:00Z", false},
	} {
		w, err := New(tc.m)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Active(at(tc.when)); got != tc.want {
			t.Errorf("%+v at %s: %v", tc.m, tc.when, got)
		}
		if end := w.End(at(tc.when)); tc.want && (w.Active(end) || !w.Active(end.Add(-time.Second))) {
			t.Errorf("%+v at %s ends %s", tc.m, tc.when, end)
		}
	}
}
