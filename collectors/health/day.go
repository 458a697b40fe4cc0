package health

import (
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// date is a day of the calendar, in days since 1 January 1970.
type date int32

const dayLength = 24 * time.Hour

// dateOf returns the date of a moment in a time zone, nil being UTC.
func dateOf(at time.Time, zone *time.Location) date {
	y, m, d := at.In(zoneOr(zone)).Date()
	return date(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / int64(dayLength/time.Second))
}

// start returns when the day begins in a time zone: at midnight, or when the clock goes on behind it.
func (d date) start(zone *time.Location) time.Time {
	y, m, day := d.midnight().Date()
	start := time.Date(y, m, day, 0, 0, 0, 0, zoneOr(zone))
	for dateOf(start, zone) < d { // a change to summer time has left midnight out
		start = start.Add(15 * time.Minute)
	}
	return start
}

func (d date) midnight() time.Time { return time.Unix(int64(d)*int64(dayLength/time.Second), 0).UTC() }

func (d date) String() string { return d.midnight().Format(time.DateOnly) }

func zoneOr(zone *time.Location) *time.Location {
	if zone == nil {
		return time.UTC
	}
	return zone
}

// day is where the time of a target went on a date. The same date may have several days: they are added.
type day struct {
	Date        date          `json:"date"`
	Observed    time.Duration `json:"observed,omitzero"`
	Down        time.Duration `json:"down,omitzero"`
	Unknown     time.Duration `json:"unknown,omitzero"`
	Maintenance time.Duration `json:"maintenance,omitzero"`
	Outages     uint64        `json:"outages,omitzero"` // that began
}

// empty reports whether nothing happened.
func (d day) empty() bool { return d == day{Date: d.Date} }

// add counts what another day of the same date counted.
func (d *day) add(o day) {
	d.Observed += o.Observed
	d.Down += o.Down
	d.Unknown += o.Unknown
	d.Maintenance += o.Maintenance
	d.Outages += o.Outages
}

// rounded returns the day with milliseconds.
func (d day) rounded() day {
	d.Observed, d.Down = d.Observed.Round(time.Millisecond), d.Down.Round(time.Millisecond)
	d.Unknown, d.Maintenance = d.Unknown.Round(time.Millisecond), d.Maintenance.Round(time.Millisecond)
	return d
}

// spend counts time in a state.
func (d *day) spend(state string, t time.Duration) {
	switch state {
	case metric.StateUp:
		d.Observed += t
	case metric.StateDown:
		d.Observed += t
		d.Down += t
	case metric.StateMaintenance:
		d.Maintenance += t
	default:
		d.Unknown += t
	}
}

// calendar assigns the time of a target to days. Its day is in totals, so that it is saved with them.
type calendar struct {
	zone  *time.Location
	end   time.Time // of today, zero before any time was counted
	ended []day     // that are over, until they are taken
}

// setZone has days begin by the clock of another zone from now on.
func (m *stateMachine) setZone(zone *time.Location) {
	if m.days.zone != zone {
		m.days.zone, m.days.end = zone, time.Time{}
	}
}

// spend counts time up to a moment in a state, for the day or days in which it was spent. If the clock is set back by
// days, time counts for the newest day until the clock has caught up.
func (m *stateMachine) spend(state string, t time.Duration, from, to time.Time) {
	if t <= 0 {
		return
	}
	if m.Today.Date == 0 {
		m.Today.Date = dateOf(from, m.days.zone)
	}
	if m.days.end.IsZero() {
		m.days.end = (m.Today.Date + 1).start(m.days.zone)
	}
	for to.After(m.days.end) {
		part := min(max(m.days.end.Sub(from), 0), t)
		m.Today.spend(state, part)
		t -= part
		from = maxTime(from, m.days.end)
		next := max(dateOf(from, m.days.zone), m.Today.Date+1)
		if t == 0 { // the clock went ahead
			next = max(dateOf(to, m.days.zone), m.Today.Date+1)
		}
		m.endDay()
		m.Today.Date, m.days.end = next, (next + 1).start(m.days.zone)
	}
	m.Today.spend(state, t)
}

// endDay lets the day that is over be taken.
func (m *stateMachine) endDay() {
	if !m.Today.empty() {
		m.days.ended = append(m.days.ended, m.Today)
	}
	m.Today = day{}
}

// begin counts an outage on the day on which it began, and the time of its first probe that was counted as up.
func (d *calendar) begin(today *day, at time.Time, unseen time.Duration) {
	began := day{Date: today.Date, Outages: 1, Down: unseen}
	if began.Date == 0 {
		today.add(began)
		return
	}
	if before := today.Date.start(d.zone).Sub(at); before > 0 { // yesterday, which is over
		yesterday := day{Date: dateOf(at, d.zone), Outages: 1, Down: min(before, unseen)}
		d.ended = append(d.ended, yesterday)
		began.Outages, began.Down = 0, unseen-yesterday.Down
	}
	today.add(began)
}
