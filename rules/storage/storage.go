// Package storage judges disks: filesystems, devices and canaries.
package storage

import (
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

var exprNames = rule.Names{
	"device":     rule.Join(metric.LabelEnvironment, metric.LabelHost, metric.LabelDevice),
	"deviceOp":   rule.Join(metric.LabelEnvironment, metric.LabelHost, metric.LabelDevice, metric.LabelOperation),
	"limitOf":    rule.Join(metric.LabelEnvironment, metric.LabelHost, metric.LabelDevice, metric.LabelLimit),
	"filesystem": rule.Join(metric.LabelEnvironment, metric.LabelHost, metric.LabelMountpoint),

	"seen":       metric.HostSeen.Name,
	"named":      metric.NodeNamed.Name,
	"longMemory": rule.Seconds(rule.LongMemory),
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
	"gone":      metric.FilesystemGone.Name,
	"inodesAll": metric.FilesystemInodes.Name, "inodesFree": metric.FilesystemInodesFree.Name,
	"inodes":   metric.FilesystemInodesLeft.Name,
	"readonly": metric.FilesystemReadOnly.Name,
	"writable": metric.FilesystemWritable.Name,
	"unusable": metric.FilesystemUnusable.Name,
	"low":      metric.FilesystemLow.Name,
	"full":     metric.FilesystemFull.Name,
	"full30m":  metric.FilesystemFullIn["30m"].Name,
	"full6h":   metric.FilesystemFullIn["6h"].Name,
	"full3d":   metric.FilesystemFullIn["3d"].Name,
}

// Subject judges disks and filesystems.
var Subject = rule.Subject{File: "storage.rules.yaml", Groups: func(p *config.Policy) ([]rule.Group, error) {
	return append([]rule.Group{sources(p), devices(p), canaryAlerts(p)}, filesystems()...), nil
}}

// expr fills the placeholders of an expression on storage.
func expr(text string, more ...rule.Names) string {
	return rule.MachineExpr(text, append([]rule.Names{exprNames}, more...)...)
}

// either returns our series, and foreign ones where we have none.
func either(level, ours, theirs string) string {
	return rule.Either(level, ours, theirs, exprNames)
}

// sources maps each target of node_exporter or Supabase to its machine, so that all sources of a machine are recorded
// under one name. It is the host name where an exporter of ours reads the machine too: only then is it certain.
// Otherwise it is the project of Supabase, or the address without its port.
func sources(p *config.Policy) rule.Group {
	by := rule.Join(metric.LabelEnvironment, "job", "instance", metric.LabelSupabaseProject, metric.LabelSupabaseInstance)
	seen := "group by (" + by + ") (" + rule.Held(rule.AnyName([]string{
		metric.NodeLoad1, metric.NodeDiskNow, metric.NodeFilesystemSize, metric.NodeMemoryTotal,
	})) + ")"
	return rule.Group{Name: "thorbis-storage-sources", Interval: rule.TotalsInterval, Rules: []rule.Rule{
		{Record: metric.HostSeen, Expr: expr(`
			time() + 0 * max by ($host) ($observed or $booted)
			or $seen > time() - $longMemory`)},
		{Record: metric.NodeNamed, Expr: expr(`
			max by (environment, $target, host) (
				label_replace(
					label_replace(
						label_replace(
							`+rule.Adopted(p, seen)+`,
							"host", "$address", "instance", "(.+?)(?::[0-9]+)?"
						),
						"host", "$address", "$project", "(.+)"
					),
					"host", "$address", "$identifier", "(.+)"
				)
			)`, rule.Names{
			"address": "$1",
			"project": metric.LabelSupabaseProject, "identifier": metric.LabelSupabaseInstance,
		})},
		{Record: metric.NodeHost, Expr: expr(`
			$named
			* on (job, instance) group_left (host)
			topk by (job, instance) (1,
				label_replace(group by (job, instance, nodename) (last_over_time($uname[5m])), `+
			`"host", "$nodename", "nodename", "(.+)")
				and on (host) $seen
			)
			or on ($target)
			$named`, rule.Names{"nodename": "$1"})},
	}}
}

// operation labels a series of a foreign exporter with the operation that it counts.
func operation(op, expr string) string {
	return `label_replace(` + expr + `, "` + metric.LabelOperation + `", "` + op + `", "", "")`
}

// gone returns what an exporter of ours stated within five minutes and no longer states, though it reads the machine.
// It was removed from the policy or from the machine. While the exporter is silent, nothing is gone.
func gone(level, held, stated string) string {
	return expr(
		`group by (` + level + `) (` + held + ` and on ($host) $observed unless on (` + level + `) ` + stated + `)`)
}

// eitherDevice returns the rate of a counter of ours on devices, and foreign ones where we have none.
func eitherDevice(level string, m *metric.Metric, theirs string) string {
	return either(level, "rate("+m.Name+"[5m]) unless on ($device) "+metric.DeviceGone.Name, theirs)
}

// foreignRates returns the rates of an operation's counters of foreign exporters, by operation.
func foreignRates(theirs map[string]string) string {
	var terms []string
	for _, op := range []string{
		metric.OperationRead, metric.OperationWrite, metric.OperationDiscard, metric.OperationFlush,
	} {
		if series, ok := theirs[op]; ok {
			terms = append(terms, operation(op, "rate("+series+"[5m])"))
		}
	}
	return rule.Foreign(strings.Join(terms, "\n\t\t\tor "))
}

// devices records what block devices do, and how much of what was bought that is.
func devices(p *config.Policy) rule.Group {
	seconds := eitherDevice("$deviceOp", metric.StorageSeconds, foreignRates(map[string]string{
		metric.OperationRead: metric.NodeDiskReadSeconds, metric.OperationWrite: metric.NodeDiskWriteSeconds,
	}))
	objective := func(op string, d config.Duration) rule.Rule {
		return rule.Rule{
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
	return rule.Group{Name: "thorbis-storage-devices", Interval: rule.TotalsInterval, Rules: append([]rule.Rule{
		{Record: metric.DeviceGone, Expr: gone("$device", rule.Held(metric.StorageOperations.Name),
			metric.StorageOperations.Name)},
		{Record: metric.DeviceForeignOperations, Expr: expr(`max by ($deviceOp) (` + foreignRates(map[string]string{
			metric.OperationRead: metric.NodeDiskReads, metric.OperationWrite: metric.NodeDiskWrites,
			metric.OperationDiscard: metric.NodeDiskDiscards, metric.OperationFlush: metric.NodeDiskFlushes,
		}) + `)`)},
		{Record: metric.DeviceOperations, Expr: eitherDevice("$deviceOp", metric.StorageOperations,
			metric.DeviceForeignOperations.Name)},
		{Record: metric.DeviceBytes, Expr: eitherDevice("$deviceOp", metric.StorageBytes, foreignRates(map[string]string{
			metric.OperationRead: metric.NodeDiskReadBytes, metric.OperationWrite: metric.NodeDiskWrittenBytes,
		}))},
		{Record: metric.DeviceLatency, Expr: expr(`(` + seconds + `) / ($ops > 0)`)},
		{Record: metric.DeviceQueue, Expr: eitherDevice("$device", metric.StorageWeightedSeconds,
			rule.Foreign("rate("+metric.NodeDiskWeighted+"[5m])"))},
		objective(metric.OperationRead, p.Storage.Latency.Read),
		objective(metric.OperationWrite, p.Storage.Latency.Write),
		{Record: metric.DeviceLatencyRatio, Expr: expr(`
			$latency / on (environment, operation) group_left () $objective
			and on ($deviceOp) $ops >= 1`)},
		{Record: metric.DeviceLimit, Expr: expr(limit(metric.LimitIOPS, metric.StorageExpectedIOPS) + ` or ` +
			limit(metric.LimitThroughput, metric.StorageExpectedThroughput))},
		{Record: metric.DeviceLimitUsed, Expr: expr(`
			(
				` + used(metric.LimitIOPS, "$ops") + `
				or
				` + used(metric.LimitThroughput, "$bytes") + `
			)
			/ on ($limitOf) $limit`)},
	}, deviceAlerts()...)}
}

func secondsOf(d config.Duration) string { return rule.Seconds(d.Std()) }
