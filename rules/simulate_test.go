package rules

import (
	"cmp"
	"math"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"

	"github.com/thorbis/thorbis_exporter/metric"
)

// span is a half-open stretch of a simulation's time in seconds.
type spell struct{ from, to int }

func within(t int, spells []spell) bool {
	for _, s := range spells {
		if s.from <= t && t < s.to {
			return true
		}
	}
	return false
}

// simExporter is an exporter with one check in one location. Its counters are those of the design. A failed probe
// freezes them until two more confirm it, then the time that passed is credited. While down, it probes every two
// seconds, and two successes in a row end the outage as of the first.
type simExporter struct {
	job, instance, location string
	interval                int // seconds between probes
	phase                   int // of the probes
	scrape                  int // phase of the scrapes

	broken      []spell // the target does not answer this exporter
	blind       []spell // the exporter cannot judge
	maintenance []spell
	planned     []spell // a silence of the whole service for maintenance
	off         []spell // the exporter does not run; its state is kept
	wiped       []int   // moments at which its state is lost
	gone        []spell // its target is not in service discovery
	unresolving []spell // its resolver fails
	unreferred  []spell // one of its references is dead
	hung        []spell // it answers scrapes but does nothing
	removed     int     // when the check is taken out of its policy, 0 for never
	reappears   string  // its instance after the first spell in off, if it changes

	check, tier, owner, page, tenant string
	service                          string  // of the check, web if empty
	certificate                      float64 // Unix time, 0 for none
	warning, urgent                  float64 // seconds before it, 0 where the exporter exports none

	// traffic is whose requests the exporter counts; share is its part of them.
	traffic []*simTenant
	// emptied is when it has read a registry without a tenant, 0 for never.
	emptied int

	state    string
	next     int // the next probe
	failures int // confirmations so far
	since    int // the first failed or successful probe of a change under way
	pending  float64
	changing bool
	outage   float64 // start of the open outage, Unix time
	observed float64
	down     float64
	unknown  float64
	inMaint  float64
	outages  float64
	running  bool
	emitted  map[string]labels.Labels
}

// tick advances the exporter by the second that begins at t.
func (e *simExporter) tick(t int, epoch int64) {
	if within(t, e.off) {
		e.running = false
		return
	}
	for _, w := range e.wiped {
		if t == w {
			*e = e.fresh()
		}
	}
	if !e.running {
		e.running, e.state, e.changing, e.pending, e.next = true, metric.StateUnknown, false, 0, t+1
	}
	if within(t, e.hung) {
		e.next = t + 1
		return
	}
	for _, tenant := range e.traffic {
		tenant.tick(t)
	}
	switch {
	case within(t, e.maintenance):
		e.state, e.changing, e.pending, e.outage, e.next = metric.StateMaintenance, false, 0, 0, t+1
	case within(t, e.blind):
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
	case e.state == metric.StateUnknown:
		e.unknown++
	default:
		e.inMaint++
	}
}

func (e *simExporter) probe(t int, epoch int64) {
	ok := !within(t, e.broken)
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
			e.observed, e.down = e.observed+e.pending, e.down+e.pending
			e.state, e.changing, e.pending, e.next = metric.StateDown, false, 0, t+2
			if e.outage == 0 {
				e.outage = float64(epoch + int64(e.since))
				e.outages++
			}
		}
	case !ok:
		e.observed, e.down = e.observed+e.pending, e.down+e.pending
		e.changing, e.pending, e.next = false, 0, t+2
	case !e.changing:
		e.changing, e.since, e.next = true, t, t+2
	default:
		e.observed += e.pending
		e.state, e.changing, e.pending, e.outage = metric.StateUp, false, 0, 0
		e.next = t + e.untilNext(t)
	}
}

func (e *simExporter) untilNext(t int) int {
	return e.interval - (t-e.phase+e.interval)%e.interval
}

// fresh is the same exporter with its state lost.
func (e *simExporter) fresh() simExporter {
	f := *e
	f.observed, f.down, f.unknown, f.inMaint, f.outages, f.outage, f.running = 0, 0, 0, 0, 0, 0, false
	for i, tenant := range f.traffic {
		f.traffic[i] = tenant.fresh()
	}
	return f
}

// sample is one series' value at one scrape.
type sample struct {
	labels labels.Labels
	value  float64
}

// scrapeAt returns what a scrape at t stores, markers for what vanished included.
func (e *simExporter) scrapeAt(t int, scenario string) []sample {
	instance := e.instance
	if e.reappears != "" && t >= e.off[0].to {
		instance = e.reappears
	}
	// The rules ignore the labels that the Prometheus Operator puts on a target.
	target := []string{
		"job", e.job, "instance", scenario + "/" + instance,
		"namespace", "ops", "pod", instance, "container", "exporter", "endpoint", "metrics",
	}
	now := map[string]labels.Labels{}
	var samples []sample
	add := func(name string, v float64, pairs ...string) {
		ls := labels.FromStrings(append(append([]string{model.MetricNameLabel, name}, target...), pairs...)...)
		now[ls.String()] = ls
		samples = append(samples, sample{ls, v})
	}

	vanished := within(t, e.gone)
	if e.reappears != "" && within(t, e.off) {
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
		listed := func(s *simTenant) bool { return !s.noTier }
		if slices.ContainsFunc(e.traffic, listed) || e.emptied != 0 && t >= e.emptied {
			add(metric.TenantRegistryTenants.Name, float64(registered(e.traffic)), env...)
			add(metric.TenantRegistryLastRead.Name, float64(epoch.Unix()+int64(t)), env...)
		}
		if e.removed != 0 && t >= e.removed {
			return e.vanish(now, samples)
		}
		with := func(ls []string, more ...string) []string { return append(append([]string{}, ls...), more...) }
		for _, tenant := range e.traffic {
			tenant.expose(env, add)
		}
		if len(e.planned) > 0 {
			silences := 0.0
			if within(t, e.planned) {
				silences = 1
			}
			add(metric.MaintenanceSilences.Name, silences, append(slices.Clip(env), metric.LabelAppService, "web")...)
		}
		if e.check == "" {
			return e.vanish(now, samples)
		}
		check := with(env, metric.LabelAppService, cmp.Or(e.service, "web"), metric.LabelCheck, e.check, metric.LabelTenant, e.tenant, metric.LabelLocation, e.location)
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
		add(metric.HealthCheckInfo.Name, 1, with(check, metric.LabelTier, e.tier, metric.LabelOwner, e.owner, metric.LabelPage, e.page)...)
		if e.certificate != 0 {
			add(metric.HealthCheckCertificateExpiry.Name, e.certificate, check...)
			if e.warning != 0 {
				add(metric.HealthCheckExpectedCertificateWarning.Name, e.warning, check...)
				add(metric.HealthCheckExpectedCertificateUrgent.Name, e.urgent, check...)
			}
		}
		reference := 1.0
		if within(t, e.blind) {
			reference = 0
		}
		add(metric.HealthReferenceUp.Name, reference, with(env, metric.LabelLocation, e.location)...)
		resolver := 1.0
		if within(t, e.unresolving) {
			resolver = 0
		}
		add(metric.HealthResolverUp.Name, resolver, with(env, metric.LabelLocation, e.location)...)
		dead := 0.0
		if within(t, e.unreferred) {
			dead = 1
		}
		add(metric.HealthReferencesDead.Name, dead, with(env, metric.LabelLocation, e.location)...)
	}

	return e.vanish(now, samples)
}

// vanish adds the markers of the series that were exposed last time and are no longer.
func (e *simExporter) vanish(now map[string]labels.Labels, samples []sample) []sample {
	for key, ls := range e.emitted {
		if _, ok := now[key]; !ok {
			samples = append(samples, sample{ls, math.Float64frombits(value.StaleNaN)})
		}
	}
	e.emitted = now
	return samples
}
