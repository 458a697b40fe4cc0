package rule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Text holds the annotations of an alert: a summary of one sentence, and a description for the engineer on call.
type Text struct {
	Summary, Description string
}

// Annotations returns the annotations of the alert, the description on one line.
func (t Text) Annotations() map[string]string {
	return map[string]string{"summary": t.Summary, "description": strings.Join(strings.Fields(t.Description), " ")}
}

// Single returns the one rule of an alert that has one priority, or none.
func Single(a *metric.Alert, expr string, wait time.Duration, t Text) Rule {
	r := Rule{Alert: a, Expr: expr, For: wait, Annotations: t.Annotations()}
	if len(a.Priorities) > 0 {
		r.Priority = a.Priorities[0]
	}
	return r
}

// away is how long a restart of an exporter may take.
const away = 5 * time.Minute

// Lasting keeps alerts firing while their exporter restarts: only that exporter can report the problem, and its
// restart does not mend it. Otherwise every restart would resolve and repeat the alert.
func Lasting(rules []Rule) []Rule {
	for i := range rules {
		rules[i].KeepFiringFor = away
	}
	return rules
}

// ByPage returns one rule for each priority at which the alert can page. That priority is the less urgent of own and
// the page label of the thing concerned. A missing or unknown page label counts as the most urgent. expr receives the
// matcher for the things of one priority, empty if it needs none.
func ByPage(a *metric.Alert, own string, wait time.Duration, t Text, expr func(page string) string) []Rule {
	var rules []Rule
	for _, p := range config.Priorities[slices.Index(config.Priorities, own):] {
		rules = append(rules,
			Rule{Alert: a, Priority: p, Expr: expr(PageMatcher(own, p)), For: wait, Annotations: t.Annotations()})
	}
	return rules
}

// PageMatcher returns the matcher of the page labels at which an alert worth own pages at a priority; empty for all.
func PageMatcher(own, priority string) string {
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

// decorate adds to every alert the labels that routes and dashboards read, and the URLs of its runbook and dashboard.
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
			if urgent := r.Priority == "P1" || r.Priority == "P2"; urgent && r.ofService() {
				if r.Alert != metric.DeploymentBurningAlert { // it names its deployment itself
					r.Annotations["description"] += deploymentOfService
				}
				r.Annotations["description"] += vendorsOfService + revenueOfService
			}
			r.Annotations["runbook_url"] = runbook(p, r.Alert)
			r.Annotations["dashboard_url"] = dashboard(p, r.Alert)
		}
	}
}

// ofService reports whether an alert is about a service, which its description names.
func (r *Rule) ofService() bool {
	return strings.Contains(r.Annotations["description"], "$labels."+metric.LabelAppService)
}

// vendorsOfService ends the description of an urgent alert: which vendors that its service depends on report trouble.
// It is nothing while all are well.
var vendorsOfService = `{{ range printf "` + metric.VendorServiceTrouble.Name + `{environment=%q,app_service=%q}" ` +
	`$labels.environment $labels.app_service | query }} {{ .Labels.vendor }}, on which it depends, reports ` +
	`{{ .Labels.state }} since {{ .Value | humanizeTimestamp }}.{{ end }}`

// deploymentOfService names the newest deployment of the service in the last hour. It is nothing without one.
var deploymentOfService = `{{ range printf "topk(1, ` + metric.DeploymentAt.Name +
	`{environment=%q,app_service=%q} > time() - 3600)" $labels.environment $labels.app_service | query }} ` +
	`{{ .Labels.deployment }}{{ with .Labels.pull_request }} (#{{ . }}){{ end }} was deployed at ` +
	`{{ .Value | humanizeTimestamp }}.{{ end }}`

// revenueOfService ends it with what the outage has cost so far. It is nothing where that is not measured, or nothing
// yet.
var revenueOfService = `{{ range printf "` + metric.ServiceImpact.Name + `{environment=%q,app_service=%q} >= 1" ` +
	`$labels.environment $labels.app_service | query }} About {{ .Value | printf "%.0f" }} {{ .Labels.currency }} of ` +
	`revenue are missing so far.{{ end }}`

// runbooks is the URL of docs/runbooks, used where the policy names no other.
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

// Urgencies ranks series whose value is 1 by their page label: the most urgent highest, and an unknown page above all.
// So topk picks the most urgent page while exporters disagree.
func Urgencies(series string) string {
	return Expand(`$series * on (environment, page) group_left () ($unknown - $rank) or $unknown * $series`, Names{
		"series": series, "rank": metric.PageRank.Name, "unknown": strconv.Itoa(len(config.Priorities) + 1),
	})
}

// Ranks turns the page label of series whose value is 1 into a number: 1 for the most urgent and for an unknown one.
func Ranks(series string) string {
	return Expand(`$series * on (environment, page) group_left () $rank or $series`, Names{
		"series": series, "rank": metric.PageRank.Name,
	})
}
