package alertmanager

import (
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// inhibitions are the table of package metric. They never let an alert hide a more urgent one: a check that pages at P4
// must not silence a tier that pages at P1. So there is one rule for each priority of the source.
func inhibitions() []inhibition {
	var all []inhibition
	for _, c := range metric.Hidings() {
		var targets []string
		for _, t := range c.Targets {
			targets = append(targets, t.Name)
		}
		for _, priority := range c.Source.Priorities {
			rank := config.PriorityRank(priority)
			all = append(all, inhibition{
				SourceMatchers: []string{matcher(metric.LabelAlertname, c.Source.Name), matcher(metric.LabelPriority, priority)},
				TargetMatchers: []string{
					anyOf(metric.LabelAlertname, targets), anyOf(metric.LabelPriority, config.Priorities[rank-1:]),
				},
				Equal: c.Same,
			})
		}
	}
	for _, tier := range metric.BurnTiers {
		slower := metric.SlowerPaces(tier)
		if len(slower) == 0 {
			continue
		}
		all = append(all, inhibition{
			SourceMatchers: ours(matcher(metric.LabelBurnTier, tier)),
			TargetMatchers: ours(anyOf(metric.LabelBurnTier, slower)),
			Equal:          metric.SameBurn,
		})
	}
	return all
}

func anyOf(label string, values []string) string {
	if len(values) == 1 {
		return matcher(label, values[0])
	}
	return label + `=~"` + strings.Join(values, "|") + `"`
}
