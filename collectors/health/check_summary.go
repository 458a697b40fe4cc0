package health

import (
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// maxListed bounds the checks of an answer.
const maxListed = 5_000

// CheckSummary is a check of the policy, or one of which there is history.
type CheckSummary struct {
	Check      string `json:"check"`
	AppService string `json:"app_service,omitempty"`
	PerTenant  bool   `json:"per_tenant"`
	// Configured is false for a check that is in the history alone.
	Configured  bool           `json:"configured"`
	States      map[string]int `json:"states"` // targets in each state
	OpenOutages int            `json:"open_outages"`
}

// Checks lists the checks by name, those of the policy first, and how many were left out.
func (c *Collector) Checks() (list []CheckSummary, omitted int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := map[string]*CheckSummary{}
	for _, s := range c.order {
		spec, _ := c.policy.Check(s.check)
		known[s.check] = &CheckSummary{
			Check: s.check, AppService: s.appService, PerTenant: spec != nil && spec.PerTenant != nil, Configured: true,
			States: map[string]int{},
		}
		for _, state := range metric.HealthStates {
			known[s.check].States[state] = 0
		}
	}
	for _, t := range c.sorted {
		known[t.check].States[t.machine.state]++
		if !t.machine.OutageStart.IsZero() {
			known[t.check].OpenOutages++
		}
	}
	for _, a := range c.history.months {
		for name := range a.checks() {
			if known[name] == nil {
				known[name] = &CheckSummary{Check: name, States: map[string]int{}}
			}
		}
	}
	for _, s := range known {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b CheckSummary) int {
		switch {
		case a.Configured == b.Configured:
			return strings.Compare(a.Check, b.Check)
		case a.Configured:
			return -1
		}
		return 1
	})
	if len(list) > maxListed {
		list, omitted = list[:maxListed], len(list)-maxListed
	}
	return list, omitted
}
