package rules_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// cause is a story with one cause. It must page once. A second page may follow only if it is more urgent than the
// first, as when one tenant's problem becomes its tier's.
type cause struct {
	what      string
	exporters []*simExporter
	// severe marks a story that must page, mild one that must not. Any other story may page.
	severe, mild bool
	// alert is the one that must page first, nil for any.
	alert *metric.Alert
}

const (
	causeAt  = 20 * minute // the problem begins
	causeEnd = 100 * minute
)

// causes draws stories.
type causes struct{ *rand.Rand }

func (c causes) between(from, to int) int { return from + c.IntN(to-from+1) }

func (c causes) chance(one int) bool { return c.IntN(one) == 0 }

// probers are the exporters of one check at one or two locations.
func (c causes) probers(check, tenant, tier, page string, locations int) []*simExporter {
	var all []*simExporter
	for _, location := range []string{"fra", "nyc"}[:locations] {
		all = append(all, &simExporter{
			Job:      "prober",
			Instance: location + "-" + check + tenant, Location: location, Interval: 30, Phase: c.IntN(30), Scrape: c.IntN(15),
			Check: check, Tenant: tenant, Tier: tier, Owner: "sre", Page: page,
		})
	}
	return all
}

// pages are how urgent one tenant of a tier is to testdata/policy.yaml.
var pages = map[string]string{"enterprise": "P2", "standard": "P4"}

// outage is an outage of the whole service, seen by its own check, by those of some tenants and by requests. In its
// middle, its probers may lose their network, be restarted or die.
func (c causes) outage() cause {
	to := causeAt + c.between(3, 40)*minute
	locations := c.between(1, 2)
	own := c.probers("home", "", metric.TierNone, "P1", locations)
	all := own
	tenants := 0
	if c.chance(2) {
		tenants = c.between(1, 5)
	}
	for i := range tenants {
		tier := []string{"enterprise", "standard"}[c.IntN(2)]
		all = append(all, c.probers("tenant-home", fmt.Sprint("t", i), tier, pages[tier], locations)...)
	}
	for _, e := range all {
		e.Broken = []spell{{causeAt, to}}
	}
	what := fmt.Sprintf("outage of %d min at %d locations with %d tenants' checks", (to-causeAt)/minute, locations,
		tenants)
	middle := causeAt + 2*minute + c.IntN(to-causeAt-2*minute)
	switch c.IntN(5) {
	case 0:
		blind := spell{middle, middle + c.between(5, 40)*minute}
		what += fmt.Sprintf(", blind from %d to %d", blind.From(), blind.To())
		for _, e := range all {
			e.Blind = []spell{blind}
		}
	case 1:
		away := spell{middle, middle + c.between(1, 30)*minute}
		what += fmt.Sprintf(", exporters away from %d to %d", away.From(), away.To())
		for _, e := range all {
			e.Off = []spell{away}
		}
	}
	if c.chance(2) {
		traffic := ruletest.Tenants(6, []string{"enterprise", "standard"}[c.IntN(2)], 10, func(_ int, t *simTenant) {
			if share := []float64{1, .5, 0}[c.IntN(3)]; share > 0 {
				t.Failing = ruletest.Failing(share, causeAt, to)
			} else {
				t.Silent = []spell{{causeAt, to}}
			}
		})
		what += ", with traffic"
		all = append(all, c.receivers(traffic)...)
	}
	return cause{what: what, exporters: all, severe: true}
}

func (c causes) receivers(tenants []simTenant) []*simExporter {
	return []ruletest.TrafficLayout{ruletest.OneReceiver, ruletest.TwoReceivers}[c.IntN(2)].Carry(tenants...)
}

// burn is that of many or few tenants of one or two tiers, beside others so large that the service as a whole is well.
func (c causes) burn() cause {
	to := causeAt + c.between(5, 40)*minute
	n := []int{1, 2, 5, 60, 120}[c.IntN(5)]
	tiers := []string{"enterprise", "standard"}
	c.Shuffle(2, func(i, j int) { tiers[i], tiers[j] = tiers[j], tiers[i] })
	if c.chance(2) {
		tiers = tiers[:1]
	}
	share := []float64{1, .5, .1}[c.IntN(3)]
	all := ruletest.Tenants(n, "", 1, func(i int, t *simTenant) {
		t.Tier = tiers[i%len(tiers)]
		t.Failing = ruletest.Failing(share, causeAt, to)
	})
	all = append(all,
		ruletest.Tenants(3, "enterprise", 1e6, func(i int, t *simTenant) { t.Name = fmt.Sprint("giant", i) })...)
	severe := n >= 5 || tiers[0] == "enterprise"
	probers := c.probers("home", "", metric.TierNone, "P1", 1)
	return cause{
		what: fmt.Sprintf("%d tenants of %v fail %v of their requests for %d min beside giants", n, tiers, share,
			(to-causeAt)/minute),
		exporters: append(probers, c.receivers(all)...),
		severe:    severe,
		mild:      !severe && n < 3 && len(tiers) == 1,
	}
}

// tenantsDown are tenants whose own checks are down while the service's is up.
func (c causes) tenantsDown() cause {
	n := []int{1, 2, 3, 55}[c.IntN(4)]
	tier := []string{"enterprise", "standard"}[c.IntN(2)]
	to := causeAt + c.between(5, 40)*minute
	all := c.probers("home", "", metric.TierNone, "P1", 1)
	for i := range n {
		down := c.probers("tenant-home", fmt.Sprint("t", i), tier, pages[tier], 1)
		down[0].Broken = []spell{{causeAt, to}}
		all = append(all, down...)
	}
	blind := ""
	if c.chance(2) { // while they are down

		at := causeAt + 3*minute + c.IntN(to-causeAt-4*minute)
		blind = fmt.Sprint(", blind from ", at)
		for _, e := range all[1:] {
			e.Blind = []spell{{at, at + 25*minute}}
		}
	}
	severe := tier == "enterprise" || n >= 3
	return cause{
		what: fmt.Sprintf("%d tenants of %s down for %d min%s", n, tier, (to-causeAt)/minute, blind), exporters: all,
		severe: severe, mild: !severe && blind == "",
	}
}

// unjudged is a network that the probers lose, all at once.
func (c causes) unjudged() cause {
	all := c.probers("home", "", metric.TierNone, "P1", c.between(1, 2))
	all = append(all, c.probers("api", "", metric.TierNone, "P1", len(all))...)
	to := causeAt + c.between(20, 50)*minute
	for _, e := range all {
		e.Blind = []spell{{causeAt + c.IntN(minute), to}}
	}
	return cause{what: fmt.Sprintf("%d probers without a network until %d", len(all), to), exporters: all, severe: true}
}

// dead are probers that die, all at once or one after the other.
func (c causes) dead() cause {
	all := c.probers("home", "", metric.TierNone, "P1", c.between(1, 2))
	all = append(all, c.probers("api", "", metric.TierNone, "P1", len(all))...)
	to := causeAt + c.between(20, 50)*minute
	for _, e := range all {
		e.Off = []spell{{causeAt + c.IntN(3*minute), to}}
	}
	return cause{
		what: fmt.Sprintf("%d probers dead until %d", len(all), to), exporters: all, severe: true,
		alert: metric.EnvironmentUnwatchedAlert,
	}
}

// TestOneCauseOnePage checks that one cause is one page, whatever happens to the monitoring meanwhile. Prometheus's
// own engine evaluates the rules, and Alertmanager's own inhibition hides alerts. Its stories are drawn, like
// those of the tests beside it, by testkit.Seed.
func TestOneCauseOnePage(t *testing.T) {
	ruletest.Simulates(t)
	draw := causes{testkit.Random(t)}
	var all []cause
	for range 3 {
		all = append(all, draw.outage(), draw.outage(), draw.burn(), draw.tenantsDown(), draw.unjudged(), draw.dead())
	}
	// The pairs that were found first.
	all = append(all, cause{what: "120 of one tier beside giants", severe: true, exporters: append(
		draw.probers("home", "", metric.TierNone, "P1", 1),
		ruletest.OneReceiver.Carry(append(ruletest.Tenants(120, "enterprise", 1, func(_ int, t *simTenant) {
			t.Failing = ruletest.Failing(1, causeAt, causeAt+20*minute)
		}), ruletest.Tenants(3, "enterprise", 1e6, func(i int, t *simTenant) { t.Name = fmt.Sprint("giant", i) })...)...)...,
	)})
	all = append(all, cause{what: "5 of two tiers beside giants", severe: true, exporters: append(
		draw.probers("home", "", metric.TierNone, "P1", 1),
		ruletest.OneReceiver.Carry(append(ruletest.Tenants(5, "", 1, func(i int, t *simTenant) {
			t.Tier, t.Failing = []string{"standard", "enterprise"}[i%2], ruletest.Failing(.5, causeAt, causeAt+5*minute)
		}), ruletest.Tenants(3, "enterprise", 1e6, func(i int, t *simTenant) { t.Name = fmt.Sprint("giant", i) })...)...)...,
	)})
	blind := draw.probers("home", "", metric.TierNone, "P1", 1)
	blind[0].Broken, blind[0].Blind = []spell{{causeAt, causeAt + 50*minute}},
		[]spell{{causeAt + 5*minute, causeAt + 40*minute}}
	all = append(all, cause{what: "down, then unknown", exporters: blind, severe: true})
	judgeCauses(t, all)
}

func judgeCauses(t *testing.T, all []cause) {
	t.Helper()
	var scenarios []scenario
	for i, c := range all {
		scenarios = append(scenarios, scenario{Name: fmt.Sprint("c", i), Exporters: c.exporters})
	}
	w := ruletest.NewWorld(t, scenarios...)
	for _, about := range []string{
		"thorbis-health", "thorbis-slo", "thorbis-uptime", "thorbis-policy", "thorbis-exporter", "thorbis-tenant",
	} {
		before := len(w.GroupsOnly)
		for _, g := range w.Groups {
			if strings.HasPrefix(g.Name(), about) {
				w.GroupsOnly = append(w.GroupsOnly, g.Name())
			}
		}
		if len(w.GroupsOnly) == before {
			t.Errorf("no group begins with %s", about)
		}
	}
	w.RunSlowly(0, causeAt-5*minute, minute)
	w.RunFrom(causeAt-5*minute, causeAt+20*minute)
	w.RunSlowly(causeAt+20*minute, causeEnd, minute)
	pager := newPager(t)
	for i, c := range all {
		fired := w.Fired(scenarios[i].Name)
		sent := pager.pages(fired)
		for n, page := range sent {
			if n > 0 && page.priority >= sent[n-1].priority {
				t.Errorf("%s: is paged again: %v\nwhat fired: %v", c.what, sent, fired)
				break
			}
		}
		if c.severe && len(sent) == 0 {
			t.Errorf("%s: pages no one; what fired: %v", c.what, fired)
		}
		if c.alert != nil && len(sent) > 0 && sent[0].alert != c.alert.Name {
			t.Errorf("%s: pages %v, want %s; what fired: %v", c.what, sent, c.alert.Name, fired)
		}
		if c.mild && len(sent) > 0 {
			t.Errorf("%s: pages: %v", c.what, sent)
		}
	}
}
