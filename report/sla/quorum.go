package sla

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// votes is how many locations must see an outage, as the rules have it; one is enough where no other judges.
const votes = 2

// timeline is what happened to a check, as the quorum of its locations saw it.
type timeline struct {
	check, appService, tenant string
	days                      []dayTimeline // those of quorum
	outages                   []*outage
}

// dayTimeline is a day of a timeline.
type dayTimeline struct {
	DaySeconds
	// unlisted is down time of outages that the histories no longer list.
	unlisted time.Duration
	voters   int
}

// outage is an outage of the quorum.
type outage struct {
	Span
	open   bool
	pieces []piece
	seen   []Seen
}

// piece is the part of an outage on a day, and for how long of it the quorum saw the check down.
type piece struct {
	Span
	down time.Duration
}

// place is one location's view of a check, united of its exporters.
type place struct {
	name    string
	days    []DaySeconds // those of quorum
	seen    []Seen
	down    spans
	omitted bool
}

// quorum makes the timeline of a check of what its exporters recorded. What is open lasts until now.
func quorum(targets []Target, days []Day, now time.Time) *timeline {
	t := &timeline{days: make([]dayTimeline, len(days))}
	places := map[string]*place{}
	for _, one := range targets {
		t.check, t.tenant = one.Check, one.Tenant
		p := places[one.Location]
		if p == nil {
			p = &place{name: one.Location, days: make([]DaySeconds, len(days))}
			places[one.Location] = p
		}
		p.add(one, days, now)
	}
	names := slices.Sorted(maps.Keys(places))
	all := make([]*place, 0, len(names))
	for _, name := range names {
		all = append(all, places[name])
	}
	voters := make([]*place, 0, len(all))
	for i, day := range days {
		t.addDay(i, day, all, voters)
	}
	t.describe(places, names, now)
	return t
}

func (p *place) add(t Target, days []Day, now time.Time) {
	i := 0
	for _, d := range t.Days {
		if i == len(days) || days[i].Date != d.Date { // they mostly follow each other
			at, found := slices.BinarySearchFunc(days, d.Date, func(d Day, date string) int { return cmp.Compare(d.Date, date) })
			if i = at; !found {
				continue
			}
		}
		p.days[i] = p.days[i].most(d)
		i++
	}
	p.omitted = p.omitted || t.Omitted > 0
	var all []Span
	for _, o := range t.Outages {
		o.Location, o.Source = p.name, t.Source
		p.seen = append(p.seen, o)
		if o.End.IsZero() {
			o.End = now
		}
		all = append(all, Span{o.Begin, o.End})
	}
	p.down = union(append(all, p.down...)...)
}

// addDay finds the time of day i that enough locations saw as down. A location that judged less than half as long as
// another has no vote. Voters is room for those that have one.
func (t *timeline) addDay(i int, day Day, places, voters []*place) {
	d := &t.days[i]
	d.Date = day.Date
	for _, p := range places {
		d.DaySeconds = d.most(p.days[i])
	}
	d.Down = 0
	for _, p := range places {
		if judged := p.days[i].Observed; judged > 0 && 2*judged >= d.Observed {
			voters = append(voters, p)
		}
	}
	d.voters = len(voters)
	need := min(votes, len(voters))
	if need == 0 || !slices.ContainsFunc(voters, func(p *place) bool { return p.omitted || p.down.touches(day.Span) }) {
		return // as on most days
	}
	found := overlap(voters, day.Span, need)
	most, omitted := confirmed(voters, i, need)
	pieces := make([]piece, len(found))
	for i, s := range found {
		pieces[i] = piece{s, s.Length()}
		d.Down += s.Length()
	}
	// The seconds of the day leave out the time of an outage in which a location did not know. Outages that say so of
	// themselves are shortened first.
	for _, any := range []bool{false, true} {
		for i := range pieces {
			if less := min(d.Down-most, pieces[i].down); less > 0 && (any || interrupted(voters, pieces[i].Span)) {
				pieces[i].down -= less
				d.Down -= less
			}
		}
	}
	if omitted && most > d.Down {
		d.unlisted = most - d.Down
		d.Down = most
	}
	for _, one := range pieces {
		if n := len(t.outages); n > 0 && t.outages[n-1].To.Equal(one.From) {
			t.outages[n-1].To = one.To
			t.outages[n-1].pieces = append(t.outages[n-1].pieces, one)
			continue
		}
		t.outages = append(t.outages, &outage{Span: one.Span, pieces: []piece{one}})
	}
}

// interrupted reports whether a location was not down for all of an outage in a span.
func interrupted(places []*place, in Span) bool {
	for _, p := range places {
		for _, s := range p.seen {
			if s.Begin.Before(in.To) && s.End.After(in.From) && s.Down < s.End.Sub(s.Begin) {
				return true
			}
		}
	}
	return false
}

// overlap returns the time within a span in which at least so many places were down.
func overlap(places []*place, in Span, need int) spans {
	type edge struct {
		at   time.Time
		step int
	}
	var edges []edge
	for _, p := range places {
		for _, s := range p.down.within(in) {
			edges = append(edges, edge{s.From, 1}, edge{s.To, -1})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(b.step, a.step)) })
	var out []Span
	n := 0
	for i, e := range edges {
		if n >= need && i > 0 {
			out = append(out, Span{edges[i-1].at, e.at})
		}
		n += e.step
	}
	return union(out...)
}

// confirmed returns for how long of a day the quorum can have been down: the seconds of the location that saw the most
// but need-1. It also reports whether so many locations had outages that they do not list.
func confirmed(voters []*place, day, need int) (most time.Duration, omitted bool) {
	var all []time.Duration
	short := 0
	for _, p := range voters {
		all = append(all, p.days[day].Down)
		if p.omitted {
			short++
		}
	}
	slices.SortFunc(all, func(a, b time.Duration) int { return cmp.Compare(b, a) })
	return all[need-1], short >= need
}

// describe notes of each outage which locations saw it, and which of them are still open.
func (t *timeline) describe(places map[string]*place, names []string, now time.Time) {
	for _, o := range t.outages {
		o.open = !o.To.Before(now)
		for _, name := range names {
			for _, s := range places[name].seen {
				end := s.End
				if end.IsZero() {
					end = o.To
				}
				if s.Begin.Before(o.To) && end.After(o.From) {
					o.seen = append(o.seen, s)
				}
			}
		}
		slices.SortStableFunc(o.seen, func(a, b Seen) int { return a.Begin.Compare(b.Begin) })
	}
}

// reason is why the first failed probe of an outage failed.
func (o *outage) reason() string {
	if len(o.seen) == 0 {
		return ""
	}
	return o.seen[0].Reason
}
