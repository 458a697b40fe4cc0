package alertmanager

import (
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// cause says which alerts say nothing new while another one fires about the same thing.
type cause struct {
	source  *metric.Alert
	targets []*metric.Alert
	equal   []string
}

var (
	sameService  = []string{metric.LabelEnvironment, metric.LabelAppService}
	sameTier     = append(sameService[:2:2], metric.LabelTier)
	sameTenant   = append(sameService[:2:2], metric.LabelTenant)
	sameCheck    = append(sameService[:2:2], metric.LabelCheck, metric.LabelTenant)
	sameExporter = []string{metric.LabelEnvironment, "job", "instance"}
	sameLocation = []string{metric.LabelEnvironment, metric.LabelLocation}
	// sameBurn compares what burns, whatever an alert has of it: what neither has is equal.
	sameBurn = []string{
		metric.LabelAlertname, metric.LabelEnvironment, metric.LabelAppService, metric.LabelSLO,
		metric.LabelTier, metric.LabelCheck, metric.LabelTenant,
	}
)

// causes are what the levels of alerts say, then those on the watching itself. ThorbisExporterDown has no location,
// so it cannot stand for ThorbisLocationSilent; nor does it, a P3, hide a check that is not watched.
func causes() []cause {
	return append(levels(metric.Alerts()), []cause{
		{metric.ServiceUnwatchedAlert, []*metric.Alert{metric.CheckSilentAlert, metric.CheckUnknownAlert}, sameService},
		{metric.ProberOfflineAlert, []*metric.Alert{metric.LocationSilentAlert}, sameLocation},
		{metric.ExporterDownAlert, []*metric.Alert{
			metric.CollectorFailingAlert, metric.StateNotSavedAlert, metric.PolicyReloadAlert, metric.PolicyDriftAlert,
		}, sameExporter},
	}...)
}

// levels lets the wider trouble hide the narrower: a service its tiers and tenants, many tenants one tier, a tier its
// tenants; and what is down the budget that this burns. What burns never hides what is down.
func levels(all []*metric.Alert) []cause {
	var out []cause
	for _, level := range metric.Levels {
		for _, source := range all {
			if source.Level != level {
				continue
			}
			equal := equals[level]
			if source.Burn { // of one objective; another one may burn for another reason
				equal = append(slices.Clone(equal), metric.LabelSLO)
			}
			var wider, own []*metric.Alert
			for _, target := range all {
				narrower := target.Level != "" && slices.Index(metric.Levels, target.Level) > slices.Index(metric.Levels, level)
				switch {
				case source.Burn && !target.Burn:
				case narrower:
					wider = append(wider, target)
				case target.Burn && !source.Burn && level == metric.LevelService:
					wider = append(wider, target)
				case target.Burn && !source.Burn && target.Level == "" && level == metric.LevelTenant:
					own = append(own, target)
				case target.Burn && !source.Burn && target.Level == level:
					wider = append(wider, target)
				}
			}
			if len(wider) > 0 {
				out = append(out, cause{source, wider, equal})
			}
			if len(own) > 0 {
				out = append(out, cause{source, own, sameCheck})
			}
		}
	}
	return out
}

// equals says for each level what must be the same.
var equals = map[metric.Level][]string{
	metric.LevelService: sameService, metric.LevelCrowd: sameService, metric.LevelTier: sameTier, metric.LevelTenant: sameTenant,
}

// burnTiers from the fastest to the slowest, as rules label them.
var burnTiers = []string{"fast", "medium", "slow", "trend"}

// inhibitions never let an alert hide a more urgent one: a check that pages at P4 must not silence a tier
// that pages at P1. So there is one rule for each priority of the source.
func inhibitions() []inhibition {
	var all []inhibition
	for _, c := range causes() {
		var targets []string
		for _, t := range c.targets {
			targets = append(targets, t.Name)
		}
		for _, priority := range c.source.Priorities {
			rank := config.PriorityRank(priority)
			all = append(all, inhibition{
				SourceMatchers: []string{matcher(metric.LabelAlertname, c.source.Name), matcher(metric.LabelPriority, priority)},
				TargetMatchers: []string{
					anyOf(metric.LabelAlertname, targets), anyOf(metric.LabelPriority, config.Priorities[rank-1:]),
				},
				Equal: c.equal,
			})
		}
	}
	for i, tier := range burnTiers[:len(burnTiers)-1] {
		all = append(all, inhibition{
			SourceMatchers: ours(matcher(metric.LabelBurnTier, tier)),
			TargetMatchers: ours(anyOf(metric.LabelBurnTier, burnTiers[i+1:])),
			Equal:          sameBurn,
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
