package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Why expectations are remembered by name. What an exporter no longer states was either removed from the policy, or
// its exporter died. The rules must drop the former and report the latter. They are generated from the policy, so they
// remember only what it names. The generator does not read the registry of tenants. A tenant is remembered until an
// exporter states other tenants instead, or has read an empty registry. What belongs to a machine is remembered until
// an exporter of that machine reports without it.

// named returns a matcher for the values of a label that the policy names. It matches nothing if there are none.
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

// unnamed returns the matcher for all values that a matcher of named does not match.
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

// countedServices returns a matcher for the services whose requests a source of the policy counts.
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

// kept returns the last value of a gauge within a range for what the policy names, and the current value of everything
// else.
func kept(m *metric.Metric, within, matcher string, more ...string) string {
	return "(" + m.Select(more...) + " or last_over_time(" + m.Select(append([]string{matcher}, more...)...) + "[" + within + "]))"
}

// removed returns the things that exporters stated within the hour and no longer state, and that the policy does not
// name.
func removed(m *metric.Metric, level, matcher string) string {
	return "(last_over_time(" + m.Select(unnamed(matcher)) + "[1h]) unless on (" + level + ") " + m.Name + ")"
}

// emptied selects the environments in which every exporter that reports has read a registry without tenants.
var emptied = expand(
	`(max by (environment) ($tenants and on (environment, job, instance) $read > 0) == 0)`, names{
		"tenants": metric.TenantRegistryTenants.Name, "read": metric.TenantRegistryLastRead.Name,
	})
