package storage

import (
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// canaryAlerts returns the alerts on disks that corrupt or refuse what a canary writes.
func canaryAlerts(p *config.Policy) rule.Group {
	n := rule.Names{
		"canary":      rule.Join(metric.LabelEnvironment, metric.LabelHost, metric.LabelCanary),
		"runs":        metric.CanaryRuns.Name,
		"corruptions": metric.CanaryCorruptions.Name,
		"removed": rule.Removed(metric.CanaryRuns,
			rule.Join(metric.LabelEnvironment, metric.LabelHost, metric.LabelCanary), rule.NamedCanaries(p)),
	}
	return rule.Group{Name: "thorbis-storage-canary", Interval: rule.TotalsInterval, Rules: []rule.Rule{
		rule.Single(metric.CorruptionAlert, rule.Expand(`
			max by ($canary) (increase($corruptions[1h])) > 0
			unless on ($canary) $removed`, n), 0, rule.Text{
			Summary: "A disk returns corrupt data.",
			Description: `Canary {{ $labels.canary }} on {{ $labels.host }} in {{ $labels.environment }} has read back other data
				than it wrote; other files on that disk may be corrupt too.
				First look: dmesg and the disk's health; stop writing to it and fail over.`,
		}),
		rule.Single(metric.CanaryFailingAlert, rule.Expand(`
			max by ($canary) (increase($runs{result="failure"}[15m])) >= 2
			unless on ($canary)
			max by ($canary) (increase($runs{result="success"}[15m])) > 0
			unless on ($canary) $removed`, n), rule.Silence, rule.Text{
			Summary: "Files cannot be written to a disk.",
			Description: `Canary {{ $labels.canary }} on {{ $labels.host }} in {{ $labels.environment }} has failed
				{{ $value | printf "%.0f" }} times within fifteen minutes and never succeeded.
				First look: the exporter's log names the operation that fails; with a hanging disk, the round does not end.`,
		}),
	}}
}
