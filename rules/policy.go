package rules

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// groupLimit is how many rules mixtool permits in a group.
const groupLimit = 20

// defaultPool is how many tenants of a tier must be down where the policy sets no pool.
const defaultPool = 2

// promises writes the objectives and names of the policy as constant series, so that the rules are the same for every
// policy. Their number grows with services, tiers and locations, never with checks or tenants.
func promises(p *config.Policy) []Group {
	var rules []Rule
	add := func(r *metric.Record, value string, labels map[string]string) {
		labels[metric.LabelEnvironment] = p.Environment
		rules = append(rules, Rule{Record: r, Expr: "vector(" + value + ")", Labels: labels})
	}

	add(metric.PolicyErrorBudget, config.Decimal(p.Objectives.Availability.Budget()), map[string]string{})
	add(metric.FreshnessBudget, config.Decimal(p.Objectives.BackupFreshness.Budget()), map[string]string{})
	add(metric.ResponseBudget, config.Decimal(p.Objectives.Response.Budget()), map[string]string{})
	for _, s := range watchedServices(p) {
		add(metric.ServiceExpected, "1", map[string]string{
			metric.LabelAppService: s.Name, metric.LabelOwner: s.Owner, metric.LabelPage: s.Page,
		})
		if !s.Availability.IsZero() {
			add(metric.ServiceErrorBudget, config.Decimal(s.Availability.Budget()),
				map[string]string{metric.LabelAppService: s.Name})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Tiers)) {
		t := p.Tiers[name]
		pool := t.Pool.Tenants
		if pool == 0 {
			pool = defaultPool
		}
		add(metric.TierPool, strconv.Itoa(pool), map[string]string{metric.LabelTier: name, metric.LabelPage: t.Page})
		if !t.Availability.IsZero() {
			add(metric.TierErrorBudget, config.Decimal(t.Availability.Budget()), map[string]string{metric.LabelTier: name})
		}
	}
	sloPromises(p, add)
	return split("thorbis-policy", rules)
}

// watchedServices returns the services that have a check. A service that the policy does not declare gets the owner
// and the most urgent page of its checks.
func watchedServices(p *config.Policy) []config.Service {
	byName := map[string]config.Service{}
	for _, c := range p.Health.Checks {
		if s, ok := p.Service(c.AppService); ok {
			byName[s.Name] = *s
			continue
		}
		owner, page := p.PageOf(c)
		s, ok := byName[c.AppService]
		if !ok || config.PriorityRank(page) < config.PriorityRank(s.Page) {
			byName[c.AppService] = config.Service{Name: c.AppService, Owner: owner, Page: page}
		}
	}
	services := make([]config.Service, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		services = append(services, byName[name])
	}
	return services
}

// split cuts rules into groups that mixtool permits.
func split(name string, rules []Rule) []Group {
	var groups []Group
	for chunk := range slices.Chunk(rules, groupLimit) {
		groups = append(groups, Group{
			Name:     fmt.Sprintf("%s-%d", name, len(groups)+1),
			Interval: windowInterval,
			Rules:    chunk,
		})
	}
	return groups
}
