package vendor

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

const minute = time.Minute

// month feeds a record with the states of a page that is read each minute, from and until minutes since the begin.
// A state of "" is a page that cannot be read.
type month struct {
	t     *testing.T
	r     *record
	zone  *time.Location
	begin time.Time
}

func (m *month) read(from, to int, state string) {
	for i := from; i < to; i++ {
		now := m.begin.Add(time.Duration(i) * minute)
		if state == "" {
			m.r.pass(now, staleAfter(minute), m.zone)
		} else {
			m.r.observe(now, state, staleAfter(minute), m.zone)
		}
	}
}

func (m *month) want(date string, want stateSeconds) {
	m.t.Helper()
	got := maps.Clone(m.r.Days[date])
	maps.DeleteFunc(got, func(_ string, v float64) bool { return v == 0 })
	if fmt.Sprint(got) != fmt.Sprint(want) {
		m.t.Errorf("%s: %v, want %v", date, got, want)
	}
}

// A month of a vendor, of which each figure is computed by hand: an outage across midnight, a maintenance, a page that
// cannot be read, and an absence of the exporter.
func TestMonthOfAVendor(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	// Summer time ends on the 25th at 03:00.
	m := &month{t: t, zone: zone, begin: time.Date(2026, 10, 24, 20, 0, 0, 0, zone)}
	m.r = newRecord(m.begin)
	m.read(0, 230, metric.VendorOperational)   // until 23:50
	m.read(230, 250, metric.VendorMajor)       // 20 min, half of it on the next day
	m.read(250, 310, metric.VendorPartial)     // 60 min until 01:10
	m.read(310, 400, metric.VendorOperational) // until 02:40 of summer time
	m.read(400, 420, "")                       // unreadable from the read at 399 on: 3 min stand, then 18 are unknown
	m.read(420, 540, metric.VendorMaintained)  // from 02:00 of winter time: two hours
	m.read(540, 541, metric.VendorOperational)
	m.want("2026-10-24", stateSeconds{metric.VendorOperational: 230 * 60, metric.VendorMajor: 10 * 60})
	m.want("2026-10-25", stateSeconds{
		metric.VendorMajor: 10 * 60, metric.VendorPartial: 60 * 60, metric.VendorOperational: 92 * 60,
		metric.VendorUnknown: 18 * 60, metric.VendorMaintained: 120 * 60,
	})
	// The exporter is away for a day: three minutes stand, the rest is unknown.
	m.read(541+1440, 541+1441, metric.VendorOperational)
	at := m.begin.Add((541 + 1440) * minute)
	got := m.r.month(at, zone)
	if down := got[metric.VendorMajor] + got[metric.VendorPartial]; down != 80*60 {
		t.Errorf("down for %v s, want 4800", down)
	}
	total := 0.0
	for _, seconds := range got {
		total += seconds
	}
	if total != at.Sub(m.begin).Seconds() || m.r.Total[metric.VendorUnknown] != (18+1441-3)*60 {
		t.Errorf("%v s of %v, unknown %v", total, at.Sub(m.begin).Seconds(), m.r.Total[metric.VendorUnknown])
	}
	if got := monthLength(at, zone); got != 31*24*time.Hour+time.Hour {
		t.Errorf("October has %s", got)
	}
	if got := m.r.month(at.AddDate(0, 1, 0), zone); len(got) != 0 {
		t.Errorf("November has %v", got)
	}
}

// An outage goes on through states that change and through a page that cannot be read, for a day at most.
func TestOutageLasts(t *testing.T) {
	m := &month{t: t, zone: time.UTC, begin: noon, r: newRecord(noon)}
	m.read(0, 1, metric.VendorOperational)
	m.read(1, 5, metric.VendorPartial)
	m.read(5, 10, metric.VendorMajor)
	m.read(10, 30, "")
	began := noon.Add(minute)
	if !m.r.Outage.Equal(began) || m.r.State != metric.VendorUnknown {
		t.Errorf("%s since %s, an outage since %s", m.r.State, m.r.Since, m.r.Outage)
	}
	m.read(30, 31, metric.VendorMajor)
	if !m.r.Outage.Equal(began) || m.r.State != metric.VendorMajor || !m.r.Since.Equal(noon.Add(30*minute)) {
		t.Errorf("%s since %s, an outage since %s", m.r.State, m.r.Since, m.r.Outage)
	}
	m.read(31+1441, 31+1442, "")
	if !m.r.Outage.IsZero() {
		t.Errorf("an outage of which nothing was heard for a day goes on: %s", m.r.Outage)
	}
	m.read(31+1442, 31+1443, metric.VendorDegraded)
	if !m.r.Outage.IsZero() {
		t.Error("degraded is an outage")
	}
}

// A clock that goes back counts nothing twice, one that goes on for years fills no memory, and a zone without a
// midnight ends each day.
func TestClocksOfVendors(t *testing.T) {
	m := &month{t: t, zone: time.UTC, begin: noon, r: newRecord(noon)}
	m.read(0, 11, metric.VendorOperational)
	m.read(5, 11, metric.VendorOperational)
	if got := m.r.Total[metric.VendorOperational]; got != 600 {
		t.Errorf("%v s in ten minutes", got)
	}
	m.r.observe(noon.AddDate(3, 0, 0), metric.VendorOperational, staleAfter(minute), time.UTC)
	if len(m.r.Days) > keptDays+1 {
		t.Errorf("%d days are kept", len(m.r.Days))
	}
	zone, err := time.LoadLocation("America/Santiago") // clocks skip midnight on 6 September 2026
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2026, 9, 5, 12, 0, 0, 0, zone)
	s := &month{t: t, zone: zone, begin: begin, r: newRecord(begin)}
	s.read(0, 24*60+1, metric.VendorOperational)
	s.want("2026-09-05", stateSeconds{metric.VendorOperational: 12 * 3600})
	s.want("2026-09-06", stateSeconds{metric.VendorOperational: 12 * 3600})
}
