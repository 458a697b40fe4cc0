package domain

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
)

// watched is a domain whose registration is watched.
type watched struct {
	name    string
	expires time.Time // as the policy states it, for a registry that publishes no date; zero if it does not
	use
}

// use is who needs a domain.
type use struct {
	tenant, appService, owner, page string
}

// watch returns the domains of a policy and of the tenants, at most the policy's limit, and the names of those beyond
// it. The policy's own come first, then those of health checks, then those of tenants in
// turns.
func watch(p *config.Policy, registered []tenants.Tenant) (list []watched, omitted []string) {
	d := p.Domains()
	if d == nil {
		return nil, nil
	}
	ofChecks, ofTenants := map[string]use{}, map[string]use{}
	if *d.Checks {
		ofChecks = usesOfChecks(p)
	}
	if *d.Tenants {
		ofTenants = usesOfTenants(p, registered)
	}
	seen := map[string]bool{}
	for _, name := range d.Exclude {
		seen[name] = true
	}
	add := func(w watched) {
		switch {
		case seen[w.name]:
			return
		case len(list) == d.Limit:
			omitted = append(omitted, w.name)
		default:
			list = append(list, w)
		}
		seen[w.name] = true
	}
	for _, n := range d.Names {
		add(watched{n.Name, n.Expires.Time, useOfName(p, n, ofChecks)})
	}
	for _, name := range slices.Sorted(maps.Keys(ofChecks)) {
		add(watched{name: name, use: ofChecks[name]})
	}
	for _, name := range inTurns(ofTenants) {
		add(watched{name: name, use: ofTenants[name]})
	}
	return list, omitted
}

// inTurns returns the domains of tenants so that each tenant has its first one before any has its second: a tenant with
// many keeps none of another beyond the limit.
func inTurns(uses map[string]use) []string {
	names := slices.Sorted(maps.Keys(uses))
	turn, turns := map[string]int{}, map[string]int{}
	for _, name := range names {
		turn[name] = turns[uses[name].tenant]
		turns[uses[name].tenant]++
	}
	slices.SortStableFunc(names, func(a, b string) int { return turn[a] - turn[b] })
	return names
}

// useOfName completes what the policy says of a domain from the health checks below it, else from its service.
func useOfName(p *config.Policy, n *config.DomainName, ofChecks map[string]use) use {
	u := use{appService: n.AppService, owner: n.Owner, page: n.Page}
	if u.appService == "" {
		u.appService = ofChecks[n.Name].appService
	}
	if of := ofChecks[n.Name]; of.appService == u.appService {
		u.fill(of.owner, of.page)
	}
	if s, ok := p.Service(u.appService); ok {
		u.fill(s.Owner, s.Page)
	}
	u.fill("", config.Priorities[0])
	return u
}

func (u *use) fill(owner, page string) {
	if u.owner == "" {
		u.owner = owner
	}
	if u.page == "" {
		u.page = page
	}
}

// usesOfChecks returns the domains of health checks. One that several need has the use that pages most urgently.
func usesOfChecks(p *config.Policy) map[string]use {
	uses := map[string]use{}
	for _, c := range p.Health.Checks {
		module, ok := p.Module(c.Module)
		if !ok {
			continue
		}
		target := strings.ReplaceAll(c.Target, "{tenant}", "tenant")
		if name := apex(config.HostOf(module.Prober, target)); name != "" {
			owner, page := p.PageOf(c)
			addUse(uses, name, use{appService: c.AppService, owner: owner, page: page})
		}
	}
	return uses
}

// usesOfTenants returns the tenants' own domains, which page as one tenant of their tier does.
func usesOfTenants(p *config.Policy, registered []tenants.Tenant) map[string]use {
	uses := map[string]use{}
	for _, t := range registered {
		page := config.Priorities[len(config.Priorities)-1]
		if tier, ok := p.Tiers[t.Tier]; ok {
			page = tier.TenantPage
		}
		for _, host := range t.Hosts {
			if name := apex(host); name != "" {
				addUse(uses, name, use{tenant: t.Name, page: page})
			}
		}
	}
	return uses
}

func addUse(uses map[string]use, name string, u use) {
	if old, ok := uses[name]; !ok || config.PriorityRank(u.page) < config.PriorityRank(old.page) {
		uses[name] = u
	}
}
