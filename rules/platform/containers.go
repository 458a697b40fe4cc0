package platform

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// containerNames are the placeholders of expressions on containers. Series without the label container are of pods
// and slices; those of a container that has no limit have the limit 0.
var containerNames = rule.Names{
	"container":   rule.Join(metric.LabelEnvironment, "namespace", "container"),
	"memory":      rule.Held(metric.ContainerMemory + `{container!=""}`),
	"memoryLimit": rule.Held(metric.ContainerMemoryLimit + `{container!=""}`),
	"periods":     "rate(" + metric.ContainerPeriods + `{container!=""}[5m])`,
	"throttled":   "rate(" + metric.ContainerThrottled + `{container!=""}[5m])`,
	"used":        metric.ContainerMemoryUsed.Name,
}

// containers returns the records and the alert on containers that are near their limits. Pods come and go, so they are
// judged by the name of the container in its namespace.
func containers(p *config.Policy) rule.Group {
	fullest := func(expr string) string {
		return rule.Expand(`max by ($container) (`+rule.Adopted(p, expr)+`)`, containerNames)
	}
	return rule.Group{Name: "thorbis-containers", Interval: rule.WindowInterval, Rules: []rule.Rule{
		{Record: metric.ContainerMemoryUsed, Expr: fullest(`$memory / ($memoryLimit > 0)`)},
		{Record: metric.ContainerThrottledRatio, Expr: fullest(`$throttled / ($periods > 0)`)},
		rule.Single(metric.ContainerMemoryAlert, rule.Expand(`$used > 0.9`, containerNames), 15*time.Minute, rule.Text{
			Summary: "A container is near its memory limit.",
			Description: `A pod of the container {{ $labels.container }} in the namespace {{ $labels.namespace }} in
				{{ $labels.environment }} uses {{ $value | humanizePercentage }} of its memory limit; at the limit the kernel kills
				it.
				First look: kubectl top pods --containers -n {{ $labels.namespace }}: one pod (a leak, a large request) or all (the
				limit is too low); kubectl describe pod shows OOMKilled.`,
		}),
	}}
}
