package ruletest

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Spell is a half-open stretch of a simulation's time: from one second to another.
type Spell [2]int

// From is the first second of the spell.
func (s Spell) From() int { return s[0] }

// To is the first second after the spell.
func (s Spell) To() int { return s[1] }

// Within reports whether a second lies in any of the spells.
func Within(t int, spells []Spell) bool {
	for _, s := range spells {
		if s.From() <= t && t < s.To() {
			return true
		}
	}
	return false
}

// Exporter is an exporter with one check in one location. Its counters are those of the design. A failed probe
// freezes them until two more confirm it, then the time that passed is credited. While down, it probes every two
// seconds, and two successes in a row end the outage as of the first.
type Exporter struct {
	Job, Instance, Location string
	Interval                int // seconds between probes
	Phase                   int // of the probes
	Scrape                  int // phase of the scrapes
	ScrapeEvery             int // seconds between them, 15 if 0

	Broken      []Spell // the target does not answer this exporter
	Blind       []Spell // the exporter cannot judge
	Maintenance []Spell
	Planned     []Spell // a silence of the whole service for maintenance
	Off         []Spell // the exporter does not run; its state is kept
	Wiped       []int   // moments at which its state is lost
	SameStore   bool    // a lost state keeps its identity, so that its counters are reset
	Gone        []Spell // its target is not in service discovery
	Unresolving []Spell // its resolver fails
	Unreferred  []Spell // one of its references is dead
	Hung        []Spell // it answers scrapes but does nothing
	Removed     int     // when the check is taken out of its policy, 0 for never
	Reappears   string  // its instance after the first spell in off, if it changes
	Ahead       int     // seconds by which its wall clock is ahead
	Older       bool    // it is of a release that exposed no lengths of outages

	Check, Tier, Owner, Page, Tenant string
	Service                          string  // of the check, web if empty
	Certificate                      float64 // Unix time, 0 for none
	Warning, Urgent                  float64 // seconds before it, 0 where the exporter exports none

	// Traffic is whose requests the exporter counts; share is its part of them.
	Traffic []*Tenant
	// CountsSince is when its state began to count them: before the simulation if negative. A lost state begins anew.
	CountsSince int
	// Emptied is when it has read a registry without a tenant, 0 for never.
	Emptied int

	state    string
	next     int // the next probe
	failures int // confirmations so far
	since    int // the first failed or successful probe of a change under way
	pending  float64
	changing bool
	outage   float64 // start of the open outage, Unix time
	measured int     // seconds down in the open outage or the last one
	lastDown int     // the second until which they were counted, 0 without an outage
	observed float64
	down     float64
	unknown  float64
	inMaint  float64
	outages  float64
	running  bool
	emitted  map[string]labels.Labels
	pools    pools
	wiped    int // how often its state was lost
	lost     []pools
}

// tick advances the exporter by the second that begins at t.
func (e *Exporter) tick(t int, epoch int64) {
	if Within(t, e.Off) {
		e.running = false
		return
	}
	for _, w := range e.Wiped {
		if t == w {
			*e = e.fresh()
			e.CountsSince = t
		}
	}
	if !e.running {
		e.running, e.state, e.changing, e.pending, e.next = true, metric.StateUnknown, false, 0, t+1
	}
	if Within(t, e.Hung) {
		e.next = t + 1
		return
	}
	if e.pools == nil {
		e.pools = pools{}
	}
	for _, tenant := range e.Traffic {
		tenant.tick(t, e.pools.of(tenant))
	}
	switch {
	case Within(t, e.Maintenance):
		e.state, e.changing, e.pending, e.outage, e.next = metric.StateMaintenance, false, 0, 0, t+1
		e.measured, e.lastDown = 0, 0
	case Within(t, e.Blind):
		e.state, e.changing, e.pending, e.next = metric.StateUnknown, false, 0, t+1
	case t >= e.next:
		e.probe(t, epoch)
	}
	switch {
	case e.changing:
		e.pending++
	case e.state == metric.StateUp:
		e.observed++
	case e.state == metric.StateDown:
		e.observed++
		e.down++
		e.measured, e.lastDown = e.measured+1, t+1
	case e.state == metric.StateUnknown:
		e.unknown++
	default:
		e.inMaint++
	}
}

func (e *Exporter) probe(t int, epoch int64) {
	ok := !Within(t, e.Broken)
	switch {
	case e.state != metric.StateDown && ok:
		if e.state == metric.StateUp {
			e.observed += e.pending
		}
		e.state, e.changing, e.pending, e.outage = metric.StateUp, false, 0, 0
		e.next = t + e.untilNext(t)
	case e.state != metric.StateDown && !e.changing:
		e.changing, e.failures, e.since, e.next = true, 1, t, t+1
	case e.state != metric.StateDown:
		e.failures++
		e.next = t + 1
		if e.failures == 3 {
			if e.outage == 0 {
				e.outage, e.measured = float64(epoch+int64(e.since+e.Ahead)), 0
				e.outages++
			}
			e.creditDown()
			e.state, e.next = metric.StateDown, t+2
		}
	case !ok:
		e.creditDown()
		e.next = t + 2
	case !e.changing:
		e.changing, e.since, e.next = true, t, t+2
	default:
		e.observed += e.pending
		e.state, e.changing, e.pending, e.outage = metric.StateUp, false, 0, 0
		e.next = t + e.untilNext(t)
	}
}

// creditDown counts the seconds of a change under way as down.
func (e *Exporter) creditDown() {
	e.observed, e.down, e.measured = e.observed+e.pending, e.down+e.pending, e.measured+int(e.pending)
	e.changing, e.pending = false, 0
}

// lastOutage returns the length of the open outage or of the last one and how long ago it ended, where the exporter
// exposes them.
func (e *Exporter) lastOutage(t int) (length, age int, ok bool) {
	const shown = 2 * Minute
	switch {
	case e.lastDown == 0 || e.outage != 0 && e.state != metric.StateDown:
		return 0, 0, false
	case e.state == metric.StateDown && !e.changing:
		return e.measured - 1, 0, true // the second that begins at t has been counted
	}
	return e.measured, t - e.lastDown, t-e.lastDown <= shown
}

func (e *Exporter) untilNext(t int) int {
	return e.Interval - (t-e.Phase+e.Interval)%e.Interval
}

// fresh is the same exporter with its state lost.
func (e *Exporter) fresh() Exporter {
	f := *e
	f.observed, f.down, f.unknown, f.inMaint, f.outages, f.outage, f.running = 0, 0, 0, 0, 0, 0, false
	f.measured, f.lastDown = 0, 0
	f.pools, f.wiped, f.lost = nil, e.wiped+1, append(slices.Clip(e.lost), e.pools)
	for i, tenant := range f.Traffic {
		f.Traffic[i] = tenant.fresh()
	}
	return f
}

// sample is one series' value at one scrape.
type sample struct {
	labels labels.Labels
	value  float64
}

// scrapeAt returns what a scrape at t stores, markers for what vanished included.
func (e *Exporter) scrapeAt(t int, scenario string) []sample {
	instance := e.Instance
	if e.Reappears != "" && t >= e.Off[0].To() {
		instance = e.Reappears
	}
	// The rules ignore the labels that the Prometheus Operator puts on a target.
	target := []string{
		"job", e.Job, "instance", scenario + "/" + instance,
		"namespace", "ops", "pod", instance, "container", "exporter", "endpoint", "metrics",
	}
	now := map[string]labels.Labels{}
	var samples []sample
	add := func(name string, v float64, pairs ...string) {
		ls := labels.FromStrings(append(append([]string{model.MetricNameLabel, name}, target...), pairs...)...)
		now[ls.String()] = ls
		samples = append(samples, sample{ls, v})
	}

	vanished := Within(t, e.Gone)
	if e.Reappears != "" && Within(t, e.Off) {
		vanished = true
	}
	if !vanished {
		up := 1.0
		if !e.running {
			up = 0
		}
		add("up", up)
	}
	if e.running && !vanished {
		env := []string{metric.LabelEnvironment, scenario}
		add(metric.BuildInfo.Name, 1, append(env, "version", "1.0.0")...)
		listed := func(s *Tenant) bool { return !s.NoTier }
		if slices.ContainsFunc(e.Traffic, listed) || e.Emptied != 0 && t >= e.Emptied {
			add(metric.TenantRegistryTenants.Name, float64(registered(e.Traffic)), env...)
			add(metric.TenantRegistryLastRead.Name, float64(Epoch.Unix()+int64(t)), env...)
		}
		if e.Removed != 0 && t >= e.Removed {
			return e.vanish(now, samples)
		}
		with := func(ls []string, more ...string) []string { return append(append([]string{}, ls...), more...) }
		identity := e.wiped
		if e.SameStore {
			identity = 0
		}
		state := []string{metric.LabelStore, fmt.Sprintf("%s%s%d", e.Job, e.Instance, identity)}
		for _, tenant := range e.Traffic {
			tenant.expose(env, state, add)
		}
		for _, tenant := range e.listed() {
			tenant.exposeWindows(env, state, add)
		}
		if !e.Older {
			e.exposeCounted(t, env, state, add)
		}
		e.pools.expose(env, state, add)
		if len(e.Planned) > 0 {
			silences := 0.0
			if Within(t, e.Planned) {
				silences = 1
			}
			add(metric.MaintenanceSilences.Name, silences, append(slices.Clip(env), metric.LabelAppService, "web")...)
		}
		if e.Check == "" {
			return e.vanish(now, samples)
		}
		check := with(env, metric.LabelAppService, cmp.Or(e.Service, "web"), metric.LabelCheck, e.Check, metric.LabelTenant,
			e.Tenant, metric.LabelLocation, e.Location)
		for _, s := range metric.HealthStates {
			v := 0.0
			if s == e.state {
				v = 1
			}
			add(metric.HealthCheckState.Name, v, with(check, metric.LabelState, s)...)
		}
		add(metric.HealthCheckObservedSeconds.Name, e.observed, check...)
		add(metric.HealthCheckDownSeconds.Name, e.down, check...)
		add(metric.HealthCheckUnknownSeconds.Name, e.unknown, check...)
		add(metric.HealthCheckMaintenanceSeconds.Name, e.inMaint, check...)
		add(metric.HealthCheckOutages.Name, e.outages, check...)
		add(metric.HealthCheckOutageStart.Name, e.outage, check...)
		if length, age, ok := e.lastOutage(t); ok && !e.Older {
			add(metric.HealthCheckOutageDuration.Name, float64(length), check...)
			add(metric.HealthCheckOutageEndAge.Name, float64(age), check...)
		}
		add(metric.HealthCheckInfo.Name, 1,
			with(check, metric.LabelTier, e.Tier, metric.LabelOwner, e.Owner, metric.LabelPage, e.Page)...)
		if e.Certificate != 0 {
			add(metric.HealthCheckCertificateExpiry.Name, e.Certificate, check...)
			if e.Warning != 0 {
				add(metric.HealthCheckExpectedCertificateWarning.Name, e.Warning, check...)
				add(metric.HealthCheckExpectedCertificateUrgent.Name, e.Urgent, check...)
			}
		}
		reference := 1.0
		if Within(t, e.Blind) {
			reference = 0
		}
		add(metric.HealthReferenceUp.Name, reference, with(env, metric.LabelLocation, e.Location)...)
		resolver := 1.0
		if Within(t, e.Unresolving) {
			resolver = 0
		}
		add(metric.HealthResolverUp.Name, resolver, with(env, metric.LabelLocation, e.Location)...)
		dead := 0.0
		if Within(t, e.Unreferred) {
			dead = 1
		}
		add(metric.HealthReferencesDead.Name, dead, with(env, metric.LabelLocation, e.Location)...)
	}

	return e.vanish(now, samples)
}

// vanish adds the markers of the series that were exposed last time and are no longer.
func (e *Exporter) vanish(now map[string]labels.Labels, samples []sample) []sample {
	for key, ls := range e.emitted {
		if _, ok := now[key]; !ok {
			samples = append(samples, sample{ls, math.Float64frombits(value.StaleNaN)})
		}
	}
	e.emitted = now
	return samples
}

// Down returns the seconds down that the exporter has counted.
func (e *Exporter) Down() float64 { return e.down }

// Outages returns how many outages the exporter has counted.
func (e *Exporter) Outages() float64 { return e.outages }

// Observed returns the seconds that the exporter has judged.
func (e *Exporter) Observed() float64 { return e.observed }
