package health

import (
	"cmp"
	"errors"
	"iter"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
)

// maxHistoryRows bounds an answer. Targets whose days and outages find no place in it are counted in its totals all the
// same.
const maxHistoryRows = 20_000

// HistoryQuery asks what happened to the targets of a check.
type HistoryQuery struct {
	Check string
	// Tenant selects one tenant's target of a check per tenant; empty is all.
	Tenant string
	// From and To bound the days, which are whole, and the outages, of which a part must lie between the two.
	From, To time.Time
}

// History is what happened to a check between two moments, as this exporter saw it. Seconds have milliseconds.
type History struct {
	Check      string    `json:"check"`
	AppService string    `json:"app_service,omitempty"`
	From       time.Time `json:"from"`
	To         time.Time `json:"to"`
	TimeZone   string    `json:"time_zone"` // of the days
	// Total is that of all targets, also of those that are omitted.
	Total Seconds `json:"total"`
	// Targets are those with the most seconds down first.
	Targets        []TargetHistory `json:"targets"`
	TargetsOmitted int             `json:"targets_omitted"`
}

// TargetHistory is what happened to one target, seen from one location.
type TargetHistory struct {
	Tenant   string `json:"tenant,omitempty"`
	Location string `json:"location"`
	// State is the present one, empty for a target that is not watched any more, or not from there.
	State string  `json:"state,omitempty"`
	Total Seconds `json:"total"`
	Days  []Day   `json:"days"`
	// Outages are those between the moments asked for.
	Outages []Outage `json:"outages"`
	// OutagesOmitted is how many more began on these days. They are shorter than those that are kept; their seconds are
	// in the days.
	OutagesOmitted uint64 `json:"outages_omitted"`
}

// Seconds are where time went. Observed includes down.
type Seconds struct {
	Observed    float64 `json:"observed_seconds"`
	Down        float64 `json:"down_seconds"`
	Unknown     float64 `json:"unknown_seconds"`
	Maintenance float64 `json:"maintenance_seconds"`
	Outages     uint64  `json:"outages"` // that began
	// Availability is the share of the observed time that was not down, nil if nothing was observed.
	Availability *float64 `json:"availability_ratio"`
}

// Day is a calendar day of the time zone that was in force.
type Day struct {
	Date string `json:"date"`
	Seconds
}

// Outage is one outage of a target.
type Outage struct {
	Begin time.Time  `json:"begin"` // start of the first failed probe
	End   *time.Time `json:"end"`   // nil while it is open
	// Down is for how long the target was seen down; time in which it was unknown or not watched is not part of it.
	Down   float64 `json:"down_seconds"`
	Reason string  `json:"reason"`          // of the first failed probe
	Ended  string  `json:"ended,omitempty"` // recovered, maintenance or removed; empty while it is open
}

func secondsOf(d day) Seconds {
	s := Seconds{
		Observed: rounded(d.Observed), Down: rounded(d.Down), Unknown: rounded(d.Unknown),
		Maintenance: rounded(d.Maintenance), Outages: d.Outages,
	}
	if d.Observed > 0 {
		ratio := 1 - min(d.Down.Seconds()/d.Observed.Seconds(), 1)
		s.Availability = &ratio
	}
	return s
}

func rounded(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

// past is what a query reads, gathered under the lock. None of it is changed later.
type past struct {
	HistoryQuery
	first, last date // the days asked for
	appService  string
	zone        *time.Location
	live        map[place]*liveTarget
	fresh       map[place][]ended // not archived yet
	months      map[monthID]*archive
}

// liveTarget is what is not over of a target, saved as persist.go describes.
type liveTarget struct {
	state   string
	days    []day
	outages []outage
}

// add adds the day so far and the open outage.
func (l *liveTarget) add(state string, t totals) {
	l.state = cmp.Or(state, l.state)
	l.days = append(l.days, t.Today)
	if open, ok := t.openOutage(); ok {
		l.outages = append(l.outages, open)
	}
}

// History returns what happened to a check. An error is a *collectors.RequestError.
func (c *Collector) History(q HistoryQuery) (History, error) {
	p, err := c.past(q)
	if err != nil {
		return History{}, err
	}
	h, ok := p.history()
	if !ok {
		return History{}, c.nothingOf(q)
	}
	return h, nil
}

// history returns what is known, false if there is nothing.
func (p *past) history() (History, bool) {
	totals := p.totals()
	if len(totals) == 0 && !p.known() {
		return History{}, false
	}
	h := History{
		Check: p.Check, AppService: p.appService, From: p.From.UTC(), To: p.To.UTC(), TimeZone: p.zone.String(),
		Targets: []TargetHistory{},
	}
	var total day
	for _, t := range totals {
		total.add(t)
	}
	h.Total = secondsOf(total)
	targets := slices.SortedFunc(maps.Keys(totals), func(a, b place) int {
		return cmp.Or(cmp.Compare(totals[b].Down, totals[a].Down), a.compare(b))
	})
	rows := 0
	for i, at := range targets {
		t := p.target(at, totals[at])
		if rows += len(t.Days) + len(t.Outages); rows > maxHistoryRows && i > 0 {
			h.TargetsOmitted = len(targets) - i
			break
		}
		h.Targets = append(h.Targets, t)
	}
	return h, true
}

// past gathers what is known of a check. The lock is held only to copy what changes.
func (c *Collector) past(q HistoryQuery) (*past, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.history.loaded {
		return nil, &collectors.RequestError{
			Kind: collectors.RequestUnavailable, Err: errors.New("the history has not been read yet: ask again later"),
		}
	}
	zone := c.policy.SLA.Zone()
	p := &past{
		HistoryQuery: q, first: dateOf(q.From, zone), last: dateOf(q.To.Add(-time.Nanosecond), zone), zone: zone,
		live: map[place]*liveTarget{}, fresh: map[place][]ended{}, months: c.history.months,
	}
	if configured, ok := c.policy.Check(q.Check); ok {
		p.appService = configured.AppService
	}
	of := func(k key, location string) *liveTarget {
		at := place{k.check, k.tenant, location}
		if p.live[at] == nil {
			p.live[at] = &liveTarget{}
		}
		return p.live[at]
	}
	for _, t := range c.sorted {
		if p.asks(t.key) {
			saved := t.shown
			if c.live {
				saved = t.machine.totals
			}
			of(t.key, t.location).add(t.machine.state, saved)
		}
	}
	for id, s := range c.kept {
		if p.asks(id.key) {
			of(id.key, id.location).add("", s.totals)
		}
	}
	for _, e := range c.history.shown(c.live) {
		if p.asks(key{e.Check, e.Tenant}) {
			p.fresh[e.place()] = append(p.fresh[e.place()], e)
		}
	}
	return p, nil
}

// asks reports whether the query asks for a target.
func (p *past) asks(k key) bool {
	return k.check == p.Check && (p.Tenant == "" || k.tenant == p.Tenant)
}

// known reports whether there is anything of the check or tenant, at any time.
func (p *past) known() bool {
	for _, a := range p.months {
		for range p.archived(a, new(int)) {
			return true
		}
	}
	return len(p.fresh) > 0
}

// archived returns the targets of an archive that the query asks for, by index. The first of them is looked for at the
// likely index first, and noted there.
func (p *past) archived(a *archive, likely *int) iter.Seq2[int, place] {
	return func(yield func(int, place) bool) {
		*likely = a.from(place{check: p.Check, tenant: p.Tenant}, *likely)
		for i := *likely; i < len(a.starts); i++ {
			if at, _ := a.at(i); !p.asks(key{at.check, at.tenant}) || !yield(i, at) {
				return
			}
		}
	}
}

// within reports whether a day was asked for.
func (p *past) within(d day) bool { return !d.empty() && d.Date >= p.first && d.Date <= p.last }

// totals adds up the days of each target.
func (p *past) totals() map[place]day {
	totals := map[place]day{}
	add := func(at place, days ...day) {
		for _, d := range days {
			if p.within(d) {
				sum := totals[at]
				sum.add(d)
				totals[at] = sum
			}
		}
	}
	for at, t := range p.live {
		totals[at] = day{}
		add(at, t.days...)
	}
	for at, entries := range p.fresh {
		for _, e := range entries {
			add(at, e.Day)
		}
	}
	for month, a := range p.months {
		if month < p.first.month() || month > p.last.month() {
			continue
		}
		for i, at := range p.archived(a, new(int)) {
			days, _ := a.read(i, p.first, p.last)
			add(at, days...)
		}
	}
	return totals
}

// target returns the history of one target.
func (p *past) target(at place, total day) TargetHistory {
	state, days, outages := p.gather(at)
	h := TargetHistory{
		Tenant: at.tenant, Location: at.location, State: state, Total: secondsOf(total), Days: make([]Day, 0, len(days)),
		Outages: []Outage{},
	}
	for _, d := range days {
		h.Days = append(h.Days, Day{Date: d.Date.String(), Seconds: secondsOf(d)})
	}
	for _, o := range outages {
		if o.overlaps(p.From, p.To) {
			h.Outages = append(h.Outages, o.shown())
		}
	}
	h.OutagesOmitted = p.omitted(total, outages)
	return h
}

// omitted is how many outages began on the days asked for and are not kept.
func (p *past) omitted(total day, outages []outage) uint64 {
	counted := uint64(0)
	for _, o := range outages {
		if began := dateOf(o.Begin, p.zone); began >= p.first && began <= p.last {
			counted++
		}
	}
	return total.Outages - min(counted, total.Outages)
}

// gather returns what is known of a target: the days asked for, by date, and all outages until their end.
func (p *past) gather(at place) (state string, days []day, outages []outage) {
	add := func(more []day, ended []outage) {
		for _, d := range more {
			if !p.within(d) {
				continue
			}
			if days == nil {
				days = make([]day, 0, min(p.last-p.first+1, historyDays))
			}
			i, found := len(days), false
			if i > 0 && days[i-1].Date >= d.Date { // they mostly come in order
				i, found = slices.BinarySearchFunc(days, d.Date, func(d day, at date) int { return int(d.Date - at) })
			}
			if found {
				days[i].add(d)
				continue
			}
			days = slices.Insert(days, i, d)
		}
		outages = append(outages, ended...)
	}
	if live := p.live[at]; live != nil {
		state = live.state
		add(live.days, live.outages)
	}
	for _, e := range p.fresh[at] {
		if add([]day{e.Day}, nil); !e.Outage.Begin.IsZero() {
			add(nil, []outage{e.Outage})
		}
	}
	i := 0
	for _, month := range slices.Sorted(maps.Keys(p.months)) {
		if month > p.last.month() {
			break
		}
		// An outage of an earlier month may have lasted until the time asked for.
		a, found := p.months[month], false
		if i, found = a.find(at, i); found {
			add(a.read(i, p.first, p.last))
		}
	}
	slices.SortStableFunc(outages, func(a, b outage) int { return a.Begin.Compare(b.Begin) })
	return state, days, outages
}

// overlaps reports whether a part of an outage lies between two moments.
func (o *outage) overlaps(from, to time.Time) bool {
	return o.Begin.Before(to) && (o.Ended == "" || o.End.After(from) || o.Begin.Equal(from))
}

func (o *outage) shown() Outage {
	shown := Outage{Begin: o.Begin.UTC(), Down: rounded(o.Down), Reason: o.Reason, Ended: o.Ended}
	if o.Ended != "" {
		end := o.End.UTC()
		shown.End = &end
	}
	return shown
}

// nothingOf explains why there is nothing of a check or a tenant.
func (c *Collector) nothingOf(q HistoryQuery) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	check, ok := c.policy.Check(q.Check)
	switch {
	case !ok:
		var names []string
		for _, other := range c.policy.Health.Checks {
			names = append(names, other.Name)
		}
		return collectors.NotFound("unknown check %q: %s (/api/v1/checks lists all)", q.Check,
			config.Suggest(q.Check, names))
	case q.Tenant != "" && check.PerTenant == nil:
		return collectors.NotFound("check %q is not per tenant: leave out the tenant", q.Check)
	case q.Tenant != "":
		return collectors.NotFound("check %q has no tenant %q, and had none in %d days", q.Check, q.Tenant, historyDays)
	}
	return collectors.NotFound("check %q has no targets: the registry names no tenant", q.Check)
}
