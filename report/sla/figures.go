package sla

import (
	"time"

	"github.com/thorbis/thorbis_exporter/report"
)

// Figures are where the time of a month went by the contract: total is excluded, unknown and judged together, and down
// is a part of judged.
type Figures struct {
	Total    report.Length `json:"total_seconds"`
	Excluded report.Length `json:"excluded_seconds"`
	Unknown  report.Length `json:"unknown_seconds"`
	Judged   report.Length `json:"judged_seconds"`
	Down     report.Length `json:"down_seconds"`
}

func (f *Figures) add(o Figures) {
	f.Total += o.Total
	f.Excluded += o.Excluded
	f.Unknown += o.Unknown
	f.Judged += o.Judged
	f.Down += o.Down
}

// Availability is the share of the judged time that was not down.
func (f Figures) Availability() report.Ratio {
	return report.Ratio{Part: millis(f.Judged) - millis(f.Down), Whole: millis(f.Judged)}
}

// Pessimistic is the availability if the check was down in all of the unknown time.
func (f Figures) Pessimistic() report.Ratio {
	return report.Ratio{Part: millis(f.Judged) - millis(f.Down), Whole: millis(f.Judged) + millis(f.Unknown)}
}

// Coverage is the share of the time that counts in which the check was judged.
func (f Figures) Coverage() report.Ratio {
	return report.Ratio{Part: millis(f.Judged), Whole: millis(f.Judged) + millis(f.Unknown)}
}

func millis(l report.Length) int64 { return time.Duration(l).Milliseconds() }

// DayFigures are the figures of a day.
type DayFigures struct {
	Date string `json:"date"`
	Figures
}

// Check is a check of a service in a month.
type Check struct {
	Name string `json:"check"`
	Figures
	Availability report.Ratio `json:"availability_percent"`
	Days         []DayFigures `json:"days"`
	// Unexcused is down time of maintenance that the contract does not leave out, and Unlisted that of outages that the
	// history no longer lists.
	Unexcused report.Length `json:"unexcused_maintenance_seconds"`
	Unlisted  report.Length `json:"unlisted_outages_seconds"`
	// Locations is how many locations judged on most days.
	Locations int `json:"locations"`
}

// slack is the most by which the maintenance that an exporter recorded may be longer than the window, which it enters
// and leaves with its next tick.
const slack = time.Minute

// account computes the figures of a check. The first of the days is the first-th of the timeline. Members is when the
// tenant was one, excluded what the contract leaves out. A lenient contract leaves out all maintenance that was
// recorded.
func account(t *timeline, first int, days []Day, members, excluded spans, counted map[*outage]bool, lenient bool,
) Check {
	c := Check{Name: t.check, Days: make([]DayFigures, 0, len(days))}
	for i, day := range days {
		whole := members.lengthWithin(day.Span)
		if whole == 0 {
			continue
		}
		recorded := &t.days[first+i]
		planned, out := excluded.lengthWithin(day.Span), time.Duration(0)
		if planned > 0 { // as on few days
			out = members.within(day.Span).and(excluded).length()
		}
		length, left := day.Length(), whole-out
		if t.tenant != "" {
			length = whole // a tenant's own check is watched while it is one
		}
		// What was not judged on the day counts in full for a tenant that was one for a part of the day.
		unknown := min(max(length-recorded.Observed-recorded.Maintenance, 0), left)
		judged := left - unknown
		// Maintenance that is not left out is down: the exporter does not judge in a window.
		unexcused := recorded.Maintenance - planned
		if unexcused < slack {
			unexcused = 0
		}
		unexcused = min(unexcused, judged)
		also := time.Duration(0)
		if lenient {
			also, unexcused, judged = unexcused, 0, judged-unexcused
		}
		down := time.Duration(0)
		if len(counted) > 0 {
			down = t.down(day.Span, members, excluded, counted)
		}
		unlisted := min(recorded.unlisted, judged)
		f := Figures{
			Total: report.Length(whole), Excluded: report.Length(out + also), Unknown: report.Length(unknown),
			Judged: report.Length(judged), Down: report.Length(min(down+unexcused+unlisted, judged)),
		}
		c.add(f)
		c.Days = append(c.Days, DayFigures{day.Date, f})
		c.Unexcused += report.Length(unexcused)
		c.Unlisted += report.Length(unlisted)
		c.Locations = max(c.Locations, recorded.voters)
	}
	c.Availability = c.Figures.Availability()
	return c
}

// down is how long counted outages lasted on a day within the time that counts.
func (t *timeline) down(day Span, members, excluded spans, counted map[*outage]bool) time.Duration {
	var sum time.Duration
	for _, o := range t.outages {
		if counted[o] && o.From.Before(day.To) && o.To.After(day.From) {
			sum += o.down(members.within(day).without(excluded))
		}
	}
	return sum
}

// down is for how long of a time the quorum saw the outage. Where a piece of it was unknown in part, its down time is
// spread evenly.
func (o *outage) down(in spans) time.Duration {
	var sum time.Duration
	for _, p := range o.pieces {
		part := in.within(p.Span).length()
		if whole := p.Length(); part > 0 && p.down < whole {
			part = time.Duration(float64(part) * float64(p.down) / float64(whole)).Round(time.Millisecond)
		}
		sum += part
	}
	return sum
}
