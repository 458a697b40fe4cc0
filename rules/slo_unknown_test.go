package rules

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

// unknown returns requests of hosts that no tenant owns.
func unknown(rate float64, each func(t *simTenant)) simTenant {
	t := simTenant{name: metric.TenantUnknown, rate: rate, noTier: true}
	if each != nil {
		each(&t)
	}
	return t
}

// TestUnknownCounts covers a service whose requests mostly have a host that no tenant owns. That pages at P2, and
// their failures page like those of any request of the service. A few of them, or those of a scanner on an idle
// service, page no one.
func TestUnknownCounts(t *testing.T) {
	simulates(t)
	const begins, ends = warmup, warmup + 20*minute
	lost := func(_ int, t *simTenant) { t.silent = []spell{{begins, 9 * hour}} }
	later := func(t *simTenant) { t.silent = []spell{{0, begins}} }
	fails := func(share float64) func(*simTenant) {
		return func(t *simTenant) { t.failing = failing(share, begins, ends) }
	}
	most, fast := "ThorbisMostRequestsUnknown/P2", "ThorbisSLOBurn/P1fast"
	for name, carry := range carriers {
		t.Run(name, func(t *testing.T) {
			with := func(own []simTenant, u simTenant) []*simExporter { return carry(append(own, u)...) }
			four := crowd(4, "enterprise", 5, nil)
			runStories(t, requestsEnd, []sloCase{
				{"a fifth is unknown and fails", with(crowd(4, "enterprise", 5, nil), unknown(4, fails(1))), []string{"ThorbisUnknownHosts/P4"}},
				{"the registry is emptied", with(crowd(4, "enterprise", 5, lost), unknown(20, later)), []string{most, "ThorbisUnknownHosts/P4"}},
				{
					"the registry is emptied and all fails", with(crowd(4, "enterprise", 5, lost), unknown(20, func(t *simTenant) {
						later(t)
						t.failing = failing(1, begins, ends)
					})), []string{fast, most, "ThorbisUnknownHosts/P4"},
				},
				{"no tenant was ever registered", with(nil, unknown(20, fails(1))), []string{most, "ThorbisUnknownHosts/P4", fast}},
				{"nor later, and the answers are slow", with(nil, unknown(20, func(t *simTenant) {
					t.slow = failing(.9, begins, begins+75*minute)
				})), []string{most, "ThorbisUnknownHosts/P4", "ThorbisSLOBurn/P3slow", "ThorbisSLOBurn/P2medium", fast}},
				{"a scanner on an idle service", with(nil, unknown(.2, fails(1))), []string{"ThorbisUnknownHosts/P4"}},
				{"a scanner for four minutes", with(crowd(1, "enterprise", .1, nil), unknown(30, func(t *simTenant) {
					t.silent = []spell{{0, begins}, {begins + 4*minute, 9 * hour}}
				})), nil},
				{"a worst tenant beside unknown hosts that fail", with(append(four, simTenant{
					name: "bad", tier: "standard", rate: 5, failing: failing(1, begins, ends),
				}), unknown(60, fails(.5))), []string{most, "ThorbisUnknownHosts/P4", fast}},
			}, "thorbis-tenant-throughput")
		})
	}
}

// TestUnknownPagesOnce checks that an emptied registry is one page, also if its requests fail. An outage beside the
// noise of scanners is the page of the check alone.
func TestUnknownPagesOnce(t *testing.T) {
	simulates(t)
	const to = causeAt + 30*minute
	draw := causes{rand.New(rand.NewPCG(1, 0))}
	home := func() []*simExporter { return draw.probers("home", "", metric.TierNone, "P1", 1) }
	lost := func(_ int, t *simTenant) { t.silent = []spell{{causeAt, to}} }
	down := home()
	down[0].broken = []spell{{causeAt, to}}
	judgeCauses(t, []cause{
		{what: "the registry is emptied", exporters: append(home(), oneReceiver.carry(append(crowd(6, "enterprise", 10, lost), unknown(60, func(t *simTenant) {
			t.silent = []spell{{0, causeAt}, {to, 9 * hour}}
		}))...)...), severe: true},
		{what: "the registry is emptied and all fails", exporters: append(home(), twoReceivers.carry(append(crowd(6, "enterprise", 10, lost), unknown(60, func(t *simTenant) {
			t.silent, t.failing = []spell{{0, causeAt}, {to, 9 * hour}}, failing(1, causeAt, to)
		}))...)...), severe: true},
		{what: "down beside a scanner", exporters: append(down, oneReceiver.carry(append(crowd(6, "enterprise", 10, lost), unknown(2, nil))...)...), severe: true},
		{what: "a tenth is unknown and fails", exporters: append(home(), oneReceiver.carry(append(crowd(6, "enterprise", 10, nil), unknown(6, func(t *simTenant) {
			t.failing = failing(1, causeAt, to)
		}))...)...), mild: true},
	})
}

// TestUnknownTotals checks that requests of unknown hosts count only while they are most of the requests. The end of
// that time takes nothing from the totals, and its beginning adds nothing from before.
func TestUnknownTotals(t *testing.T) {
	simulates(t)
	const end = 2 * hour
	for name, layout := range map[string]trafficLayout{"one exporter": oneReceiver, "two exporters": twoReceivers} {
		t.Run(name, func(t *testing.T) {
			bursts := unknown(40, func(t *simTenant) {
				t.silent = []spell{{0, 30 * minute}, {50 * minute, 70 * minute}, {90 * minute, end}}
				t.failing, t.late = failing(.1, 0, end), failing(.25, 75*minute, end)
			})
			w := newWorld(t,
				scenario{"most", layout.carry(append(crowd(2, "standard", 5, nil), bursts)...)},
				scenario{"some", layout.carry(append(crowd(2, "standard", 5, nil), unknown(9, func(t *simTenant) {
					t.failing = failing(1, 0, end)
				}))...)},
			).onlyRequests()
			w.run(end)
			value := func(name string, r *metric.Record) float64 {
				t.Helper()
				v, ok := w.value(end-minute, r.Select(fmt.Sprintf(`environment=%q,slo="availability"`, name)))
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
				{"most", metric.EventsLedger.Total, own + 2*of - of/4*.75, 2*40*100 + 10*90},
				{"most", metric.BadLedger.Total, (2*of - of/4*.75) / 10, 2 * 4 * 100},
				{"most", metric.LateEventsLedger.Total, of / 4 * .75, 40 / 4 * 150},
				{"most", metric.LateBadLedger.Total, of / 4 * .75 / 10, 150},
				{"some", metric.EventsLedger.Total, own, 10 * 90},
				{"some", metric.BadLedger.Total, 0, 0},
			} {
				if got := value(c.name, c.r); math.Abs(got-c.want) > c.gap {
					t.Errorf("%s: %s is %.0f, want %.0f", c.name, c.r.Name, got, c.want)
				}
				env := fmt.Sprintf(`environment=%q,slo="availability"`, c.name)
				if n, _ := w.value(end-minute, "resets("+c.r.Select(env)+"[2h])"); n != 0 {
					t.Errorf("%s: %s goes back %.0f times", c.name, c.r.Name, n)
				}
			}
		})
	}
}
