package alertmanager

import (
	"fmt"
	"strings"

	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/pkg/labels"

	"github.com/thorbis/thorbis_exporter/alertmanager/amconfig"
	"github.com/thorbis/thorbis_exporter/metric"
)

// BaseWarnings returns a warning for each inhibition rule of a base file that may hide alerts of the bundle, with the
// cure. A rule that compares little, such as only the alert's name, hides one service's alert because of another's.
func BaseWarnings(base []byte) ([]string, error) {
	c, err := amconfig.Load(base)
	if err != nil {
		return nil, refusal(base, err)
	}
	var warnings []string
	for i, r := range c.InhibitRules {
		hidden := reached(inhibit.NewInhibitRule(r).TargetMatchers)
		if len(hidden) == 0 {
			continue
		}
		warnings = append(warnings,
			fmt.Sprintf(`inhibit_rules[%d] of the base file may hide %s of the bundle: add bundle!="%s" to its target_matchers`,
				i, strings.Join(hidden, ", "), metric.BundleThorbis))
	}
	return warnings, nil
}

// reached names some alerts of the bundle that matchers may match.
func reached(matchers labels.Matchers) []string {
	var names []string
	for _, a := range metric.Alerts() {
		for _, priority := range a.Priorities {
			static := map[string]string{
				metric.LabelAlertname: a.Name, metric.LabelBundle: metric.BundleThorbis,
				metric.LabelPriority: priority, metric.LabelSeverity: metric.Severities[priority],
			}
			if mayMatch(matchers, static) {
				if names = append(names, a.Name+" ("+priority+")"); len(names) == 3 {
					return append(names[:2], "others")
				}
				break
			}
		}
	}
	return names
}

// mayMatch reports whether matchers match an alert with these labels, whatever values its other labels have: Prometheus
// may add some of its own.
func mayMatch(matchers labels.Matchers, static map[string]string) bool {
	for _, m := range matchers {
		if value, known := static[m.Name]; known && !m.Matches(value) {
			return false
		}
	}
	return true
}
