package rules_test

import (
	"fmt"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// twoServices are the exporters of web and api, each with a check of its own, at one or two locations.
func (c causes) twoServices(locations int) []*simExporter {
	all := c.probers("home", "", metric.TierNone, "P1", locations)
	for _, e := range c.probers("api", "", metric.TierNone, "P1", locations) {
		e.Service = "api"
		all = append(all, e)
	}
	return all
}

// exportersOf returns the exporters of a service.
func exportersOf(name string, all []*simExporter) []*simExporter {
	var own []*simExporter
	for _, e := range all {
		if e.Service == name {
			own = append(own, e)
		}
	}
	return own
}

// exporterStories are the ways in which exporters of two services die and come back.
func (c causes) exporterStories() []cause {
	to := causeAt + c.between(20, 50)*minute
	begin := causeAt + c.IntN(minute)
	var all []cause
	add := func(what string, alert *metric.Alert, exporters []*simExporter) {
		all = append(all, cause{
			what: fmt.Sprintf("%s from %d to %d", what, begin, to), exporters: exporters,
			severe: alert != nil, mild: alert == nil, alert: alert,
		})
	}
	environment, service := metric.EnvironmentUnwatchedAlert, metric.ServiceUnwatchedAlert

	only := c.twoServices(1)
	for _, e := range only {
		e.Off = []spell{{begin, to}}
	}
	add("the only exporter dies", environment, only)

	counting := c.twoServices(1)
	counting = append(counting, c.receivers(ruletest.Tenants(6, "enterprise", 10, nil))...)
	for _, e := range counting {
		e.Off = []spell{{begin, to}}
	}
	add("the only exporter, which counts requests too, dies", environment, counting)

	inTurn := c.twoServices(2)
	for _, e := range inTurn {
		e.Off = []spell{{begin + c.IntN(3*minute), to + c.IntN(4*minute)}}
	}
	add("all exporters die and come back one after the other", environment, inTurn)

	hung := c.twoServices(1)
	for _, e := range hung {
		e.Hung = []spell{{begin, to}}
	}
	add("the only exporter hangs", environment, hung)

	undiscovered := c.twoServices(2)
	for _, e := range undiscovered {
		e.Gone = []spell{{begin, to}}
	}
	add("all exporters leave service discovery", environment, undiscovered)

	one := c.twoServices(c.between(1, 2))
	for _, e := range exportersOf("api", one) {
		e.Off = []spell{{begin, to}}
	}
	add("the exporters of one service die", service, one)

	survivor := c.twoServices(2)
	for _, e := range survivor {
		if e.Location == "fra" {
			e.Off = []spell{{begin, to}}
		}
	}
	add("the exporters of one location die", nil, survivor)

	rolling := c.twoServices(1)
	for i, e := range rolling {
		e.Off = []spell{{begin + i*2*minute, begin + i*2*minute + c.between(20, 110)}}
	}
	add("a rolling restart", nil, rolling)

	restart := c.twoServices(1)
	length := c.between(1, 4) * minute
	for _, e := range restart {
		e.Off = []spell{{begin, begin + length}}
	}
	add("a restart of all", nil, restart)
	return all
}

// TestExportersDieOnePage checks that one page stands for all services while nothing of the environment is watched.
// That holds whatever the exporters died of and however they come back. A single unwatched service pages for itself.
func TestExportersDieOnePage(t *testing.T) {
	ruletest.Simulates(t)
	judgeCauses(t, causes{testkit.Random(t)}.exporterStories())
}
