// Package rules judges: it generates Prometheus' recording and alerting rules from the policy. The
// exporters state facts and what is expected; these rules join the two, so that their number does not grow
// with checks or tenants. The series are declared in package metric, the numbers in threshold.go.
package rules

import (
	"fmt"
	"maps"
	"slices"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Bundle is everything generated from one policy.
type Bundle struct {
	files []File
	text  map[string][]byte
}

// Alert is one alerting rule as routes see it.
type Alert struct {
	Name        string
	Priority    string
	Labels      map[string]string
	Annotations map[string]string
}

// Build generates the rules of a policy.
func Build(p *config.Policy) (Bundle, error) { return build(p, scopeOf(p.Environment)) }

func build(p *config.Policy, sc scope) (Bundle, error) {
	b := Bundle{text: map[string][]byte{}}
	own, err := ownLedger(p)
	if err != nil {
		return Bundle{}, err
	}
	b.files = []File{
		{Name: "policy.rules.yaml", Groups: append(promises(p), ladders(p)...)},
		{Name: "health.rules.yaml", Groups: []Group{down(p), crowdAlerts(), state(p), unwatched(p), blind(p), certificates()}},
		{Name: "uptime.rules.yaml", Groups: append([]Group{ledger(p)}, append(windows(p), burn(p), budget(p))...)},
		{Name: "incident.rules.yaml", Groups: []Group{escalate(p), responses(p)}},
		{Name: "slo.rules.yaml", Groups: append(append(requestLedger(p), own...), slo(p)...)},
		{Name: "backup.rules.yaml", Groups: append(backups(p), freshness(p))},
		{Name: "storage.rules.yaml", Groups: append([]Group{sources(p), devices(p), canaryAlerts(p)}, filesystems()...)},
		{Name: "tenant.rules.yaml", Groups: tenants(p)},
		{Name: "database.rules.yaml", Groups: []Group{databases(p)}},
		{Name: "sla.rules.yaml", Groups: []Group{sla(p)}},
		{Name: "resources.rules.yaml", Groups: resources(p)},
		{Name: "paging.rules.yaml", Groups: []Group{paging(p), exporters(p)}},
	}
	for _, f := range b.files {
		decorate(f.Groups, p)
		for _, g := range f.Groups {
			hide(g)
			if err := finish(g, sc); err != nil {
				return Bundle{}, fmt.Errorf("%s: group %s: %w", f.Name, g.Name, err)
			}
		}
		text, err := render(f)
		if err != nil {
			return Bundle{}, fmt.Errorf("%s: %w", f.Name, err)
		}
		b.text[f.Name] = text
	}
	return b, nil
}

// finish restricts the expressions of a group to the environment, checks them and formats them. It adds an owner to
// the alerts on the monitoring itself, which belongs to no service.
func finish(g Group, sc scope) error {
	for i := range g.Rules {
		r := &g.Rules[i]
		text, err := sc.restrict(r.Expr)
		if err == nil {
			text, err = format(text)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r.name(), err)
		}
		r.Expr = text
		if r.Alert == nil || r.Alert.Page {
			continue
		}
		r.Labels[metric.LabelOwner] = r.Alert.Owner
	}
	return nil
}

func (r Rule) name() string {
	if r.Record != nil {
		return r.Record.Name
	}
	return r.Alert.Name
}

// Files returns the generated files by name.
func (b Bundle) Files() map[string][]byte { return maps.Clone(b.text) }

// Groups returns every group in the order of files and rules.
func (b Bundle) Groups() []Group {
	var groups []Group
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
