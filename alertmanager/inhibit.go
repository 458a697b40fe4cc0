package alertmanager

import (
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
	sameCheck    = append(sameService[:2:2], metric.LabelCheck, metric.LabelTenant)
	sameExporter = []string{metric.LabelEnvironment, "job", "instance"}
	sameLocation = []string{metric.LabelEnvironment, metric.LabelLocation}
)

// causes in the order service, tier, tenant, then what watches them. ThorbisExporterDown has no location,
// so it cannot stand for ThorbisLocationSilent; nor does it, a P3, hide a check that is not watched.
var causes = []cause{
	{metric.CheckDownAlert, []*metric.Alert{metric.ManyTenantsDownAlert, metric.TierDownAlert, metric.TenantDownAlert, metric.UptimeBurnAlert}, sameService},
	{metric.ManyTenantsDownAlert, []*metric.Alert{metric.TierDownAlert, metric.TenantDownAlert}, sameService},
	{metric.TierDownAlert, []*metric.Alert{metric.TenantDownAlert}, sameTier},
	{metric.TenantDownAlert, []*metric.Alert{metric.UptimeBurnAlert}, sameCheck},
	{metric.ServiceUnwatchedAlert, []*metric.Alert{metric.CheckSilentAlert, metric.CheckUnknownAlert}, sameService},
	{metric.ProberOfflineAlert, []*metric.Alert{metric.LocationSilentAlert}, sameLocation},
	{metric.ExporterDownAlert, []*metric.Alert{
		metric.CollectorFailingAlert, metric.StateNotSavedAlert, metric.PolicyReloadAlert, metric.PolicyDriftAlert,
	}, sameExporter},
}

// burnTiers from the fastest to the slowest, as rules label them.
var burnTiers = []string{"medium", "slow", "trend"}

// inhibitions never let an alert hide a more urgent one: a check that pages at P4 must not silence a tier
// that pages at P1. So there is one rule for each priority of the source.
func inhibitions() []inhibition {
	var all []inhibition
	for _, c := range causes {
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
			SourceMatchers: []string{matcher(metric.LabelAlertname, metric.UptimeBurnAlert.Name), matcher(metric.LabelBurnTier, tier)},
			TargetMatchers: []string{
				matcher(metric.LabelAlertname, metric.UptimeBurnAlert.Name), anyOf(metric.LabelBurnTier, burnTiers[i+1:]),
			},
			Equal: sameCheck,
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
