package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Why expectations are remembered by name. What an exporter stated and states no longer was either removed from the policy,
// and is nobody's business any more, or its exporter died, and must be missed. The policy tells the two apart: rules are
// generated from it, so what it does not name is remembered by none of them. Tenants are named by a registry that the
// generator does not read: a tenant is remembered for as long as no exporter states other tenants in its place, or that it has
// read an empty registry. What belongs to a machine is remembered until that machine's exporter reports again without it.

// named matches the values of a label that the policy names; nothing if it names none.
func named(label string, values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = regexp.QuoteMeta(v)
	}
	switch len(quoted) {
	case 0:
		return label + `="(none)"` // no name has brackets
	case 1:
		return fmt.Sprintf("%s=%q", label, values[0])
	}
	return fmt.Sprintf("%s=~%q", label, strings.Join(quoted, "|"))
}

// unnamed matches the values that a matcher of named does not.
func unnamed(matcher string) string {
	label, values, regular := strings.Cut(matcher, "=~")
	if regular {
		return label + "!~" + values
	}
	return strings.Replace(matcher, "=", "!=", 1)
}

func namesOf[T any](list []T, name func(T) string) []string {
	names := make([]string, len(list))
	for i, one := range list {
		names[i] = name(one)
	}
	return names
}

// The things that a policy names, as matchers.
func namedChecks(p *config.Policy) string {
	return named(metric.LabelCheck, namesOf(p.Health.Checks, func(c *config.Check) string { return c.Name }))
}

func namedBackups(p *config.Policy) string {
	return named(metric.LabelBackup, namesOf(p.Backups, func(b *config.Backup) string { return b.Name }))
}

func namedSources(p *config.Policy) string {
	return named(metric.LabelSource, namesOf(p.Tenants.Sources, func(s *config.Source) string { return s.Name }))
}

// countedServices are those whose requests a source of the policy counts.
func countedServices(p *config.Policy) string {
	services := namesOf(p.Tenants.Sources, func(s *config.Source) string { return s.AppService })
	slices.Sort(services)
	return named(metric.LabelAppService, slices.Compact(services))
}

func namedServices(p *config.Policy) string {
	return named(metric.LabelAppService, namesOf(p.Services, func(s *config.Service) string { return s.Name }))
}

func namedServers(p *config.Policy) string {
	return named(metric.LabelServer, namesOf(p.Databases, func(d *config.Database) string { return d.Name }))
}

func namedCanaries(p *config.Policy) string {
	return named(metric.LabelCanary, namesOf(p.Storage.Canaries, func(c *config.Canary) string { return c.Name }))
}

func namedProcesses(p *config.Policy) string {
	return named(metric.LabelProcess, namesOf(p.Host.Processes, func(c *config.Process) string { return c.Name }))
}

// kept is the last word of a gauge within a range, of what the policy names; of the rest only what is said now.
func kept(m *metric.Metric, within, matcher string, more ...string) string {
	return "(" + m.Select(more...) + " or last_over_time(" + m.Select(append([]string{matcher}, more...)...) + "[" + within + "]))"
}

// removed are the things that exporters stated by a metric within the hour and state no longer, and that the policy does not
// name.
func removed(m *metric.Metric, level, matcher string) string {
	return "(last_over_time(" + m.Select(unnamed(matcher)) + "[1h]) unless on (" + level + ") " + m.Name + ")"
}

// emptied are the environments whose exporters have all read a registry without a tenant; a dead one says nothing.
var emptied = expand(
	`(max by (environment) ($tenants and on (environment, job, instance) $read > 0) == 0)`, names{
		"tenants": metric.TenantRegistryTenants.Name, "read": metric.TenantRegistryLastRead.Name,
	})
