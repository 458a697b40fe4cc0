package rule

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

// Named returns a matcher for the values of a label that the policy names. It matches nothing if there are none.
func Named(label string, values []string) string {
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

// Unnamed returns the matcher for all values that a matcher of named does not match.
func Unnamed(matcher string) string {
	label, values, regular := strings.Cut(matcher, "=~")
	if regular {
		return label + "!~" + values
	}
	return strings.Replace(matcher, "=", "!=", 1)
}

// namesOf returns the names of a list.
func namesOf[T any](list []T, name func(T) string) []string {
	names := make([]string, len(list))
	for i, one := range list {
		names[i] = name(one)
	}
	return names
}

// NamedChecks returns a matcher for the checks of the policy.
func NamedChecks(p *config.Policy) string {
	return Named(metric.LabelCheck, namesOf(p.Health.Checks, func(c *config.Check) string { return c.Name }))
}

// NamedBackups returns a matcher for the backups of the policy.
func NamedBackups(p *config.Policy) string {
	return Named(metric.LabelBackup, namesOf(p.Backups, func(b *config.Backup) string { return b.Name }))
}

// NamedSources returns a matcher for the log sources of the policy.
func NamedSources(p *config.Policy) string {
	return Named(metric.LabelSource, namesOf(p.Tenants.Sources, func(s *config.Source) string { return s.Name }))
}

// CountedServices returns a matcher for the services whose requests a source of the policy counts.
func CountedServices(p *config.Policy) string {
	services := namesOf(p.Tenants.Sources, func(s *config.Source) string { return s.AppService })
	slices.Sort(services)
	return Named(metric.LabelAppService, slices.Compact(services))
}

// NamedServices returns a matcher for the services of the policy.
func NamedServices(p *config.Policy) string {
	return Named(metric.LabelAppService, namesOf(p.Services, func(s *config.Service) string { return s.Name }))
}

// NamedServers returns a matcher for the database servers of the policy.
func NamedServers(p *config.Policy) string {
	return Named(metric.LabelServer, namesOf(p.Databases, func(d *config.Database) string { return d.Name }))
}

// NamedCanaries returns a matcher for the canaries of the policy.
func NamedCanaries(p *config.Policy) string {
	return Named(metric.LabelCanary, namesOf(p.Storage.Canaries, func(c *config.Canary) string { return c.Name }))
}

// NamedProcesses returns a matcher for the processes of the policy.
func NamedProcesses(p *config.Policy) string {
	return Named(metric.LabelProcess, namesOf(p.Host.Processes, func(c *config.Process) string { return c.Name }))
}

// Kept returns the last value of a gauge within a range for what the policy names, and the current value of everything
// else.
func Kept(m *metric.Metric, within, matcher string, more ...string) string {
	return "(" + m.Select(more...) + " or last_over_time(" + m.Select(append([]string{matcher}, more...)...) + "[" +
		within + "]))"
}

// Removed returns the things that exporters stated within the hour and no longer state, and that the policy does not
// name.
func Removed(m *metric.Metric, level, matcher string) string {
	return "(last_over_time(" + m.Select(Unnamed(matcher)) + "[1h]) unless on (" + level + ") " + m.Name + ")"
}

// Emptied selects the environments in which every exporter that reports has read a registry without tenants.
var Emptied = Expand(
	`(max by (environment) ($tenants and on (environment, job, instance) $read > 0) == 0)`, Names{
		"tenants": metric.TenantRegistryTenants.Name, "read": metric.TenantRegistryLastRead.Name,
	})
