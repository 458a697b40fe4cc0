package slo

import (
	"maps"
	"slices"
	"strconv"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// Constants records the budgets of every objective that counts events. A service without such events has them too.
func Constants(p *config.Policy) []rule.Rule {
	var rules []rule.Rule
	add := func(r *metric.Record, value string, labels map[string]string) {
		rules = append(rules, rule.Constant(p, r, value, labels))
	}
	objective := func(s *config.Service, name, budget string) {
		add(metric.SLOBudget, budget, map[string]string{
			metric.LabelAppService: s.Name, metric.LabelSLO: name, metric.LabelOwner: s.Owner, metric.LabelPage: s.Page,
		})
		add(metric.SLOFloor, strconv.Itoa(eventFloor),
			map[string]string{metric.LabelAppService: s.Name, metric.LabelSLO: name})
	}
	for _, s := range p.Services {
		availability := p.Objectives.Availability
		if !s.Availability.IsZero() {
			availability = s.Availability
		}
		objective(s, metric.SLOAvailability, config.Decimal(availability.Budget()))
		for _, l := range p.Objectives.Latency {
			objective(s, latencySLO(l), config.Decimal(l.Ratio.Budget()))
		}
	}
	for _, o := range p.SLOs {
		add(metric.SLOBudget, config.Decimal(o.Objective.Budget()), map[string]string{
			metric.LabelAppService: o.AppService, metric.LabelSLO: o.Name, metric.LabelOwner: o.Owner, metric.LabelPage: o.Page,
		})
		floor := eventFloor
		if o.Unit == config.UnitSeconds {
			floor = secondFloor
		}
		add(metric.SLOFloor, strconv.Itoa(floor),
			map[string]string{metric.LabelAppService: o.AppService, metric.LabelSLO: o.Name})
	}
	rank := func(tier, page string) {
		value := len(config.Priorities) + 1 - config.PriorityRank(page)
		add(metric.TierRank, strconv.Itoa(value), map[string]string{metric.LabelTier: tier, metric.LabelPage: page})
	}
	for _, name := range slices.Sorted(maps.Keys(p.Tiers)) {
		t := p.Tiers[name]
		rank(name, t.TenantPage)
		if !t.Availability.IsZero() {
			add(metric.TierSLOBudget, config.Decimal(t.Availability.Budget()),
				map[string]string{metric.LabelTier: name, metric.LabelSLO: metric.SLOAvailability})
		}
	}
	if _, ok := p.Tiers[metric.TierNone]; !ok {
		lowest := config.Priorities[len(config.Priorities)-1]
		rank(metric.TierNone, lowest)
	}
	return rules
}
