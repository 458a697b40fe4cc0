package health

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

func dateAt(t *testing.T, text string) date {
	t.Helper()
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return dateOf(at, time.UTC)
}

// A day begins at midnight, or at the first moment that the clock shows of it, and is as long as the zone says.
func TestDaysOfAZone(t *testing.T) {
	for _, tc := range []struct {
		zone, date string
		hours      float64
	}{
		{"UTC", "2026-03-29", 24},
		{"Europe/Berlin", "2026-03-29", 23},
		{"Europe/Berlin", "2026-10-25", 25},
		{"Asia/Kolkata", "2026-10-25", 24},
		{"America/Havana", "2026-03-08", 23}, // from 23:59:59 to 01:00
		{"America/Havana", "2026-11-01", 25},
		{"Australia/Lord_Howe", "2026-10-04", 23.5},
		{"Pacific/Apia", "2011-12-29", 24}, // the 30th was left out
	} {
		zone, err := time.LoadLocation(tc.zone)
		if err != nil {
			t.Fatal(err)
		}
		d := dateAt(t, tc.date)
		start, end := d.start(zone), (d + 1).start(zone)
		if got := end.Sub(start).Hours(); got != tc.hours {
			t.Errorf("%s in %s has %v hours from %s to %s, want %v", d, tc.zone, got, start, end, tc.hours)
		}
		if dateOf(start, zone) != d || dateOf(start.Add(-time.Nanosecond), zone) >= d {
			t.Errorf("%s in %s begins at %s", d, tc.zone, start)
		}
		if d.String() != tc.date {
			t.Errorf("%s is written %s", tc.date, d)
		}
	}
}

// days returns every day of a machine, with today.
func (m *stateMachine) allDays() []day { return append(append([]day(nil), m.days.ended...), m.Today) }

func TestTimeCountsOnItsDay(t *testing.T) {
	midnight := epoch.Add(dayLength)
	type seconds map[string]time.Duration
	for name, tc := range map[string]struct {
		from time.Duration // of midnight
		t    time.Duration
		to   time.Duration // of midnight
		want seconds
	}{
		"within a day":        {-time.Hour, time.Minute, -59 * time.Minute, seconds{"2026-01-01": time.Minute}},
		"until midnight":      {-time.Minute, time.Minute, 0, seconds{"2026-01-01": time.Minute}},
		"the clock went on":   {-time.Hour, time.Second, 1000 * dayLength, seconds{"2026-01-01": time.Second}},
		"the clock went back": {-time.Hour, time.Second, -5 * dayLength, seconds{"2026-01-01": time.Second}},
		"over midnight": {
			-time.Minute, 3 * time.Minute, 2 * time.Minute,
			seconds{"2026-01-01": time.Minute, "2026-01-02": 2 * time.Minute},
		},
		"over two midnights": {
			-time.Hour, 26 * time.Hour, 25 * time.Hour,
			seconds{"2026-01-01": time.Hour, "2026-01-02": dayLength, "2026-01-03": time.Hour},
		},
		"after a pause": {
			5 * dayLength, time.Second, 5*dayLength + time.Second,
			seconds{"2026-01-01": 0, "2026-01-07": time.Second},
		},
	} {
		m := newStateMachine(epoch, totals{})
		m.Today.Date = dateOf(epoch, time.UTC)
		m.spend(metric.StateUp, tc.t, midnight.Add(tc.from), midnight.Add(tc.to))
		got := seconds{}
		for _, d := range m.allDays() {
			got[d.Date.String()] += d.Observed
		}
		for d, want := range tc.want {
			if got[d] != want {
				t.Errorf("%s: %v on %s, want %v", name, got[d], d, want)
			}
		}
		sum := time.Duration(0)
		for _, d := range got {
			sum += d
		}
		if sum != tc.t {
			t.Errorf("%s: %v in all, want %v", name, sum, tc.t)
		}
		if next := m.Today.Date; tc.to > 1000*time.Hour && next != dateOf(midnight.Add(tc.to), time.UTC) {
			t.Errorf("%s: today is %s", name, next)
		}
	}
}

// Whatever happens, the days of a target add up to its counters, and its outages to the seconds down.
func TestDaysAndOutagesAddUpToTheCounters(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	outages, days := 0, 0
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 7))
		now := epoch
		m := newStateMachine(now, totals{})
		m.setZone(zone)
		maintained := false
		for range 3000 {
			now = now.Add(time.Duration(random.IntN(900)) * time.Second)
			switch random.IntN(50) {
			case 0:
				maintained = !maintained
				m.maintain(maintained, now)
			case 1:
				m.advance(now)
			case 2:
				m.setZone([]*time.Location{zone, time.UTC}[random.IntN(2)])
			}
			result := []string{ok, ok, ok, bad, bad, bad, bad, unk}[random.IntN(8)]
			start := now
			now = now.Add(time.Duration(random.IntN(5000)) * time.Millisecond)
			o := outcome{result: result, start: start, end: now}
			if result != ok {
				o.reason = reasonTimeout
			}
			m.evaluate(o, 10*time.Minute, 2)
		}
		m.settle(m.state, now)
		var sum day
		for _, d := range m.allDays() {
			sum.add(d)
		}
		if sum.Observed != m.Observed || sum.Down != m.Down || sum.Unknown != m.Unknown ||
			sum.Maintenance != m.Maintenance || sum.Outages != m.Outages {
			t.Fatalf("seed %d: the days add up to %+v, the counters are %+v", seed, sum, m.totals)
		}
		down := time.Duration(0)
		var last outage
		all := m.ended
		if open, is := m.openOutage(); is {
			all = append(all, open)
		}
		for _, o := range all {
			down += o.Down
			if o.Begin.Before(last.End) || o.End.Before(o.Begin) || o.Reason != reasonTimeout || o.Down > o.End.Sub(o.Begin) {
				t.Fatalf("seed %d: outage %+v after %+v", seed, o, last)
			}
			last = o
		}
		if down != m.Down || uint64(len(all)) != m.Outages {
			t.Fatalf("seed %d: %d outages with %v down, the counters are %d and %v", seed, len(all), down, m.Outages, m.Down)
		}
		outages, days = outages+len(all), days+len(m.days.ended)
	}
	if outages < 1000 || days < 500 {
		t.Errorf("the test has seen %d outages and %d days", outages, days)
	}
}

// An outage counts on the day of its first failed probe, also if it is confirmed on the next.
func TestOutageCountsOnTheDayOnWhichItBegan(t *testing.T) {
	m := newStateMachine(epoch, totals{})
	begin := epoch.Add(dayLength - 2*time.Second)
	probe := func(result string, after, took time.Duration) {
		end := begin.Add(after)
		m.evaluate(outcome{result: result, reason: reasonTLS, start: end.Add(-took), end: end}, time.Hour, 2)
	}
	probe(ok, -time.Minute, 0)
	m.advance(begin.Add(3 * time.Second)) // midnight has passed while the first probe hangs
	probe(bad, 4*time.Second, 4*time.Second)
	probe(bad, 5*time.Second, 0)
	probe(bad, 6*time.Second, 0)
	yesterday, today := day{Date: dateOf(epoch, nil)}, day{Date: dateOf(epoch, nil) + 1}
	for _, d := range m.allDays() {
		if d.Date == yesterday.Date {
			yesterday.add(d)
		} else {
			today.add(d)
		}
	}
	if yesterday.Outages != 1 || yesterday.Down != 2*time.Second || today.Outages != 0 || today.Down != 4*time.Second {
		t.Errorf("yesterday %+v, today %+v", yesterday, today)
	}
	if o, _ := m.openOutage(); !o.Begin.Equal(begin) || o.Down != 6*time.Second || o.Reason != reasonTLS {
		t.Errorf("the open outage is %+v", o)
	}
}
