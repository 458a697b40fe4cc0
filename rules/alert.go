package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// text is what a person reads: one plain sentence, and what they need at three in the morning.
type text struct {
	summary, description string
}

func (t text) annotations() map[string]string {
	return map[string]string{"summary": t.summary, "description": strings.Join(strings.Fields(t.description), " ")}
}

// single returns the one rule of an alert that has one priority, or none.
func single(a *metric.Alert, expr string, wait time.Duration, t text) Rule {
	r := Rule{Alert: a, Expr: expr, For: wait, Annotations: t.annotations()}
	if len(a.Priorities) > 0 {
		r.Priority = a.Priorities[0]
	}
	return r
}

// away is how long an exporter may be gone that restarts.
const away = 5 * time.Minute

// lasting are alerts on what an exporter alone can tell, and its restart does not mend: they fire on while it is away, or
// every restart would resolve and repeat them.
func lasting(rules []Rule) []Rule {
	for i := range rules {
		rules[i].KeepFiringFor = away
	}
	return rules
}

// byPage returns one rule for each priority that a thing may be paged at when the alert itself is worth
// own: the less urgent of the two. A page label that is missing or unknown counts as the most urgent.
// expr gets the matcher that picks the things of one priority; it is empty if any will do.
func byPage(a *metric.Alert, own string, wait time.Duration, t text, expr func(page string) string) []Rule {
	var rules []Rule
	for _, p := range config.Priorities[slices.Index(config.Priorities, own):] {
		rules = append(rules, Rule{Alert: a, Priority: p, Expr: expr(pageMatcher(own, p)), For: wait, Annotations: t.annotations()})
	}
	return rules
}

func pageMatcher(own, priority string) string {
	if priority != own {
		return fmt.Sprintf(`page="%s"`, priority)
	}
	lower := config.Priorities[slices.Index(config.Priorities, own)+1:]
	switch len(lower) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(`page!="%s"`, lower[0])
	default:
		return fmt.Sprintf(`page!~"%s"`, strings.Join(lower, "|"))
	}
}

// decorate adds to every alert what all alerts have: the labels that routes and dashboards look for, and
// where to read on.
func decorate(groups []Group, p *config.Policy) {
	for _, g := range groups {
		for i := range g.Rules {
			r := &g.Rules[i]
			if r.Alert == nil {
				continue
			}
			if r.Labels == nil {
				r.Labels = map[string]string{}
			}
			r.Labels[metric.LabelBundle] = metric.BundleThorbis
			r.Labels[metric.LabelSeverity] = metric.Severities[r.Priority]
			if r.Priority != "" {
				r.Labels[metric.LabelPriority] = r.Priority
			}
			r.Annotations["runbook_url"] = runbook(p, r.Alert)
			r.Annotations["dashboard_url"] = dashboard(p, r.Alert)
		}
	}
}

// runbooks is where the pages of docs/runbooks are read when the policy names no other place.
const runbooks = "https://github.com/thorbis/thorbis_exporter/blob/main/docs/runbooks"

func runbook(p *config.Policy, a *metric.Alert) string {
	base := p.Links.Runbooks
	if base == "" {
		base = runbooks
	}
	return strings.TrimSuffix(base, "/") + "/" + a.Name + ".md"
}

func dashboard(p *config.Policy, a *metric.Alert) string {
	return strings.TrimSuffix(p.Links.Grafana, "/") + "/d/" + a.Dashboard
}
