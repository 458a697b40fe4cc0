package health

import (
	"fmt"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

func uptimeBurnAlerts() []rule.Rule {
	var rules []rule.Rule
	for _, t := range rule.UptimeTiers {
		for _, r := range rule.ByPage(metric.UptimeBurnAlert, t.Priority, t.Wait, rule.Text{
			Summary: "Short outages are burning the uptime budget.",
			Description: fmt.Sprintf(`{{ $labels.check }} of {{ $labels.app_service }}{{ with $labels.tenant }} for tenant
				{{ . }}{{ end }} in {{ $labels.environment }}
				burns its budget {{ $value | printf "%%.1f" }} times as fast as allowed over %s, through outages too short to page.
				Owner: {{ $labels.owner }}.`, t.Long) + budgetText + `
				First look: the failure reasons on the dashboard over the last hours; the usual causes are one bad instance behind a
				load balancer, or a short timeout.`,
		}, func(page string) string {
			return metric.UptimeBurning[t.Name].Name + rule.Braces(page) + " > 0"
		}) {
			r.Labels = map[string]string{metric.LabelBurnTier: t.Name}
			rules = append(rules, r)
		}
	}
	return rules
}
