package platform

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// defaultPool is how many tenants of a tier must be down where the policy sets no pool.
const defaultPool = 2

// Constants records the objectives and names of the policy. Their number grows with services and tiers, never with
// checks or tenants.
func Constants(p *config.Policy) []rule.Rule {
	var rules []rule.Rule
	add := func(r *metric.Record, value string, labels map[string]string) {
		rules = append(rules, rule.Constant(p, r, value, labels))
	}

	rules = append(rules, pageRank(p))
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
	return rules
}

// pageRank ranks the priorities at which something pages.
func pageRank(p *config.Policy) rule.Rule {
	var terms []string
	for _, page := range config.Priorities {
		terms = append(terms,
			fmt.Sprintf(`label_replace(vector(%d), %q, %q, "", "")`, config.PriorityRank(page), metric.LabelPage, page))
	}
	return rule.Rule{
		Record: metric.PageRank, Expr: strings.Join(terms, "\nor\n"),
		Labels: map[string]string{metric.LabelEnvironment: p.Environment},
	}
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
