package platform

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

var resourceNames = rule.Names{
	"process":    rule.Join(metric.LabelEnvironment, metric.LabelHost, metric.LabelProcess),
	"resource":   rule.Join(metric.LabelEnvironment, metric.LabelHost, metric.LabelResource),
	"autoscaler": rule.Join(metric.LabelEnvironment, "namespace", "horizontalpodautoscaler"),

	"cores":     metric.HostCores.Name,
	"cpu":       metric.HostCPUUsed.Name,
	"total":     metric.HostMemory.Name,
	"left":      metric.HostMemoryLeft.Name,
	"kills":     metric.HostKills.Name,
	"lowMemory": metric.ProcessLow.Name,
	"scaling":   metric.ScalingUsed.Name,

	"ownCPU":     metric.HostCPUSeconds.Name,
	"ownCPUs":    metric.HostCPUs.Name,
	"share":      metric.HostContainerCPULimit.Name,
	"shareUsed":  metric.HostContainerCPUSeconds.Name,
	"throttled":  metric.HostContainerThrottled.Name,
	"ownTotal":   metric.HostMemoryTotal.Name,
	"ownLeft":    metric.HostMemoryAvailable.Name,
	"limitBytes": metric.HostContainerMemoryLimit.Name,
	"workingSet": metric.HostContainerMemory.Name,
	"ownKills":   metric.HostOOMKills.Name,
	"ownWaits":   metric.HostPressure.Name,
	"resident":   metric.HostProcessResident.Name,
	"started":    metric.HostProcessStart.Name,

	"replicas":    metric.KubeReplicas,
	"maxReplicas": metric.KubeMaxReplicas,
	"condition":   metric.KubeScalingCondition,
}

func resourceExpr(text string) string { return rule.MachineExpr(text, resourceNames) }

// three prefers the value of the container, then the exporter's value of the machine, then that of a foreign exporter.
func three(share, ours, theirs string) string {
	return resourceExpr(`
		max by ($host) (` + share + `)
		or
		max by ($host) (` + ours + `)
		or
		max by ($host) (
			` + rule.Foreign(theirs) + `
		)`)
}

// Resources judges machines: CPU, memory and autoscaling.
var Resources = rule.Subject{File: "resources.rules.yaml", Groups: func(p *config.Policy) ([]rule.Group, error) {
	return append(resources(p), containers(p)), nil
}}

// resources returns the records and alerts on CPU, memory and autoscaling.
func resources(p *config.Policy) []rule.Group {
	idle := `{mode=~"idle|iowait"}`
	foreignCores := "count by (" + rule.Target + ") (" + rule.Held(metric.NodeCPU+`{mode="idle"}`) + ")"
	waits := func(ours string, theirs string) string {
		return `label_replace(rate(` + theirs + `[5m]), "resource", "` + ours + `", "", "")`
	}
	ofKubernetes := func(expr string) string { return `max by ($autoscaler) (` + rule.Adopted(p, expr) + `)` }
	return []rule.Group{
		{Name: "thorbis-resources", Interval: rule.TotalsInterval, Rules: append([]rule.Rule{
			{Record: metric.HostCores, Expr: three(rule.Held(`$share`), rule.Held(`$ownCPUs`), foreignCores)},
			{Record: metric.HostCPUUsed, Expr: three(
				`rate($shareUsed[5m]) / `+rule.Held(`$share`),
				`1 - sum without (mode) (rate($ownCPU`+idle+`[5m])) / `+rule.Held(`$ownCPUs`),
				`1 - sum without (mode) (avg without (cpu) (rate(`+metric.NodeCPU+idle+`[5m])))`)},
			{
				Record: metric.HostMemory,
				Expr:   three(rule.Held(`$limitBytes`), rule.Held(`$ownTotal`), rule.Held(metric.NodeMemoryTotal)),
			},
			{Record: metric.HostMemoryLeft, Expr: three(rule.Held(`$limitBytes`)+` - `+rule.Held(`$workingSet`),
				rule.Held(`$ownLeft`), rule.Held(metric.NodeMemoryAvailable))},
			{Record: metric.HostMemoryUsed, Expr: resourceExpr(`1 - $left / ($total > 0)`)},
			{Record: metric.HostSwapUsed, Expr: rule.Either("$host",
				rule.Held(metric.HostSwapTotal.Name)+" - "+rule.Held(metric.HostSwapFree.Name),
				rule.Foreign(rule.Held(metric.NodeSwapTotal)+" - "+rule.Held(metric.NodeSwapFree)))},
			// node_exporter and Supabase export no metrics on containers.
			{Record: metric.HostThrottled, Expr: resourceExpr(`max by ($host) (rate($throttled[5m]))`)},
			{Record: metric.HostKills, Expr: rule.Either("$host", "increase("+metric.HostOOMKills.Name+"[15m])",
				rule.Foreign("increase("+metric.NodeOOMKills+"[15m])"))},
			{Record: metric.HostWaiting, Expr: resourceExpr(`
				max by ($resource) (rate($ownWaits{kind="some"}[5m]))
				or
				max by ($resource) (` + rule.Foreign(`
					`+waits("cpu", metric.NodePressureCPU)+`
					or `+waits("io", metric.NodePressureIO)+`
					or `+waits("memory", metric.NodePressureMemory)+`
				`) + `)`)},
		}, machineAlerts()...)},
		{Name: "thorbis-resources-slow", Interval: rule.WindowInterval, Rules: []rule.Rule{
			{Record: metric.ProcessLow, Expr: resourceExpr(`min_over_time(max by ($process) ($resident)[1h:1m])`)},
			{
				Record: metric.ScalingUsed,
				Expr:   resourceExpr(ofKubernetes(rule.Held("$replicas") + ` / (` + rule.Held("$maxReplicas") + ` > 0)`)),
			},
			leakAlert(p),
			rule.Single(metric.ScalingMaximumAlert, resourceExpr(`$scaling >= 1`), 15*time.Minute, rule.Text{
				Summary: "An autoscaler is at its maximum.",
				Description: `{{ $labels.horizontalpodautoscaler }} of {{ $labels.namespace }} in {{ $labels.environment }} runs its
					maximum number of replicas; it cannot add any if the load grows.
					First look: is the load real (requests), or do replicas wait for a dependency (database, CPU limits);
					then whether maxReplicas can be raised.`,
			}),
			rule.Single(metric.ScalingInactiveAlert, resourceExpr(
				ofKubernetes(rule.Held(`$condition{condition="ScalingActive",status="false"}`))+` == 1`), 15*time.Minute, rule.Text{
				Summary: "An autoscaler cannot scale.",
				Description: `{{ $labels.horizontalpodautoscaler }} of {{ $labels.namespace }} in {{ $labels.environment }} does not
					follow the load.
					First look: kubectl describe hpa {{ $labels.horizontalpodautoscaler }} -n {{ $labels.namespace }}:
					the metrics server is gone, or the pods have no CPU request.`,
			}),
		}},
	}
}

func machineAlerts() []rule.Rule {
	memory := func(priority, bounds string, wait time.Duration) rule.Rule {
		r := rule.Single(metric.MemoryAlert, resourceExpr(bounds), wait, rule.Text{
			Summary: "A machine is running out of memory.",
			Description: `{{ $value | humanizePercentage }} of the memory of {{ $labels.host }} in {{ $labels.environment }} is
				available; the kernel kills a process when none is left.
				First look: which process uses it, with ps aux --sort=-rss | head; since when, on the Resources dashboard.`,
		})
		r.Priority = priority
		return r
	}
	return []rule.Rule{
		rule.Single(metric.CPUAlert, resourceExpr(`$cpu > 0.9`), 30*time.Minute, rule.Text{
			Summary: "A machine has no CPU left.",
			Description: `{{ $labels.host }} in {{ $labels.environment }} uses {{ $value | humanizePercentage }} of its CPUs;
				everything on it takes longer.
				First look: what uses it, with top or pidstat 5 1; steal means that the provider delivers less CPU than was
				bought.`,
		}),
		memory("P2", `$left / $total < 0.03`, 5*time.Minute),
		memory("P3", `($left / $total < 0.1) >= 0.03`, 15*time.Minute),
		rule.Single(metric.OOMAlert, resourceExpr(`$kills > 0`), 0, rule.Text{
			Summary: "The kernel has killed a process for lack of memory.",
			Description: `About {{ $value | printf "%.0f" }} process(es) on {{ $labels.host }} in {{ $labels.environment }} were
				killed within the last fifteen minutes.
				First look: dmesg -T | grep -i 'killed process' shows which process and how much memory it used.`,
		}),
	}
}

// leakAlert returns the alert on memory that grows over two consecutive spans of four hours. It compares the lowest
// value of an hour, so caches that are emptied and short requests do not count.
func leakAlert(p *config.Policy) rule.Rule {
	return rule.Single(metric.LeakAlert, resourceExpr(`
		$lowMemory - $lowMemory offset 8h > 100e6
		and $lowMemory > 1.1 * ($lowMemory offset 4h)
		and ($lowMemory offset 4h) > 1.05 * ($lowMemory offset 8h)
		and on ($process) time() - max by ($process) (`+
		rule.Kept(metric.HostProcessStart, "5m", rule.NamedProcesses(p))+`) > 9 * 3600`), time.Hour, rule.Text{
		Summary: "The memory of a process grows without a restart.",
		Description: `{{ $labels.process }} on {{ $labels.host }} in {{ $labels.environment }} uses
			{{ $value | humanize1024 }}B more than eight hours ago, has grown all the time and was not restarted.
			First look: the version that was deployed last; a heap profile now and in an hour. A restart gains time.`,
	})
}
