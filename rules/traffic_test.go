package rules

import (
	"math"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// simTenant is the traffic of one tenant as one exporter counts it.
type simTenant struct {
	service, name, tier string
	rate                float64            // requests a second
	failing             []trouble          // shares of them that fail
	slow                []trouble          // shares of them that take longer than 300 ms
	silent              []spell            // no requests
	late                []trouble          // shares whose event comes too late to page
	orders              bool               // they are orders of a shop, too, with a counter of its own
	lag                 int                // seconds until its events are counted
	left, now           int                // when it leaves the registry, 0 for never; and the second it is
	noTier              bool               // the exporter does not state the tenant
	sum                 map[string]float64 // by series
}

// trouble is a share of requests during a spell.
type trouble struct {
	share float64
	spell
}

func shareAt(t int, all []trouble) float64 {
	share := 0.0
	for _, s := range all {
		if s.from <= t && t < s.to {
			share = max(share, s.share)
		}
	}
	return share
}

func (s *simTenant) tick(t int) {
	s.now = t
	if s.sum == nil {
		s.sum = map[string]float64{}
	}
	t -= s.lag
	if s.left != 0 && t >= s.left {
		return
	}
	if within(t, s.silent) {
		return
	}
	late := s.rate * shareAt(t, s.late)
	prompt := s.rate - late
	bad := shareAt(t, s.failing)
	s.sum["2xx"] += prompt * (1 - bad)
	s.sum["5xx"] += prompt * bad
	s.sum["late 2xx"] += late * (1 - bad)
	s.sum["late 5xx"] += late * bad
	s.sum["slow"] += prompt * shareAt(t, s.slow)
}

func (s *simTenant) fresh() *simTenant {
	f := *s
	f.sum = nil
	return &f
}

// gone reports whether it left the registry; its series stay for five minutes more.
func (s *simTenant) gone() bool { return s.left != 0 && s.now >= s.left }

// registered counts the tenants that are in the registry.
func registered(all []*simTenant) int {
	n := 0
	for _, s := range all {
		if !s.gone() && !s.noTier {
			n++
		}
	}
	return n
}

func (s *simTenant) expose(env []string, add func(string, float64, ...string)) {
	labels := func(more ...string) []string {
		return append(append(slices.Clip(env), metric.LabelAppService, s.service, metric.LabelTenant, s.name), more...)
	}
	whole := func(series string) float64 { return math.Floor(s.sum[series] + 1e-6) }
	if s.gone() && s.now >= s.left+5*minute {
		return
	}
	for _, class := range []string{"2xx", "5xx"} {
		add(metric.TenantRequests.Name, whole(class), labels(metric.LabelCodeClass, class)...)
		add(metric.TenantLateRequests.Name, whole("late "+class), labels(metric.LabelCodeClass, class)...)
	}
	add(metric.TenantSlowRequests.Name, whole("slow"), labels(metric.LabelThreshold, "0.3")...)
	add(metric.TenantSlowRequests.Name, 0, labels(metric.LabelThreshold, "1")...)
	if s.orders {
		add("shop_orders_total", whole("2xx"), "result", "done")
		add("shop_orders_total", whole("5xx"), "result", "failed")
	}
	if !s.noTier && !s.gone() {
		add(metric.TenantInfo.Name, 1, append(slices.Clip(env), metric.LabelTenant, s.name, metric.LabelTier, s.tier)...)
	}
}

// trafficLayout is how many exporters share the requests.
type trafficLayout struct {
	name      string
	instances []string
	job       []string
}

var (
	oneReceiver  = trafficLayout{"one", []string{"a"}, []string{"thorbis"}}
	twoReceivers = trafficLayout{"two", []string{"a", "b"}, []string{"thorbis", "receiver"}}
)

// carry makes the exporters of a layout, each with an equal part of every tenant's requests.
func (l trafficLayout) carry(tenants ...simTenant) []*simExporter {
	var all []*simExporter
	for i, instance := range l.instances {
		e := &simExporter{job: l.job[i], instance: instance, location: "fra", interval: 30, scrape: (3 + 7*i) % 15}
		for _, t := range tenants {
			if t.service == "" {
				t.service = "web"
			}
			t.rate /= float64(len(l.instances))
			e.traffic = append(e.traffic, &t)
		}
		all = append(all, e)
	}
	return all
}

// onlyRequests restricts a world to the rules that judge events.
func (w *world) onlyRequests(more ...string) *world {
	w.groupsOnly = more
	for _, g := range w.groups {
		if strings.HasPrefix(g.Name(), "thorbis-slo") || strings.HasPrefix(g.Name(), "thorbis-policy") {
			w.groupsOnly = append(w.groupsOnly, g.Name())
		}
	}
	return w
}

// crowd is n tenants of a tier with so many requests a second each.
func crowd(n int, tier string, rate float64, each func(i int, t *simTenant)) []simTenant {
	var all []simTenant
	for i := range n {
		t := simTenant{name: "t" + string(rune('a'+i/26/26)) + string(rune('a'+i/26%26)) + string(rune('a'+i%26)), tier: tier, rate: rate}
		if each != nil {
			each(i, &t)
		}
		all = append(all, t)
	}
	return all
}

func failing(share float64, from, to int) []trouble { return []trouble{{share, spell{from, to}}} }
