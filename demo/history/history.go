// Package history writes two weeks of records as a Prometheus block, so that a demonstration that has just begun has
// budgets, objectives and reviews to look at.
//
// It writes what the rules record and not what exporters expose: running totals continue from one evaluation to the
// next, which promtool tsdb create-blocks-from rules cannot do, and evaluating two weeks takes too long. The rules
// continue from the totals at the end of the block. What exporters count over windows, the requests of tenants, begins
// with them.
package history

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/tsdb"

	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// length lets the weekly review compare two weeks. Prometheus keeps 15 days.
	length = 14 * 24 * time.Hour
	step   = time.Minute
	// commitEvery is the number of steps that are kept in memory at once.
	commitEvery = 60
	// leastShare is the least share of the requests that is recorded.
	leastShare = 0.05
)

// Tenant is a tenant and its share of the requests.
type Tenant struct {
	Name, Tier string
	Share      float64
}

// Platform is what the policy states of the platform whose past is written.
type Platform struct {
	Environment, Service string
	Checks               []string // of the service
	TenantCheck          string   // of each tenant
	Tenants              []Tenant
	PerSecond, Peak      float64 // requests a second: the mean of a day, and the peak that the policy expects
	Availability         float64 // objectives
	LatencySLO           string
	Latency              float64
}

// Write writes what was until end below the data directory of a Prometheus that does not run, as one block.
func (p *Platform) Write(ctx context.Context, dir string, end time.Time) error {
	blocks, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), dir, (length + time.Hour).Milliseconds())
	if err != nil {
		return err
	}
	defer func() { _ = blocks.Close() }() // its temporary files
	end = end.Truncate(step)
	w := newWorld(p, end)
	r := &recorder{environment: p.Environment, app: blocks.Appender(ctx), known: map[string]*series{}}
	steps := 0
	for at := end.Add(-length).Truncate(time.Hour); !at.After(end); at = at.Add(step) {
		w.advance(at)
		w.record(r.to(at))
		if steps++; steps%commitEvery == 0 {
			if err := r.commit(); err != nil {
				return err
			}
			r.app = blocks.Appender(ctx)
		}
	}
	if err := r.commit(); err != nil {
		return err
	}
	_, err = blocks.Flush(ctx)
	return err
}

// world adds up what happens.
type world struct {
	*Platform
	at, end  time.Time
	tenants  []totals
	checks   totals // of the service
	service  slos
	observed float64 // seconds
	past     []past
	month    *month // nil in the month in which the records begin
}

// month is what the totals were as it began.
type month struct{ down, observed float64 }

// slos are numbers of requests.
type slos struct{ requests, failed, slow float64 }

// totals are what happened to a tenant and its check.
type totals struct {
	slos
	down, outages float64 // seconds, and how many
	lately        float64 // seconds down of the last five minutes
}

func newWorld(p *Platform, end time.Time) *world {
	return &world{Platform: p, end: end, tenants: make([]totals, len(p.Tenants))}
}

// advance adds up the step until a time.
func (w *world) advance(at time.Time) {
	defer w.remember()
	from := w.at
	if w.at = at; from.IsZero() {
		return
	}
	seconds := at.Sub(from).Seconds()
	w.observed += seconds
	for i := range w.tenants {
		tenant, t := w.Tenants[i], &w.tenants[i]
		failing, slow := w.shares(tenant.Name, from, at)
		n := seconds * w.PerSecond * load(at) * tenant.Share
		s := slos{requests: n, failed: n * failing, slow: n * slow}
		t.slos, w.service = t.plus(s), w.service.plus(s)
		w.look(t, tenant.Name, from, at)
	}
	w.look(&w.checks, "", from, at)
	if from.UTC().Month() != at.UTC().Month() {
		w.month = &month{down: w.checks.down, observed: w.observed}
	}
}

// look adds up the seconds for which a health check was down.
func (w *world) look(t *totals, tenant string, from, to time.Time) {
	t.down += w.down(tenant, from, to).Seconds()
	t.lately = w.down(tenant, to.Add(-5*time.Minute), to).Seconds()
	t.outages += w.begun(tenant, from, to)
}

// load is the traffic at a time as a share of its mean: 0.5 at four in the morning, 1.5 at four in the afternoon, in
// UTC.
func load(at time.Time) float64 {
	hour := float64(at.UTC().Hour()) + float64(at.Minute())/60
	return 1 - math.Cos((hour-4)/12*math.Pi)/2
}

// budgets returns the share of requests that may be bad, by objective.
func (w *world) budgets() map[string]float64 {
	return map[string]float64{metric.SLOAvailability: 1 - w.Availability, w.LatencySLO: 1 - w.Latency}
}

// record writes what the rules would have recorded.
func (w *world) record(r *recorder) {
	w.recordService(r)
	w.recordWindows(r)
	tiers, ago := map[string]slos{}, w.before(shown["5m"])
	for i, t := range w.tenants {
		tenant := w.Tenants[i]
		tiers[tenant.Tier] = tiers[tenant.Tier].plus(t.slos)
		labels := []string{metric.LabelAppService, w.Service, metric.LabelTenant, tenant.Name}
		lately := t.minus(ago.tenants[i]).requests
		r.record(metric.TenantRate, lately/shown["5m"].Seconds(), labels...)
		// Without the shares of yesterday every large tenant is a noisy neighbour.
		if share := lately / w.service.minus(ago.service).requests; share >= leastShare {
			r.record(metric.TenantShare, share, labels...)
		}
		w.recordCheck(r, t, append(labels, metric.LabelCheck, w.TenantCheck)...)
	}
	for tier, s := range tiers {
		labels := []string{metric.LabelAppService, w.Service, metric.LabelTier, tier}
		r.total(metric.TierRequestsTotals.EventTotal, s.requests, labels...)
		w.recordBad(r, metric.TierBadTotals.EventTotal, s, labels...)
	}
	for _, check := range w.Checks {
		labels := []string{metric.LabelAppService, w.Service, metric.LabelCheck, check}
		w.recordCheck(r, w.checks, labels...)
		if w.month != nil {
			r.record(metric.SLADownStart, w.month.down, labels...)
			r.record(metric.SLAObservedStart, w.month.observed, labels...)
		}
	}
	r.record(metric.SLAMonth, float64(w.at.UTC().Month()))
}

// recordBad writes the totals of bad requests.
func (w *world) recordBad(r *recorder, to metric.EventTotal, s slos, labels ...string) {
	for slo := range w.budgets() {
		r.total(to, s.bad(slo), append(slices.Clip(labels), metric.LabelSLO, slo)...)
	}
}

func (w *world) recordCheck(r *recorder, t totals, labels ...string) {
	r.running(metric.ObservedTotals, w.observed, labels...)
	if t.outages > 0 { // what is always 0 has no series
		r.running(metric.DownTotals, t.down, labels...)
		r.running(metric.OutagesTotals, t.outages, labels...)
	}
	r.record(metric.Uptime["5m"], 1-t.lately/shown["5m"].Seconds(), labels...)
}

func (w *world) recordService(r *recorder) {
	labels := []string{metric.LabelAppService, w.Service}
	w.recordBad(r, metric.BadTotals, w.service, labels...)
	for slo, budget := range w.budgets() {
		with := append(slices.Clip(labels), metric.LabelSLO, slo)
		r.total(metric.EventsTotals, w.service.requests, with...)
		r.total(metric.SeenTotals, w.observed, with...)
		if w.service.requests > 0 {
			spent := w.service.bad(slo) / w.service.requests / budget * w.observed / (30 * day).Seconds()
			r.record(metric.SLOBudgetLeft, 1-spent, with...)
		}
	}
	five := w.service.minus(w.before(shown["5m"]).service)
	if five.requests == 0 {
		return
	}
	rate := five.requests / shown["5m"].Seconds()
	r.record(metric.ServiceRate, rate, labels...)
	r.record(metric.ServiceUtilization, rate/w.Peak, labels...)
	for quantile, seconds := range map[string]float64{"0.5": .06, "0.95": .16, "0.99": .24} {
		r.record(metric.RequestDurationQuantile, seconds+five.slow/five.requests,
			append(slices.Clip(labels), "quantile", quantile)...)
	}
}
