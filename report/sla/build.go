package sla

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/maintenance"
	"github.com/thorbis/thorbis_exporter/report"
)

// margin is for how long before and after a month histories are read, so that an outage over its edge has its length.
const margin = 2

// Builder makes the reports of one month. What all tenants have in common is computed once. Its methods may be called
// from several goroutines.
type Builder struct {
	policy    *config.Policy
	month     Month
	now       time.Time
	span      Span // of the month, until now
	over      Span // with its margins
	days      []Day
	around    []Day // with those of the margins
	first     int   // of the days in around
	windows   []*maintenance.Window
	planned   map[string]planned // by check, where windows are the same for every tenant; never changed
	shared    []*timeline        // of checks that are no tenant's own
	hash      string             // of what they were made of
	agreed    Contract
	latencies []latencyObjective
	named     bool              // a window names tenants
	cache     map[string]shared // by check, of subjects that were there for the whole month; never changed
	lenient   bool
}

// planned is the planned work on a check.
type planned struct {
	windows  []*Window
	excluded spans
}

// shared are the figures of a check for a tenant that was one for the whole month.
type shared struct {
	check   Check
	outages []Outage
	windows []*Window
}

// Reads returns the days that a history must be read for: those of the month and of its margins, both included.
func Reads(m Month, now time.Time) Span {
	s := m.Span()
	from, to := s.From.In(m.Zone), s.To.In(m.Zone)
	over := Span{
		midnight(from.Year(), from.Month(), from.Day()-margin, m.Zone),
		midnight(to.Year(), to.Month(), to.Day()+margin, m.Zone),
	}
	if over.To.After(now) {
		over.To = now
	}
	return over
}

// NewBuilder returns a builder for a month by what exporters recorded of checks that are no tenant's own.
func NewBuilder(p *config.Policy, m Month, now time.Time, targets []Target) (*Builder, error) {
	b := &Builder{
		policy: p, month: m, now: now, span: m.Span(), over: Reads(m, now), cache: map[string]shared{},
		agreed: contractOf(&p.SLA), lenient: p.SLA.MaintenanceNotice == 0 && p.SLA.MaintenanceCap == 0,
	}
	if !b.span.From.Before(now) {
		return nil, fmt.Errorf("month %s has not begun: write an earlier one", m)
	}
	if b.span.To.After(now) {
		b.span.To = now
	}
	b.around = DaysOf(b.over, m.Zone)
	for _, d := range DaysOf(b.span, m.Zone) {
		d.Span = d.clip(b.span)
		b.days = append(b.days, d)
	}
	for _, o := range p.Objectives.Latency {
		b.latencies = append(b.latencies, latencyObjective{o.Threshold.Std(), o.Ratio.Rat(), percent(o.Ratio)})
	}
	for _, w := range p.Maintenance {
		one, err := maintenance.New(w)
		if err != nil {
			return nil, err
		}
		b.windows = append(b.windows, one)
		b.named = b.named || len(w.Tenants) > 0
	}
	b.first = slices.IndexFunc(b.around, func(d Day) bool { return d.Date == b.days[0].Date })
	if !b.named {
		b.planned = map[string]planned{}
		for _, c := range p.Health.Checks {
			b.planned[c.Name] = b.plan(c, "")
		}
	}
	b.shared, b.hash = b.timelines(targets), hashOf("", targets)
	for _, t := range b.shared {
		b.cache[t.check] = b.own(t, "", spans{b.span})
	}
	return b, nil
}

// timelines groups targets by check and tenant.
func (b *Builder) timelines(targets []Target) []*timeline {
	type key struct{ check, tenant string }
	groups := map[key][]Target{}
	for _, t := range targets {
		k := key{t.Check, t.Tenant}
		groups[k] = append(groups[k], t)
	}
	keys := slices.SortedFunc(maps.Keys(groups), func(a, b key) int {
		return cmp.Or(strings.Compare(a.check, b.check), strings.Compare(a.tenant, b.tenant))
	})
	var all []*timeline
	for _, k := range keys {
		t := quorum(groups[k], b.around, b.now)
		if c, ok := b.policy.Check(k.check); ok {
			t.appService = c.AppService
		}
		all = append(all, t)
	}
	return all
}

// Subject is whom a report is about, and what was recorded of it alone. The zero Subject is the platform.
type Subject struct {
	Tenant      string
	Memberships []Membership
	Targets     []Target // of the tenant's own checks
	Requests    []Counted
	Incidents   []report.Incident // nil where none were read
}

// members is when the subject was a customer in the month.
func (b *Builder) members(s Subject) spans {
	if s.Tenant == "" || len(s.Memberships) == 0 {
		return spans{b.span}
	}
	var all []Span
	for _, m := range s.Memberships {
		one := Span{m.From, m.To}
		if m.To.IsZero() {
			one.To = b.span.To
		}
		all = append(all, one.clip(b.span))
	}
	return union(all...)
}

// Build returns the report of a subject. A tenant that was none in the month has a report with no time.
func (b *Builder) Build(s Subject) *Report {
	r := &Report{
		Report: "sla", Platform: b.policy.Platform, Environment: b.policy.Environment, Month: b.month.String(),
		TimeZone: b.month.Zone.String(), Span: b.span, Final: !b.month.Span().To.After(b.now), Tenant: s.Tenant,
		Contract: b.agreed, Services: []Service{}, Outages: []Outage{}, Windows: []*Window{},
		Requests: []Requests{},
	}
	for _, m := range s.Memberships {
		if (m.To.IsZero() || m.To.After(b.span.From)) && m.From.Before(b.span.To) {
			r.Memberships = append(r.Memberships, m)
		}
	}
	members := b.members(s)
	services := map[string]*Service{}
	for _, t := range slices.Concat(b.shared, b.timelines(s.Targets)) {
		one := b.share(t, s.Tenant, members)
		service := services[t.appService]
		if service == nil {
			service = &Service{Name: t.appService}
			services[t.appService] = service
		}
		service.Checks = append(service.Checks, one.check)
		r.Outages = append(r.Outages, one.outages...)
		for _, w := range one.windows {
			if !slices.ContainsFunc(r.Windows, func(o *Window) bool { return o.Name == w.Name && o.From.Equal(w.From) }) {
				r.Windows = append(r.Windows, w)
			}
		}
	}
	var unknown []string
	if other := services[""]; other != nil {
		for _, c := range other.Checks {
			unknown = append(unknown, c.Name)
		}
		delete(services, "")
	}
	for _, name := range slices.Sorted(maps.Keys(services)) {
		b.conclude(services[name])
		r.Services = append(r.Services, *services[name])
	}
	slices.SortStableFunc(r.Outages, func(a, b Outage) int { return a.Begin.Compare(b.Begin) })
	slices.SortStableFunc(r.Windows, func(a, b *Window) int { return a.From.Compare(b.From) })
	r.Requests = b.requests(s.Requests)
	r.incidents(s)
	b.summarize(r)
	if len(unknown) > 0 {
		r.Method.Defects = append(r.Method.Defects, "The history has checks that the policy does not have, so that they are "+
			"of no service and in no figure but their outages: "+strings.Join(unknown, ", ")+".")
	}
	r.Method.DataHash = hashOf(b.hash, s.Targets, s.Requests, s.Memberships)
	return r
}

// share computes the figures of a check for a tenant, or takes them from the cache.
func (b *Builder) share(t *timeline, tenant string, members spans) shared {
	whole := len(members) == 1 && members[0] == b.span && t.tenant == "" && !b.named
	if one, ok := b.cache[t.check]; whole && ok {
		return one
	}
	return b.own(t, tenant, members)
}

// own computes the figures of a check for a tenant.
func (b *Builder) own(t *timeline, tenant string, members spans) shared {
	check, ok := b.policy.Check(t.check)
	if !ok {
		check = &config.Check{Name: t.check, AppService: t.appService}
	}
	plan, ok := b.planned[t.check]
	if !ok {
		plan = b.plan(check, tenant)
	}
	one, left := shared{windows: plan.windows}, plan.excluded
	counted := map[*outage]bool{}
	for _, o := range t.outages {
		if row, ok := b.outage(t, o, members, left); ok {
			counted[o] = row.Down > 0
			one.outages = append(one.outages, row)
		}
	}
	one.check = account(t, b.first, b.days, members, left, counted, b.lenient)
	return one
}

// plan returns the planned work on a check for a tenant.
func (b *Builder) plan(check *config.Check, tenant string) planned {
	plan := planned{windows: windows(b.policy, b.windows, check, tenant, b.span)}
	var excluded []Span
	for _, w := range plan.windows {
		excluded = append(excluded, w.parts...)
	}
	plan.excluded = union(excluded...)
	return plan
}

// sourceExporter is the source of what an exporter recorded itself.
const sourceExporter = "exporter"

// outage returns an outage as it is listed, false for one outside the time of the report.
func (b *Builder) outage(t *timeline, o *outage, members, excluded spans) (Outage, bool) {
	own := members.within(o.Span)
	if len(own) == 0 {
		return Outage{}, false
	}
	row := Outage{
		AppService: t.appService, Check: t.check, Begin: o.From, Length: report.Length(o.Length()), Reason: o.reason(),
		Class: classOf(o.reason()), Locations: []SeenFrom{},
	}
	if !o.open {
		end := o.To
		row.End = &end
	}
	var sources []string
	for _, s := range o.seen {
		seen := SeenFrom{s.Location, cmp.Or(s.Source, sourceExporter), s.Begin, nil, report.Length(s.Down), s.Reason}
		if !slices.Contains(sources, seen.Source) {
			sources = append(sources, seen.Source)
		}
		if end := s.End; !end.IsZero() {
			seen.End = &end
		}
		row.Locations = append(row.Locations, seen)
	}
	slices.Sort(sources)
	row.Source = strings.Join(sources, " and ")
	left := own.without(excluded)
	row.Down = report.Length(o.down(left))
	switch {
	case !o.open && o.Length() < b.policy.SLA.MinimumOutage.Std():
		row.Down, row.NotCounted = 0, "shorter than "+b.policy.SLA.MinimumOutage.String()
	case len(left) == 0:
		row.NotCounted = "in maintenance that is left out"
	case left.length() < own.length():
		row.NotCounted = "a part of it is in maintenance that is left out"
	case own.length() < o.Length():
		row.NotCounted = "a part of it is outside the time of this report"
	}
	return row, true
}
