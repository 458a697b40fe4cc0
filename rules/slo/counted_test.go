package slo_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// acme is a tenant among others that carries a sixth of the service's requests.
func acme(failing []ruletest.Trouble) []simTenant {
	return append(ruletest.Tenants(5, "standard", 10, nil),
		simTenant{Name: "acme", Tier: "standard", Rate: 10, Failing: failing})
}

// TestBurnAfterAFreshStart checks that tenants burn in a state that began a moment ago as in one that is old: a
// brown-out of minutes is not a brown-out of an hour, and an outage pages in the same minute.
func TestBurnAfterAFreshStart(t *testing.T) {
	ruletest.Simulates(t)
	const (
		lost   = warmup             // a lost state is shown for ten minutes more
		begins = lost + 11*minute   // what is in the new state alone
		ends   = begins + 25*minute // of an outage
		until  = begins + 30*minute
		brief  = 4 * minute // a brown-out within every objective
		budget = .001       // of a standard tenant
		period = float64(30 * day)
	)
	brownOut, outage := ruletest.Failing(.1, begins, begins+brief), ruletest.Failing(.5, begins, ends)
	never := func([]*simExporter) {}
	loses := func(which ...int) func([]*simExporter) {
		return func(all []*simExporter) {
			for _, i := range which {
				all[i].Wiped = []int{lost}
			}
		}
	}
	cases := []struct {
		name    string
		layout  ruletest.TrafficLayout
		failing []ruletest.Trouble
		setup   func([]*simExporter)
		fires   bool
	}{
		{"brown-out", ruletest.OneReceiver, brownOut, never, false},
		{"brown-out in a new state", ruletest.OneReceiver, brownOut, loses(0), false},
		{"brown-out in two new states", ruletest.TwoReceivers, brownOut, loses(0, 1), false},
		{"brown-out in a new state beside an old one", ruletest.TwoReceivers, brownOut, loses(1), false},
		{"outage", ruletest.OneReceiver, outage, never, true},
		{"outage in a new state", ruletest.OneReceiver, outage, loses(0), true},
		{"outage in two new states", ruletest.TwoReceivers, outage, loses(0, 1), true},
		{"outage in a new state beside an old one", ruletest.TwoReceivers, outage, loses(1), true},
	}
	var scenarios []scenario
	for i, c := range cases {
		exporters := c.layout.Carry(acme(c.failing)...)
		c.setup(exporters)
		scenarios = append(scenarios, scenario{Name: fmt.Sprint("f", i), Exporters: exporters})
	}
	w := ruletest.NewWorld(t, scenarios...).OnlyRequests()
	w.RunStory(begins, until)
	first := 0
	for i, c := range cases {
		fired := w.Fired(scenarios[i].Name)
		switch {
		case !c.fires:
			if len(fired) > 0 {
				t.Errorf("%s: fired %v", c.name, fired)
			}
		case len(fired) != 1 || fired[0].Alert != metric.TenantBurnAlert.Name || fired[0].Tier != "fast":
			t.Errorf("%s: fired %v, want the burn of the tenant", c.name, fired)
		case first == 0:
			first = fired[0].From
		case fired[0].From < first-minute || fired[0].From > first+minute:
			t.Errorf("%s: fired at %d s, want %d", c.name, fired[0].From, first)
		}
		// What is left is of the whole period, whatever the service was measured for.
		since := 0
		for _, e := range scenarios[i].Exporters {
			if since = e.CountsSince; since == 0 {
				break // one has counted all the time
			}
		}
		at := until - minute
		env := fmt.Sprintf(`environment=%q,slo="availability",tenant="acme"`, scenarios[i].Name)
		bad, _ := w.Value(at, metric.TenantBadIncrease["3d"].Select(env))
		requests, _ := w.Value(at, metric.TenantBadIncrease["3d"].Select(env)+" / "+metric.TenantError["3d"].Select(env))
		counted, ok := w.Value(at, metric.TenantCoverage.Select(env))
		// It is recorded slowly.
		if want := float64(at - since); !ok || math.Abs(counted*period-want) > 3*minute {
			t.Errorf("%s: %.0f s of the period are counted, want %.0f", c.name, counted*period, want)
		}
		spent := bad / requests / budget * float64(at-since) / period
		if got, ok := w.Value(at, metric.TenantBudgetLeft.Select(env)); !ok || math.Abs(1-got-spent) > .05*spent {
			t.Errorf("%s: %.5f of the budget is left, want %.5f", c.name, got, 1-spent)
		}
	}
}

// TestYoungPrometheus checks that what a tenant did before Prometheus has data hides nothing of its service.
func TestYoungPrometheus(t *testing.T) {
	ruletest.Simulates(t)
	const measured, begins = warmup, warmup + 25*minute
	exporters := ruletest.OneReceiver.Carry(append(
		ruletest.Tenants(5, "standard", 10, ruletest.EveryTenant(.3, begins, begins+hour)),
		simTenant{Name: "noisy", Tier: "standard", Rate: 10, Failing: ruletest.Failing(1, 0, measured-5*minute)})...)
	exporters[0].CountsSince = -30 * day
	w := ruletest.NewWorld(t, scenario{Name: "young", Exporters: exporters}).OnlyRequests()
	w.PrometheusOff = []spell{{0, measured}}
	w.Run(begins + 8*minute)
	if fired := w.Fired("young", metric.SLOBurnAlert.Name); len(fired) == 0 || fired[0].Tier != "fast" ||
		fired[0].From < begins || fired[0].From > begins+5*minute {
		t.Errorf("the service's outage: %v, want a fast burn within five minutes of %d", w.Fired("young"), begins)
	}
}
