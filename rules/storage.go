package rules

import (
	"maps"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// target lists the labels that identify a target of a foreign exporter.
var target = join("job", "instance", metric.LabelSupabaseInstance)

var storageNames = names{
	"host":       join(metric.LabelEnvironment, metric.LabelHost),
	"device":     join(metric.LabelEnvironment, metric.LabelHost, metric.LabelDevice),
	"deviceOp":   join(metric.LabelEnvironment, metric.LabelHost, metric.LabelDevice, metric.LabelOperation),
	"limitOf":    join(metric.LabelEnvironment, metric.LabelHost, metric.LabelDevice, metric.LabelLimit),
	"filesystem": join(metric.LabelEnvironment, metric.LabelHost, metric.LabelMountpoint),
	"target":     target,

	"seen":       metric.HostSeen.Name,
	"nodeHost":   metric.NodeHost.Name,
	"named":      metric.NodeNamed.Name,
	"longMemory": seconds(longMemory),
	"observed":   metric.StorageObserved.Name,
	"booted":     metric.HostBoot.Name,
	"uname":      metric.NodeUname,

	"ops":       metric.DeviceOperations.Name,
	"bytes":     metric.DeviceBytes.Name,
	"latency":   metric.DeviceLatency.Name,
	"objective": metric.DeviceLatencyObjective.Name,
	"slow":      metric.DeviceLatencyRatio.Name,
	"limit":     metric.DeviceLimit.Name,
	"used":      metric.DeviceLimitUsed.Name,

	"size":      metric.FilesystemSize.Name,
	"available": metric.FilesystemAvailable.Name,
	"inodes":    metric.FilesystemInodesLeft.Name,
	"readonly":  metric.FilesystemReadOnly.Name,
	"writable":  metric.FilesystemWritable.Name,
	"unusable":  metric.FilesystemUnusable.Name,
	"low":       metric.FilesystemLow.Name,
	"full":      metric.FilesystemFull.Name,
	"full30m":   metric.FilesystemFullIn["30m"].Name,
	"full6h":    metric.FilesystemFullIn["6h"].Name,
	"full3d":    metric.FilesystemFullIn["3d"].Name,
}

// storageExpr fills an expression's placeholders.
func storageExpr(text string, more ...names) string {
	n := maps.Clone(storageNames)
	for _, m := range more {
		maps.Copy(n, m)
	}
	return expand(text, n)
}

// sources maps each target of node_exporter or Supabase to its machine, so that all sources of a machine are recorded
// under one name. It is the host name where an exporter of ours reads the machine too: only then is it certain.
// Otherwise it is the project of Supabase, or the address without its port.
func sources(p *config.Policy) Group {
	var seen []string
	by := join(metric.LabelEnvironment, "job", "instance", metric.LabelSupabaseProject, metric.LabelSupabaseInstance)
	for _, series := range []string{metric.NodeLoad1, metric.NodeDiskNow, metric.NodeFilesystemSize, metric.NodeMemoryTotal} {
		seen = append(seen, "group by ("+by+") ("+held(series)+")")
	}
	return Group{Name: "thorbis-storage-sources", Interval: ledgerInterval, Rules: []Rule{
		{Record: metric.HostSeen, Expr: storageExpr(`
			time() + 0 * max by ($host) ($observed or $booted)
			or $seen > time() - $longMemory`)},
		{Record: metric.NodeNamed, Expr: storageExpr(`
			max by (environment, $target, host) (
				label_replace(
					label_replace(
						label_replace(
							`+adopted(p, strings.Join(seen, "\n\t\t\t\t\t\t\t\tor "))+`,
							"host", "$address", "instance", "(.+?)(?::[0-9]+)?"
						),
						"host", "$address", "$project", "(.+)"
					),
					"host", "$address", "$identifier", "(.+)"
				)
			)`, names{
			"address": "$1",
			"project": metric.LabelSupabaseProject, "identifier": metric.LabelSupabaseInstance,
		})},
		{Record: metric.NodeHost, Expr: storageExpr(`
			$named
			* on (job, instance) group_left (host)
			topk by (job, instance) (1,
				label_replace(group by (job, instance, nodename) (last_over_time($uname[5m])), "host", "$nodename", "nodename", "(.+)")
				and on (host) $seen
			)
			or on ($target)
			$named`, names{"nodename": "$1"})},
	}}
}

// foreign gives a foreign exporter's series the environment and host labels of ours.
func foreign(expr string) string {
	return `(` + expr + `) * on (` + target + `) group_left (` + join(metric.LabelEnvironment, metric.LabelHost) + `) ` + metric.NodeHost.Name
}

// operation labels a series of a foreign exporter with the operation that it counts.
func operation(op, expr string) string {
	return `label_replace(` + expr + `, "` + metric.LabelOperation + `", "` + op + `", "", "")`
}

// held returns the last value of a gauge within Prometheus's lookback. One failed scrape marks all series of its
// target as stale. Without held, the alert would resolve and then page again.
func held(selector string) string { return "last_over_time(" + selector + "[5m])" }

// ofMachine returns the last value of a gauge on a part of a machine, until an exporter of that machine reports
// without it. The part was then removed from the policy or from the machine. stated is a series that every such part
// has.
func ofMachine(selector, level, stated string) string {
	return `(` + selector + ` or ` + held(selector) + ` and on (` + level + `) ` + stated + ` or ` + held(selector) + ` unless on ($host) $observed)`
}

// rateOfMachine returns the rate of a counter in the same way.
func rateOfMachine(m *metric.Metric) string {
	rate := "rate(" + m.Name + "[5m])"
	return `(` + rate + ` and ` + m.Name + ` or ` + rate + ` unless on ($host) $observed)`
}

// either returns our series, and foreign ones where we have none.
func either(level, ours, theirs string) string {
	return storageExpr(`
		max by (`+level+`) (
			`+ours+`
		)
		or on (`+level+`)
		max by (`+level+`) (
			`+theirs+`
		)`, names{})
}

// rateOf records the rates of an operation's counters, ours and foreign ones, by operation.
func rateOf(r *metric.Record, ours *metric.Metric, theirs map[string]string) Rule {
	var terms []string
	for _, op := range []string{metric.OperationRead, metric.OperationWrite, metric.OperationDiscard, metric.OperationFlush} {
		if series, ok := theirs[op]; ok {
			terms = append(terms, operation(op, "rate("+series+"[5m])"))
		}
	}
	return Rule{Record: r, Expr: either("$deviceOp", rateOfMachine(ours), foreign("\n\t\t\t\t"+strings.Join(terms, "\n\t\t\t\tor ")+"\n\t\t\t"))}
}

// devices records what block devices do, and how much of what was bought that is.
func devices(p *config.Policy) Group {
	seconds := either("$deviceOp", rateOfMachine(metric.StorageSeconds), foreign(
		operation(metric.OperationRead, "rate("+metric.NodeDiskReadSeconds+"[5m])")+" or "+
			operation(metric.OperationWrite, "rate("+metric.NodeDiskWriteSeconds+"[5m])")))
	objective := func(op string, d config.Duration) Rule {
		return Rule{
			Record: metric.DeviceLatencyObjective, Expr: "vector(" + secondsOf(d) + ")",
			Labels: map[string]string{metric.LabelEnvironment: p.Environment, metric.LabelOperation: op},
		}
	}
	limit := func(name string, m *metric.Metric) string {
		return `label_replace(min by ($device) (` + m.Name + `), "limit", "` + name + `", "", "")`
	}
	used := func(name, record string) string {
		return `label_replace(sum by ($device) (` + record + `{operation=~"read|write"}), "limit", "` + name + `", "", "")`
	}
	return Group{Name: "thorbis-storage-devices", Interval: ledgerInterval, Rules: append([]Rule{
		rateOf(metric.DeviceOperations, metric.StorageOperations, map[string]string{
			metric.OperationRead: metric.NodeDiskReads, metric.OperationWrite: metric.NodeDiskWrites,
			metric.OperationDiscard: metric.NodeDiskDiscards, metric.OperationFlush: metric.NodeDiskFlushes,
		}),
		rateOf(metric.DeviceBytes, metric.StorageBytes, map[string]string{
			metric.OperationRead: metric.NodeDiskReadBytes, metric.OperationWrite: metric.NodeDiskWrittenBytes,
		}),
		{Record: metric.DeviceLatency, Expr: storageExpr(`(` + seconds + `) / ($ops > 0)`)},
		{Record: metric.DeviceQueue, Expr: either("$device",
			rateOfMachine(metric.StorageWeightedSeconds), foreign("rate("+metric.NodeDiskWeighted+"[5m])"))},
		objective(metric.OperationRead, p.Storage.Latency.Read),
		objective(metric.OperationWrite, p.Storage.Latency.Write),
		{Record: metric.DeviceLatencyRatio, Expr: storageExpr(`
			$latency / on (environment, operation) group_left () $objective
			and on ($deviceOp) $ops >= 1`)},
		{Record: metric.DeviceLimit, Expr: storageExpr(limit(metric.LimitIOPS, metric.StorageExpectedIOPS) + ` or ` + limit(metric.LimitThroughput, metric.StorageExpectedThroughput))},
		{Record: metric.DeviceLimitUsed, Expr: storageExpr(`
			(
				` + used(metric.LimitIOPS, "$ops") + `
				or
				` + used(metric.LimitThroughput, "$bytes") + `
			)
			/ on ($limitOf) $limit`)},
	}, deviceAlerts()...)}
}

func secondsOf(d config.Duration) string { return seconds(d.Std()) }
