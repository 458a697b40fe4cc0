package history

import (
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// shown are the windows over which the dashboards draw burn rates.
var shown = map[string]time.Duration{"5m": 5 * time.Minute, "1h": hour, "6h": 6 * hour, "1d": day, "3d": 3 * day}

// longest is that of them which looks back the furthest.
const longest = 3 * day

// past are the totals of the service and of its tenants at one time.
type past struct {
	service slos
	tenants []slos
}

// remember keeps the totals as they are now, and none that no window reaches.
func (w *world) remember() {
	now := past{service: w.service, tenants: make([]slos, len(w.tenants))}
	for i, t := range w.tenants {
		now.tenants[i] = t.slos
	}
	if w.past = append(w.past, now); len(w.past) > int(longest/step)+1 {
		w.past = w.past[1:]
	}
}

// before returns the totals of a while ago, or the first.
func (w *world) before(ago time.Duration) past {
	return w.past[max(0, len(w.past)-1-int(ago/step))]
}

func (s slos) plus(o slos) slos {
	return slos{s.requests + o.requests, s.failed + o.failed, s.slow + o.slow}
}

func (s slos) minus(o slos) slos {
	return slos{s.requests - o.requests, s.failed - o.failed, s.slow - o.slow}
}

// bad returns how many requests were bad for an objective.
func (s slos) bad(slo string) float64 {
	if slo == metric.SLOAvailability {
		return s.failed
	}
	return s.slow
}

// burn returns how many times as fast as permitted the budget burned, without the tenant with the most bad requests
// unless it sends half of all.
func (w *world) burn(slo string, budget float64, ago time.Duration) float64 {
	then := w.before(ago)
	all := w.service.minus(then.service)
	var worst slos
	for i, t := range w.tenants {
		if s := t.minus(then.tenants[i]); s.bad(slo) > worst.bad(slo) {
			worst = s
		}
	}
	if worst.requests < all.requests/2 {
		all = all.minus(worst)
	}
	return all.bad(slo) / all.requests / budget
}

// recordWindows writes what graphs show of the objectives.
func (w *world) recordWindows(r *recorder) {
	five, oneHour := w.service.minus(w.before(shown["5m"]).service), w.before(hour)
	if five.requests == 0 {
		return
	}
	tiers := map[string]slos{}
	for i, t := range w.tenants {
		tiers[w.Tenants[i].Tier] = tiers[w.Tenants[i].Tier].plus(t.minus(oneHour.tenants[i]))
	}
	for slo, budget := range w.budgets() {
		labels := []string{metric.LabelAppService, w.Service, metric.LabelSLO, slo}
		r.record(metric.EventsIncrease["5m"], five.requests, labels...)
		r.record(metric.SLOError["5m"], five.bad(slo)/five.requests, labels...)
		for name, window := range shown {
			r.record(metric.SLOBurn[name], w.burn(slo, budget, window), labels...)
		}
		for tier, s := range tiers {
			r.record(metric.TierError["1h"], s.bad(slo)/s.requests, append(labels[:4:4], metric.LabelTier, tier)...)
		}
	}
}
