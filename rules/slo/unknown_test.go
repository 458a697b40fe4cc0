package slo_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestUnknownCounts covers a service whose requests mostly have a host that no tenant owns. That pages at P2, and
// their failures page like those of any request of the service. A few of them, or those of a scanner on an idle
// service, page no one.
func TestUnknownCounts(t *testing.T) {
	ruletest.Simulates(t)
	const begins, ends = warmup, warmup + 20*minute
	lost := func(_ int, t *simTenant) { t.Silent = []spell{{begins, 9 * hour}} }
	later := func(t *simTenant) { t.Silent = []spell{{0, begins}} }
	fails := func(share float64) func(*simTenant) {
		return func(t *simTenant) { t.Failing = ruletest.Failing(share, begins, ends) }
	}
	most, fast := "ThorbisMostRequestsUnknown/P2", "ThorbisSLOBurn/P1fast"
	for name, carry := range carriers {
		t.Run(name, func(t *testing.T) {
			with := func(own []simTenant, u simTenant) []*simExporter { return carry(append(own, u)...) }
			four := ruletest.Tenants(4, "enterprise", 5, nil)
			runStories(t, requestsEnd, []sloCase{
				{"a fifth is unknown and fails", with(ruletest.Tenants(4, "enterprise", 5, nil),
					ruletest.UnknownHosts(4, fails(1))), []string{"ThorbisUnknownHosts/P4"}},
				{
					"the registry is emptied", with(ruletest.Tenants(4, "enterprise", 5, lost), ruletest.UnknownHosts(20, later)),
					[]string{most, "ThorbisUnknownHosts/P4"},
				},
				{
					"the registry is emptied and all fails", with(ruletest.Tenants(4, "enterprise", 5, lost),
						ruletest.UnknownHosts(20, func(t *simTenant) {
							later(t)
							t.Failing = ruletest.Failing(1, begins, ends)
						})), []string{fast, most, "ThorbisUnknownHosts/P4"},
				},
				{
					"no tenant was ever registered", with(nil, ruletest.UnknownHosts(20, fails(1))),
					[]string{most, "ThorbisUnknownHosts/P4", fast},
				},
				{"nor later, and the answers are slow", with(nil, ruletest.UnknownHosts(20, func(t *simTenant) {
					t.Slow = ruletest.Failing(.9, begins, begins+75*minute)
				})), []string{most, "ThorbisUnknownHosts/P4", "ThorbisSLOBurn/P3slow", "ThorbisSLOBurn/P2medium", fast}},
				{
					"a scanner on an idle service", with(nil, ruletest.UnknownHosts(.2, fails(1))),
					[]string{"ThorbisUnknownHosts/P4"},
				},
				{
					"a scanner for four minutes",
					with(ruletest.Tenants(1, "enterprise", .1, nil), ruletest.UnknownHosts(30, func(t *simTenant) {
						t.Silent = []spell{{0, begins}, {begins + 4*minute, 9 * hour}}
					})), nil,
				},
				{"a worst tenant beside unknown hosts that fail", with(append(four, simTenant{
					Name: "bad", Tier: "standard", Rate: 5, Failing: ruletest.Failing(1, begins, ends),
				}), ruletest.UnknownHosts(60, fails(.5))), []string{most, "ThorbisUnknownHosts/P4", fast}},
			}, "thorbis-tenant-throughput")
		})
	}
}

// TestUnknownTotals checks that requests of unknown hosts count only while they are most of the requests. The end of
// that time takes nothing from the totals, and its beginning adds nothing from before.
func TestUnknownTotals(t *testing.T) {
	ruletest.Simulates(t)
	const end = 2 * hour
	for name, layout := range map[string]ruletest.TrafficLayout{
		"one exporter": ruletest.OneReceiver, "two exporters": ruletest.TwoReceivers,
	} {
		t.Run(name, func(t *testing.T) {
			bursts := ruletest.UnknownHosts(40, func(t *simTenant) {
				t.Silent = []spell{{0, 30 * minute}, {50 * minute, 70 * minute}, {90 * minute, end}}
				t.Failing, t.Late = ruletest.Failing(.1, 0, end), ruletest.Failing(.25, 75*minute, end)
			})
			w := ruletest.NewWorld(t,
				scenario{Name: "most", Exporters: layout.Carry(append(ruletest.Tenants(2, "standard", 5, nil), bursts)...)},
				scenario{Name: "some", Exporters: layout.Carry(
					append(ruletest.Tenants(2, "standard", 5, nil), ruletest.UnknownHosts(9, func(t *simTenant) {
						t.Failing = ruletest.Failing(1, 0, end)
					}))...)},
			).OnlyRequests()
			w.Run(end)
			value := func(name string, r *metric.Record) float64 {
				t.Helper()
				v, ok := w.Value(end-minute, r.Select(fmt.Sprintf(`environment=%q,slo="availability"`, name)))
				if !ok {
					t.Errorf("%s: no %s", name, r.Name)
				}
				return v
			}
			const own, of = 10. * end, 40. * 20 * minute
			// They are most after 75 s; late ones arrive at the pace of two minutes.
			for _, c := range []struct {
				name      string
				r         *metric.Record
				want, gap float64
			}{
				{"most", metric.EventsTotals.Total, own + 2*of - of/4*.75, 2*40*100 + 10*90},
				{"most", metric.BadTotals.Total, (2*of - of/4*.75) / 10, 2 * 4 * 100},
				{"most", metric.LateEventsTotals.Total, of / 4 * .75, 40 / 4 * 150},
				{"most", metric.LateBadTotals.Total, of / 4 * .75 / 10, 150},
				{"some", metric.EventsTotals.Total, own, 10 * 90},
				{"some", metric.BadTotals.Total, 0, 0},
			} {
				if got := value(c.name, c.r); math.Abs(got-c.want) > c.gap {
					t.Errorf("%s: %s is %.0f, want %.0f", c.name, c.r.Name, got, c.want)
				}
				env := fmt.Sprintf(`environment=%q,slo="availability"`, c.name)
				if n, _ := w.Value(end-minute, "resets("+c.r.Select(env)+"[2h])"); n != 0 {
					t.Errorf("%s: %s goes back %.0f times", c.name, c.r.Name, n)
				}
			}
		})
	}
}
