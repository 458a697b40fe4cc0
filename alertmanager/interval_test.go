package alertmanager

import (
	"testing"
	"time"

	"github.com/prometheus/alertmanager/timeinterval"
	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
)

// TestIntervalsAreTheBusinessHours checks that Alertmanager and the exporter agree on the business hours, at every
// quarter of an hour around a change of the clocks.
func TestIntervalsAreTheBusinessHours(t *testing.T) {
	for _, h := range []config.BusinessHours{
		{TimeZone: "UTC", Weekdays: []string{"Mon-Fri"}, From: "9:00", To: "18:00"},
		{TimeZone: "Europe/Berlin", Weekdays: []string{"fri", "sunday"}, From: "22:00", To: "6:00"},
		{TimeZone: "America/New_York", From: "20:00", To: "4:30"},
		{TimeZone: "UTC", Weekdays: []string{"sat"}, From: "12:00", To: "0:00"},
		{TimeZone: "UTC", Weekdays: []string{"Sat"}, From: "0:00", To: "24:00"},
	} {
		h.Normalize()
		text, err := yaml.Marshal(spans(h))
		if err != nil {
			t.Fatal(err)
		}
		var read []timeinterval.TimeInterval
		if err := yaml.Unmarshal(text, &read); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		open := 0
		end := time.Date(2026, 11, 9, 0, 0, 0, 0, time.UTC)
		for at := time.Date(2026, 10, 19, 0, 0, 0, 0, time.UTC); at.Before(end); at = at.Add(15 * time.Minute) {
			got := false
			for _, i := range read {
				got = got || i.ContainsTime(at)
			}
			if want := h.Contains(at); got != want {
				t.Fatalf("%+v at %s: Alertmanager %t, exporter %t", h, at, got, want)
			}
			if got {
				open++
			}
		}
		if open == 0 {
			t.Errorf("%+v is never open", h)
		}
	}
}
