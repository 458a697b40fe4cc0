package business

import (
	"math"
	"testing"
	"time"
)

// fill notes so many transactions in each minute of an hour.
func (p profile) fill(at time.Time, perMinute int64) {
	p[hourOf(at)] = &hour{tally{60 * perMinute, 600 * float64(perMinute)}, 60}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// One odd week of four does not move what is usual, and hours are compared with hours of the same time of day where
// clocks are set between them.
func TestUsual(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 2, 9, 30, 0, 0, berlin) // a Monday; the clocks were set on October 25
	p := profile{}
	if _, weeks := p.usual(now, berlin); weeks != 0 {
		t.Errorf("nothing is usual in %d weeks", weeks)
	}
	for week, perMinute := range map[int]int64{1: 12, 2: 0, 3: 10, 4: 11} { // an outage two weeks ago
		p.fill(now.AddDate(0, 0, -7*week), perMinute)
	}
	if got, weeks := p.usual(now, berlin); !near(got, 10.5) || weeks != 4 {
		t.Errorf("%v of %d weeks, want the median of 0, 10, 11 and 12", got, weeks)
	}
	if _, weeks := p.usual(now, time.UTC); weeks != 1 {
		t.Errorf("by UTC, three of four weeks are an hour off: %d", weeks)
	}
	delete(p, hourOf(now.AddDate(0, 0, -14)))
	if got, weeks := p.usual(now, berlin); !near(got, 11) || weeks != 3 {
		t.Errorf("%v of %d weeks, want 11 of 3", got, weeks)
	}
	p[hourOf(now.AddDate(0, 0, -7))].Minutes = leastMinutes - 1
	if _, weeks := p.usual(now, berlin); weeks != 2 {
		t.Errorf("an hour of which little was counted counts: %d", weeks)
	}
}

// What is usual rises and falls on lines between the middles of hours.
func TestUsualIsSmooth(t *testing.T) {
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	p := profile{}
	p.fill(at, 10)
	p.fill(at.Add(time.Hour), 40)
	for after, want := range map[time.Duration]float64{
		0: 10, 15 * time.Minute: 10, 30 * time.Minute: 10, time.Hour: 25, 90 * time.Minute: 40, 119 * time.Minute: 40,
	} {
		if got, ok := p.smooth(at.Add(after)); !ok || !near(got, want) {
			t.Errorf("after %s: %v, want %v", after, got, want)
		}
	}
	if mean := p.mean(); mean != 10 {
		t.Errorf("average value %v", mean)
	}
	if p.forget(at.Add(profileAge + 90*time.Minute)); len(p) != 1 {
		t.Errorf("%d hours are kept, want the one that is not too old", len(p))
	}
}
