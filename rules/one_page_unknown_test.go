package rules_test

import (
	"math/rand/v2"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestUnknownPagesOnce checks that an emptied registry is one page, also if its requests fail. An outage beside the
// noise of scanners is the page of the check alone.
func TestUnknownPagesOnce(t *testing.T) {
	ruletest.Simulates(t)
	const to = causeAt + 30*minute
	draw := causes{rand.New(rand.NewPCG(1, 0))}
	home := func() []*simExporter { return draw.probers("home", "", metric.TierNone, "P1", 1) }
	lost := func(_ int, t *simTenant) { t.Silent = []spell{{causeAt, to}} }
	down := home()
	down[0].Broken = []spell{{causeAt, to}}
	judgeCauses(t, []cause{
		{what: "the registry is emptied", exporters: append(home(), ruletest.OneReceiver.Carry(
			append(ruletest.Tenants(6, "enterprise", 10, lost), ruletest.UnknownHosts(60, func(t *simTenant) {
				t.Silent = []spell{{0, causeAt}, {to, 9 * hour}}
			}))...)...), severe: true},
		{what: "the registry is emptied and all fails", exporters: append(home(), ruletest.TwoReceivers.Carry(
			append(ruletest.Tenants(6, "enterprise", 10, lost), ruletest.UnknownHosts(60, func(t *simTenant) {
				t.Silent, t.Failing = []spell{{0, causeAt}, {to, 9 * hour}}, ruletest.Failing(1, causeAt, to)
			}))...)...), severe: true},
		{what: "down beside a scanner", exporters: append(
			down,
			ruletest.OneReceiver.Carry(append(ruletest.Tenants(6, "enterprise", 10, lost), ruletest.UnknownHosts(2, nil))...)...,
		), severe: true},
		{what: "a tenth is unknown and fails", exporters: append(home(), ruletest.OneReceiver.Carry(
			append(ruletest.Tenants(6, "enterprise", 10, nil), ruletest.UnknownHosts(6, func(t *simTenant) {
				t.Failing = ruletest.Failing(1, causeAt, to)
			}))...)...), mild: true},
	})
}
