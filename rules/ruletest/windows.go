package ruletest

import (
	"cmp"
	"math"
	"slices"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// windowTick is how often an exporter remembers what it has counted, in seconds.
const windowTick = 30

// period is that of the policy of simulations.
const period = 30 * Day

// counted is what an exporter has counted of a tenant by a moment.
type counted struct{ requests, failed, slow float64 }

func (s *Tenant) counted() counted {
	return counted{whole(s.sum["2xx"]) + whole(s.sum["5xx"]), whole(s.sum["5xx"]), whole(s.sum["slow"])}
}

// remember keeps what was counted by the begin of each tick, also of those in which the exporter did not run.
func (s *Tenant) remember(t int) {
	for len(s.past) <= t/windowTick {
		s.past = append(s.past, s.counted())
	}
}

// ago is what was counted by so many seconds ago.
func (s *Tenant) ago(seconds int) counted {
	at := float64(s.now-seconds) / windowTick
	if at <= 0 || len(s.past) == 0 {
		return counted{}
	}
	i := min(int(at), len(s.past)-1)
	from, to, share := s.past[i], s.past[min(i+1, len(s.past)-1)], at-math.Floor(at)
	between := func(a, b float64) float64 { return a + share*(b-a) }
	return counted{
		between(from.requests, to.requests), between(from.failed, to.failed), between(from.slow, to.slow),
	}
}

// over is what was counted over so many seconds up to now.
func (s *Tenant) over(seconds int) counted {
	now, then := s.counted(), s.ago(seconds)
	return counted{
		math.Round(now.requests - then.requests), math.Round(now.failed - then.failed), math.Round(now.slow - then.slow),
	}
}

// maxListed is of how many tenants an exporter exposes windows.
const maxListed = 200

// listed are the tenants whose windows an exporter exposes: those with the most bad requests in an hour, and then those
// with the most requests.
func (e *Exporter) listed() []*Tenant {
	all := slices.DeleteFunc(slices.Clone(e.Traffic), func(s *Tenant) bool {
		return s.gone() || s.Name == metric.TenantUnknown || s.Name == metric.TenantOther
	})
	if len(all) <= maxListed {
		return all
	}
	hour := map[*Tenant]counted{}
	for _, s := range all {
		hour[s] = s.over(Hour)
	}
	slices.SortStableFunc(all, func(a, b *Tenant) int {
		return cmp.Or(cmp.Compare(hour[b].failed+hour[b].slow, hour[a].failed+hour[a].slow),
			cmp.Compare(hour[b].requests, hour[a].requests))
	})
	return all[:maxListed]
}

// exposeCounted exposes for how much of each window the exporter counted requests in the state that it has.
func (e *Exporter) exposeCounted(t int, env, state []string, add func(string, float64, ...string)) {
	services := map[string]bool{}
	for _, s := range e.Traffic {
		services[s.Service] = true
	}
	for service := range services {
		for w, seconds := range windowSeconds() {
			share := min(float64(t-e.CountsSince)/float64(seconds), 1)
			add(metric.TenantWindowCounted.Name, share,
				slices.Concat(env, state, []string{metric.LabelAppService, service, metric.LabelWindow, w})...)
		}
	}
}

// windowSeconds are the lengths of the windows by name.
func windowSeconds() map[string]int {
	all := map[string]int{metric.WindowPeriod: period}
	for _, w := range metric.BurnWindows() {
		all[w] = int(rule.Window(w).Seconds())
	}
	return all
}

// exposeWindows exposes what the tenant's requests were over each window.
func (s *Tenant) exposeWindows(env, state []string, add func(string, float64, ...string)) {
	ever := s.over(period)
	if ever.requests == 0 {
		return
	}
	for w, seconds := range windowSeconds() {
		c := s.over(seconds)
		labels := slices.Concat(env, state,
			[]string{metric.LabelAppService, s.Service, metric.LabelTenant, s.Name, metric.LabelWindow, w})
		add(metric.TenantWindowRequests.Name, c.requests, labels...)
		bad := func(slo string, ever, n float64) {
			if ever > 0 {
				add(metric.TenantWindowBadRequests.Name, n, append(slices.Clip(labels), metric.LabelSLO, slo)...)
			}
		}
		bad(metric.SLOAvailability, ever.failed, c.failed)
		bad(metric.SLOLatencyPrefix+"300ms", ever.slow, c.slow)
	}
}
