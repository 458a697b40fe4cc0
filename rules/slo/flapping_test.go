package slo_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestFlappingIsOnePage checks that a problem that comes and goes within minutes is one alert for each thing that it
// concerns, that it fires as early as one that lasts, and that it ends within the short window and five minutes more.
func TestFlappingIsOnePage(t *testing.T) {
	ruletest.Simulates(t)
	const until = warmup + hour
	every := func(length, pause int) (all []ruletest.Trouble) {
		for from := warmup; from < until; from += length + pause {
			all = append(all, ruletest.Failing(.5, from, from+length)...)
		}
		return all
	}
	scenarios := []scenario{
		// The short window is empty for about half a minute between two bursts.
		{Name: "bursts", Exporters: ruletest.OneReceiver.Carry(ruletest.Tenants(4, "enterprise", 5,
			func(_ int, t *simTenant) { t.Failing = every(30, 5*minute+30) })...)},
		{Name: "alternating", Exporters: ruletest.OneReceiver.Carry(ruletest.Tenants(6, "enterprise", 5,
			func(i int, t *simTenant) {
				for _, s := range every(3*minute, 3*minute) {
					if i < 2 {
						from := s.From() + i*3*minute
						t.Failing = append(t.Failing, ruletest.Failing(.5, from, from+3*minute)...)
					}
				}
			})...)},
		{Name: "lasting", Exporters: ruletest.OneReceiver.Carry(ruletest.Tenants(4, "enterprise", 5,
			ruletest.EveryTenant(.5, warmup, until))...)},
	}
	w := ruletest.NewWorld(t, scenarios...).OnlyRequests()
	w.Run(until + 40*minute)
	first := w.Fired("lasting", metric.SLOBurnAlert.Name)[0].From
	for _, name := range []string{"bursts", "alternating", "lasting"} {
		var pages, fast []ruletest.Firing
		for _, f := range w.Fired(name) {
			if f.Priority == "P1" {
				pages = append(pages, f)
			}
			if f.Alert == metric.SLOBurnAlert.Name && f.Tier == "fast" {
				fast = append(fast, f)
			}
		}
		if len(pages) != 1 || len(fast) != 1 {
			t.Errorf("%s: %v, want one page", name, pages)
			continue
		}
		if name != "alternating" && fast[0].From > first {
			t.Errorf("%s: fired at %d, want %d as what lasts", name, fast[0].From, first)
		}
		if end := until + 3*minute; fast[0].To > end+11*minute {
			t.Errorf("%s: ended at %d, want at most eleven minutes after %d", name, fast[0].To, end)
		}
	}
}
