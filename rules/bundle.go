// Package rules generates Prometheus' recording and alerting rules from the policy. The exporters state facts and what
// is expected; the rules join the two, so that their number does not grow with checks or tenants. Each subject is a
// package below this one; package rule is their kit. The series are declared in package metric.
package rules

import (
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/rules/backup"
	"github.com/thorbis/thorbis_exporter/rules/business"
	"github.com/thorbis/thorbis_exporter/rules/database"
	"github.com/thorbis/thorbis_exporter/rules/delivery"
	"github.com/thorbis/thorbis_exporter/rules/domain"
	"github.com/thorbis/thorbis_exporter/rules/health"
	"github.com/thorbis/thorbis_exporter/rules/incident"
	"github.com/thorbis/thorbis_exporter/rules/platform"
	"github.com/thorbis/thorbis_exporter/rules/procedure"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/security"
	"github.com/thorbis/thorbis_exporter/rules/slo"
	"github.com/thorbis/thorbis_exporter/rules/storage"
	"github.com/thorbis/thorbis_exporter/rules/tenant"
	"github.com/thorbis/thorbis_exporter/rules/vendor"
)

// Bundle is everything generated from one policy.
type Bundle struct {
	scope rule.Scope
	files []rule.File
	text  map[string][]byte
}

// Alert is one alerting rule as routes see it.
type Alert struct {
	Name        string
	Priority    string
	Labels      map[string]string
	Annotations map[string]string
}

// Subjects is the table of what is judged: one line for each generated file, in the order in which they are written.
var Subjects = []rule.Subject{
	policyConstants,
	health.Subject,
	health.Uptime,
	incident.Subject,
	slo.Subject,
	backup.Subject,
	storage.Subject,
	tenant.Subject,
	database.Subject,
	domain.Subject,
	procedure.Subject,
	delivery.Subject,
	vendor.Subject,
	security.Subject,
	business.Subject,
	health.SLA,
	platform.Resources,
	platform.Paging,
}

// policyConstants writes the constants that the subjects take from the policy.
var policyConstants = rule.Subject{File: "policy.rules.yaml", Groups: func(p *config.Policy) ([]rule.Group, error) {
	constants := rule.Split("thorbis-policy", append(platform.Constants(p), slo.Constants(p)...))
	return append(constants, incident.Ladders(p)...), nil
}}

// Build generates the rules of a policy.
func Build(p *config.Policy) (Bundle, error) { return BuildIn(p, rule.ScopeOf(p.Environment)) }

// BuildIn generates rules that read the series of a scope: of many environments, where tests judge many worlds at once.
func BuildIn(p *config.Policy, sc rule.Scope) (Bundle, error) {
	b := Bundle{scope: sc, text: map[string][]byte{}}
	for _, s := range Subjects {
		f, err := rule.BuildFile(s, p, sc)
		if err != nil {
			return Bundle{}, err
		}
		text, err := rule.Render(f)
		if err != nil {
			return Bundle{}, fmt.Errorf("%s: %w", f.Name, err)
		}
		b.files, b.text[f.Name] = append(b.files, f), text
	}
	return b, nil
}

// Files returns the generated files by name.
func (b Bundle) Files() map[string][]byte { return maps.Clone(b.text) }

// Restrict makes a selector name the environment whose series the rules read, if it selects series of ours.
func (b Bundle) Restrict(selector string) (string, error) { return b.scope.Restrict(selector) }

// NamesOf returns the names of the series that a selector of a rule selects, where it states or lists them.
func NamesOf(s *parser.VectorSelector) []string { return rule.NamesOf(s) }

// Groups returns every group in the order of files and rules.
func (b Bundle) Groups() []rule.Group {
	var groups []rule.Group
	for _, f := range b.files {
		groups = append(groups, f.Groups...)
	}
	return groups
}

// Alerts returns every alerting rule, sorted by name and priority.
func (b Bundle) Alerts() []Alert {
	var alerts []Alert
	for _, g := range b.Groups() {
		for _, r := range g.Rules {
			if r.Alert != nil {
				alerts = append(alerts, Alert{r.Alert.Name, r.Priority, maps.Clone(r.Labels), maps.Clone(r.Annotations)})
			}
		}
	}
	slices.SortStableFunc(alerts, func(a, b Alert) int {
		if a.Name != b.Name {
			if a.Name < b.Name {
				return -1
			}
			return 1
		}
		return config.PriorityRank(a.Priority) - config.PriorityRank(b.Priority)
	})
	return alerts
}
