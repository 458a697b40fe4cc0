package health_test

import (
	"fmt"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

func broken(s ...spell) func(ruletest.Layout, *simExporter) {
	return func(_ ruletest.Layout, e *simExporter) { e.Broken = s }
}

func atFirst(l ruletest.Layout, e *simExporter) bool { return e.Location == l.Exporters[0].Location }

func flaps(n int) []spell {
	var s []spell
	for i := range n {
		s = append(s, spell{begin + 2*minute*i, begin + 2*minute*i + 25})
	}
	return s
}

// simulations are the cases of the alerts on health checks.
var simulations = []ruletest.Simulation{
	{
		Alert: metric.CheckDownAlert, Priority: "P1", Steady: true,
		Fires: broken(spell{begin, begin + 20*minute}), Misses: broken(spell{begin, begin + 25}),
	},
	{
		Alert: metric.TenantDownAlert, Priority: "P2", Steady: true,
		Fires: func(_ ruletest.Layout, e *simExporter) {
			e.Tenant, e.Tier, e.Page, e.Broken = "acme", "enterprise", "P2", []spell{{begin, begin + 20*minute}}
		},
		Misses: func(_ ruletest.Layout, e *simExporter) {
			e.Tenant, e.Tier, e.Page, e.Broken = "acme", "enterprise", "P2", []spell{{begin, begin + 25}}
		},
	},
	{
		Alert: metric.TierDownAlert, Priority: "P2", Steady: true, Copies: 3,
		Copy: func(i int, e *simExporter) {
			e.Tenant, e.Tier, e.Page = fmt.Sprintf("t%d", i), "standard", "P4"
		},
		Fires: broken(spell{begin, begin + 20*minute}),
		Misses: func(_ ruletest.Layout, e *simExporter) {
			if e.Tenant != "t2" {
				e.Broken = []spell{{begin, begin + 20*minute}}
			}
		},
	},
	{
		Alert: metric.ManyTenantsDownAlert, Priority: "P1", Steady: true, Copies: rule.ManyTenants,
		Copy: func(i int, e *simExporter) {
			e.Tenant, e.Tier, e.Page = fmt.Sprintf("t%d", i), "free", "P4"
		},
		Fires: broken(spell{begin, begin + 7*minute}),
		Misses: func(_ ruletest.Layout, e *simExporter) {
			if e.Tenant != "t7" {
				e.Broken = []spell{{begin, begin + 7*minute}}
			}
		},
	},
	{
		Alert: metric.UptimeBurnAlert, Priority: "P2", Steady: true,
		Fires:  func(_ ruletest.Layout, e *simExporter) { e.Interval, e.Broken = 10, flaps(15) },
		Misses: func(_ ruletest.Layout, e *simExporter) { e.Interval, e.Broken = 10, flaps(1) },
	},
	{
		Alert: metric.CertificateAlert, Priority: "P3", Steady: true,
		Fires:  func(_ ruletest.Layout, e *simExporter) { e.Certificate = float64(ruletest.At(begin + 14*day).Unix()) },
		Misses: func(_ ruletest.Layout, e *simExporter) { e.Certificate = float64(ruletest.At(begin + 15*day).Unix()) },
	},
	{
		Alert: metric.EnvironmentUnwatchedAlert, Priority: "P1",
		Fires:  func(_ ruletest.Layout, e *simExporter) { e.Off = []spell{{begin, begin + 25*minute}} },
		Misses: func(_ ruletest.Layout, e *simExporter) { e.Off = []spell{{begin, begin + 6*minute}} },
	},
	{
		Alert: metric.ServiceUnwatchedAlert, Priority: "P1", Copies: 2,
		Copy: func(i int, e *simExporter) {
			e.Service, e.Check = []string{"web", "api"}[i], []string{"home", "api"}[i]
			e.Instance += "-" + e.Service
		},
		Fires: func(_ ruletest.Layout, e *simExporter) {
			if e.Service == "api" {
				e.Off = []spell{{begin, begin + 25*minute}}
			}
		},
		Misses: func(_ ruletest.Layout, e *simExporter) {
			if e.Service == "api" {
				e.Off = []spell{{begin, begin + 6*minute}}
			}
		},
	},
	{
		Alert: metric.CheckSilentAlert, Priority: "P2", Copies: 2,
		Copy: func(i int, e *simExporter) { e.Check = fmt.Sprintf("check-%d", i) },
		Fires: func(_ ruletest.Layout, e *simExporter) {
			if e.Check == "check-1" {
				e.Hung = []spell{{begin, begin + 30*minute}}
			}
		},
		Misses: func(_ ruletest.Layout, e *simExporter) {
			if e.Check == "check-1" {
				e.Hung = []spell{{begin, begin + 6*minute}}
			}
		},
	},
	{
		Alert: metric.CheckUnknownAlert, Priority: "P2",
		Fires:  func(_ ruletest.Layout, e *simExporter) { e.Blind = []spell{{begin, begin + 30*minute}} },
		Misses: func(_ ruletest.Layout, e *simExporter) { e.Blind = []spell{{begin, begin + 10*minute}} },
	},
	{
		Alert: metric.LocationSilentAlert, Priority: "P3",
		Fires: func(l ruletest.Layout, e *simExporter) {
			if atFirst(l, e) {
				e.Off = []spell{{begin, begin + 25*minute}}
			}
		},
		Misses: func(l ruletest.Layout, e *simExporter) {
			if atFirst(l, e) {
				e.Off = []spell{{begin, begin + 6*minute}}
			}
		},
	},
	{
		Alert: metric.ProberOfflineAlert, Priority: "P3",
		Fires: func(l ruletest.Layout, e *simExporter) {
			if atFirst(l, e) {
				e.Blind = []spell{{begin, begin + 20*minute}}
			}
		},
		Misses: func(l ruletest.Layout, e *simExporter) {
			if atFirst(l, e) {
				e.Blind = []spell{{begin, begin + 4*minute}}
			}
		},
	},
	{
		Alert: metric.ReferenceDeadAlert, Priority: "P4",
		Fires: func(l ruletest.Layout, e *simExporter) {
			if atFirst(l, e) {
				e.Unreferred = []spell{{begin, begin + 25*minute}}
			}
		},
		Misses: func(l ruletest.Layout, e *simExporter) {
			if atFirst(l, e) {
				e.Unreferred = []spell{{begin, begin + 9*minute}}
			}
		},
	},
}

// TestAlerts runs every simulated alert over every layout.
func TestAlerts(t *testing.T) { ruletest.Simulate(t, simulations) }
