package rules

import (
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// canaryAlerts returns the alerts on disks that corrupt or refuse what a canary writes.
func canaryAlerts(p *config.Policy) Group {
	n := names{
		"canary":      join(metric.LabelEnvironment, metric.LabelHost, metric.LabelCanary),
		"runs":        metric.CanaryRuns.Name,
		"corruptions": metric.CanaryCorruptions.Name,
		"removed":     removed(metric.CanaryRuns, join(metric.LabelEnvironment, metric.LabelHost, metric.LabelCanary), namedCanaries(p)),
	}
	return Group{Name: "thorbis-storage-canary", Interval: ledgerInterval, Rules: []Rule{
		single(metric.CorruptionAlert, expand(`
			max by ($canary) (increase($corruptions[1h])) > 0
			unless on ($canary) $removed`, n), 0, text{
			summary: "A disk spoils data.",
			description: `Canary {{ $labels.canary }} on {{ $labels.host }} in {{ $labels.environment }} has read back something else than it wrote; other files on that disk may be spoilt too.
				First look: dmesg and the disk's health; stop writing to it and fail over.`,
		}),
		single(metric.CanaryFailingAlert, expand(`
			max by ($canary) (increase($runs{result="failure"}[15m])) >= 2
			unless on ($canary)
			max by ($canary) (increase($runs{result="success"}[15m])) > 0
			unless on ($canary) $removed`, n), silence, text{
			summary: "Files cannot be written to a disk.",
			description: `Canary {{ $labels.canary }} on {{ $labels.host }} in {{ $labels.environment }} has failed {{ $value | printf "%.0f" }} times within fifteen minutes and never succeeded.
				First look: the exporter's log names the operation that fails; a disk that hangs shows as a round that has not ended.`,
		}),
	}}
}
