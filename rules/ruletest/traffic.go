package ruletest

import (
	"math"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Tenant is the traffic of one tenant as one exporter counts it.
type Tenant struct {
	Service, Name, Tier string
	Rate                float64            // requests a second
	Failing             []Trouble          // shares of them that fail
	Slow                []Trouble          // shares of them that take longer than 300 ms
	Silent              []Spell            // no requests
	Late                []Trouble          // shares whose event comes too late to page
	Orders              bool               // they are orders of a shop, too, with a counter of its own
	Lag                 int                // seconds until its events are counted
	Left, now           int                // when it leaves the registry, 0 for never; and the second it is
	NoTier              bool               // the exporter does not state the tenant
	sum                 map[string]float64 // by series
	past                []counted          // by tick of windows
}

// pools are the requests of the tiers of services as one exporter counts them: by service, tier and series.
type pools map[[2]string]map[string]float64

// of returns the pool in which a tenant counts.
func (p pools) of(s *Tenant) map[string]float64 {
	tier := s.Tier
	switch {
	case s.Name == metric.TenantUnknown:
		tier = metric.TenantUnknown
	case s.NoTier || tier == "":
		tier = metric.TierNone
	}
	for _, t := range []string{tier, metric.TenantUnknown} {
		if key := [2]string{s.Service, t}; p[key] == nil {
			p[key] = map[string]float64{}
		}
	}
	return p[[2]string{s.Service, tier}]
}

func (p pools) expose(env, state []string, add func(string, float64, ...string)) {
	for key, sum := range p {
		labels := func(more ...string) []string {
			return slices.Concat(env, state, []string{metric.LabelAppService, key[0], metric.LabelTier, key[1]}, more)
		}
		for _, class := range []string{"2xx", "5xx"} {
			add(metric.ServiceRequests.Name, whole(sum[class]), labels(metric.LabelCodeClass, class)...)
			add(metric.ServiceLateRequests.Name, whole(sum["late "+class]), labels(metric.LabelCodeClass, class)...)
		}
		add(metric.ServiceSlowRequests.Name, whole(sum["slow"]), labels(metric.LabelThreshold, "0.3")...)
		add(metric.ServiceSlowRequests.Name, 0, labels(metric.LabelThreshold, "1")...)
	}
}

// Counted returns how many requests of a series (2xx, 5xx, slow) an exporter has counted for the tiers of a service, in
// lost states too.
func (e *Exporter) Counted(service, series string) float64 {
	n := 0.0
	for _, p := range append(slices.Clip(e.lost), e.pools) {
		for key, sum := range p {
			if key[0] == service && key[1] != metric.TenantUnknown {
				n += sum[series]
			}
		}
	}
	return n
}

// Counted returns how many requests of a tenant an exporter has counted in the state that it has.
func (s *Tenant) Counted() float64 { return s.counted().requests }

func whole(v float64) float64 { return math.Floor(v + 1e-6) }

// Trouble is a share of requests during a spell.
type Trouble struct {
	share float64
	Spell
}

// ShareAt returns the largest share of the troubles at a second.
func ShareAt(t int, all []Trouble) float64 {
	share := 0.0
	for _, s := range all {
		if s.From() <= t && t < s.To() {
			share = max(share, s.share)
		}
	}
	return share
}

func (s *Tenant) tick(t int, pool map[string]float64) {
	s.now = t
	if s.sum == nil {
		s.sum = map[string]float64{}
	}
	s.remember(t)
	count := func(series string, n float64) {
		s.sum[series] += n
		pool[series] += n
	}
	t -= s.Lag
	if s.Left != 0 && t >= s.Left {
		return
	}
	if Within(t, s.Silent) {
		return
	}
	late := s.Rate * ShareAt(t, s.Late)
	prompt := s.Rate - late
	bad := ShareAt(t, s.Failing)
	count("2xx", prompt*(1-bad))
	count("5xx", prompt*bad)
	count("late 2xx", late*(1-bad))
	count("late 5xx", late*bad)
	count("slow", prompt*ShareAt(t, s.Slow))
}

func (s *Tenant) fresh() *Tenant {
	f := *s
	f.sum, f.past = nil, nil
	return &f
}

// gone reports whether it left the registry; its series stay for five minutes more.
func (s *Tenant) gone() bool { return s.Left != 0 && s.now >= s.Left }

// registered counts the tenants that are in the registry.
func registered(all []*Tenant) int {
	n := 0
	for _, s := range all {
		if !s.gone() && !s.NoTier {
			n++
		}
	}
	return n
}

func (s *Tenant) expose(env, state []string, add func(string, float64, ...string)) {
	labels := func(more ...string) []string {
		return slices.Concat(env, state, []string{metric.LabelAppService, s.Service, metric.LabelTenant, s.Name}, more)
	}
	whole := func(series string) float64 { return whole(s.sum[series]) }
	if s.gone() && s.now >= s.Left+5*Minute {
		return
	}
	for _, class := range []string{"2xx", "5xx"} {
		add(metric.TenantRequests.Name, whole(class), labels(metric.LabelCodeClass, class)...)
		add(metric.TenantLateRequests.Name, whole("late "+class), labels(metric.LabelCodeClass, class)...)
	}
	add(metric.TenantSlowRequests.Name, whole("slow"), labels(metric.LabelThreshold, "0.3")...)
	add(metric.TenantSlowRequests.Name, 0, labels(metric.LabelThreshold, "1")...)
	if s.Orders {
		add("shop_orders_total", whole("2xx"), "result", "done")
		add("shop_orders_total", whole("5xx"), "result", "failed")
	}
	if !s.NoTier && !s.gone() {
		add(metric.TenantInfo.Name, 1, append(slices.Clip(env), metric.LabelTenant, s.Name, metric.LabelTier, s.Tier)...)
	}
}

// TrafficLayout is how many exporters share the requests.
type TrafficLayout struct {
	name      string
	instances []string
	job       []string
}

// Layouts of receivers.
var (
	OneReceiver  = TrafficLayout{"one", []string{"a"}, []string{"thorbis"}}
	TwoReceivers = TrafficLayout{"two", []string{"a", "b"}, []string{"thorbis", "receiver"}}
)

// Carry makes the exporters of a layout, each with an equal part of every tenant's requests.
func (l TrafficLayout) Carry(tenants ...Tenant) []*Exporter {
	var all []*Exporter
	for i, instance := range l.instances {
		e := &Exporter{Job: l.job[i], Instance: instance, Location: "fra", Interval: 30, Scrape: (3 + 7*i) % 15}
		for _, t := range tenants {
			if t.Service == "" {
				t.Service = "web"
			}
			t.Rate /= float64(len(l.instances))
			e.Traffic = append(e.Traffic, &t)
		}
		all = append(all, e)
	}
	return all
}

// OnlyRequests restricts a world to the rules that judge events.
func (w *World) OnlyRequests(more ...string) *World {
	w.GroupsOnly = more
	for _, g := range w.Groups {
		if strings.HasPrefix(g.Name(), "thorbis-slo") || strings.HasPrefix(g.Name(), "thorbis-policy") {
			w.GroupsOnly = append(w.GroupsOnly, g.Name())
		}
	}
	return w
}

// Tenants returns n tenants of a tier with so many requests a second each.
func Tenants(n int, tier string, rate float64, each func(i int, t *Tenant)) []Tenant {
	var all []Tenant
	for i := range n {
		t := Tenant{
			Name: "t" + string(rune('a'+i/26/26)) + string(rune('a'+i/26%26)) + string(rune('a'+i%26)), Tier: tier, Rate: rate,
		}
		if each != nil {
			each(i, &t)
		}
		all = append(all, t)
	}
	return all
}

// Failing returns a share of requests from one second to another.
func Failing(share float64, from, to int) []Trouble { return []Trouble{{share, Spell{from, to}}} }

// EveryTenant returns a setup in which a share of the requests of each tenant fails.
func EveryTenant(share float64, from, to int) func(int, *Tenant) {
	return func(_ int, t *Tenant) { t.Failing = Failing(share, from, to) }
}

// FirstTenants returns a setup in which a share of the requests of the first n tenants fails.
func FirstTenants(n int, share float64, from, to int) func(int, *Tenant) {
	return func(i int, t *Tenant) {
		if i < n {
			t.Failing = Failing(share, from, to)
		}
	}
}

// UnknownHosts returns requests of hosts that no tenant owns.
func UnknownHosts(rate float64, each func(t *Tenant)) Tenant {
	t := Tenant{Name: metric.TenantUnknown, Rate: rate, NoTier: true}
	if each != nil {
		each(&t)
	}
	return t
}
