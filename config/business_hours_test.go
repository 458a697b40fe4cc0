package config

import (
	"testing"
	"time"
)

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Four hours of business time, over nights, weekends and the days on which the clocks change.
func TestDeadlinesKeepBusinessHours(t *testing.T) {
	hours := BusinessHours{
		TimeZone: "Europe/Berlin", From: "09:00", To: "18:00",
		Weekdays: []string{"monday", "tuesday", "wednesday", "thursday", "friday"},
	}
	daily := BusinessHours{TimeZone: "America/New_York", From: "00:00", To: "24:00"}
	for _, c := range []struct {
		name     string
		hours    BusinessHours
		from, at string
	}{
		{"in the morning", hours, "2026-03-04T09:30:00+01:00", "2026-03-04T13:30:00+01:00"},
		{"before work", hours, "2026-03-04T05:00:00+01:00", "2026-03-04T13:00:00+01:00"},
		{"late in the day", hours, "2026-03-04T17:00:00+01:00", "2026-03-05T12:00:00+01:00"},
		{"to the minute", hours, "2026-03-04T14:00:00+01:00", "2026-03-04T18:00:00+01:00"},
		{"over the weekend", hours, "2026-03-06T17:59:00+01:00", "2026-03-09T12:59:00+01:00"},
		{"over the weekend of summer time", hours, "2026-03-27T17:00:00+01:00", "2026-03-30T12:00:00+02:00"},
		{"over the weekend of winter time", hours, "2026-10-23T17:00:00+02:00", "2026-10-26T12:00:00+01:00"},
		{"a day of 23 hours", daily, "2026-03-07T23:00:00-05:00", "2026-03-08T04:00:00-04:00"},
		{"a day of 25 hours", daily, "2026-10-31T23:00:00-04:00", "2026-11-01T02:00:00-05:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.hours.Add(moment(t, c.from), 4*time.Hour); !got.Equal(moment(t, c.at)) {
				t.Errorf("due %s, want %s", got, c.at)
			}
		})
	}
}

func TestBusinessHoursContain(t *testing.T) {
	hours := BusinessHours{TimeZone: "Asia/Kolkata", Weekdays: []string{"monday"}, From: "09:00", To: "18:00"}
	for text, want := range map[string]bool{
		"2026-03-02T03:29:59Z": false,
		"2026-03-02T03:30:00Z": true,
		"2026-03-02T12:29:59Z": true,
		"2026-03-02T12:30:00Z": false,
		"2026-03-03T05:00:00Z": false,
	} {
		if got := hours.Contains(moment(t, text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

// A night shift belongs to the day on which it begins.
func TestBusinessHoursOverMidnight(t *testing.T) {
	night := BusinessHours{TimeZone: "Europe/Berlin", Weekdays: []string{"friday"}, From: "22:00", To: "06:00"}
	for text, want := range map[string]bool{
		"2026-03-06T21:59:00+01:00": false,
		"2026-03-06T22:00:00+01:00": true, // Friday
		"2026-03-07T05:59:00+01:00": true,
		"2026-03-07T06:00:00+01:00": false,
		"2026-03-07T22:30:00+01:00": false, // Saturday
		"2026-03-06T05:00:00+01:00": false, // began on Thursday
	} {
		if got := night.Contains(moment(t, text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
	for from, at := range map[string]string{
		"2026-03-07T05:00:00+01:00": "2026-03-14T01:00:00+01:00", // one hour is left of this night, the next is in a week
		"2026-03-06T20:00:00+01:00": "2026-03-07T02:00:00+01:00",
	} {
		if got := night.Add(moment(t, from), 4*time.Hour); !got.Equal(moment(t, at)) {
			t.Errorf("from %s due %s, want %s", from, got, at)
		}
	}
}

func TestDeadlineOfAPriority(t *testing.T) {
	p := defaults()
	began := moment(t, "2026-03-07T12:00:00Z") // a Saturday
	for priority, want := range map[string]string{
		"P1": "2026-03-07T12:15:00Z",
		"P2": "2026-03-07T13:00:00Z",
		"P3": "2026-03-09T13:00:00Z",
		"P4": "2026-03-14T12:00:00Z",
		"":   "2026-03-07T12:15:00Z", // unknown is the most urgent
	} {
		if got := p.Deadline(priority, began); !got.Equal(moment(t, want)) {
			t.Errorf("%q is due %s, want %s", priority, got, want)
		}
	}
}
