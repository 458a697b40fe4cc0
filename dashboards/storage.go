package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

var (
	deviceKeys = []key{
		byEnvironment, byHost,
		{label: metric.LabelDevice, title: "Device"},
		{label: metric.LabelName, title: "Name"},
		byMountpoint,
	}
	filesystemKeys = []key{byEnvironment, byHost, byMountpoint}
)

// onHosts selects the part of a series that is of the machines picked.
func onHosts(s selecter, matchers ...string) string {
	return s.Select(append([]string{pickedEnvironment, pickedHost}, matchers...)...)
}

func hostVariables(series selecter) []cog.Builder[dashboard.VariableModel] {
	return []cog.Builder[dashboard.VariableModel]{
		environmentVariable(series),
		labelVariable(metric.LabelHost, "Host", "Machines on which this exporter, a node_exporter or Supabase reports.",
			series.Select(pickedEnvironment)),
	}
}

// storage shows how full and how busy disks are, measured against what was bought.
func storage(p *config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.StorageDashboard, title: "Storage and IOPS",
		about:     "How full and how busy disks are, and how much of what was bought that is.",
		variables: hostVariables(metric.FilesystemSize),
	}.builder()
	// No value is painted as what is below all steps: a machine on which nothing fills is well.
	row(b, "Now",
		number(words{
			title: "First full in", unit: units.Seconds, empty: "nothing fills",
			about:   "Until the first filesystem is full at its present pace.",
			whenRed: "Hours are left: delete what can go, enlarge the disk, or stop who writes. Filesystems says which it is.",
		}, 6, fmt.Sprintf(`min(%s)`, onHosts(metric.FilesystemFull)), "first",
			steps(green, from(0, red), from(4*3600, yellow), from(4*86400, green))),
		number(words{
			title: "Fullest filesystem", unit: units.PercentUnit, empty: "no filesystem is read yet",
			about:   "Share of its size that users cannot write to any more.",
			whenRed: "It is full: programs that write to it fail now.",
		}, 6, fmt.Sprintf(`max(%s)`, onHosts(metric.FilesystemUsed)), "fullest",
			known(green, from(0.9, yellow), from(0.99, red))).Decimals(1),
		number(words{
			title: "Most of a limit used", unit: units.PercentUnit, empty: "no limit known yet",
			about: "Share of the IOPS or throughput bought that the busiest disk uses. More than 100 % is a burst. If Latency " +
				"is above its objective too, everything on it waits: buy more, or find who reads and writes.",
		}, 6, fmt.Sprintf(`max(%s)`, onHosts(metric.DeviceLimitUsed)), "busiest",
			known(green, from(0.9, yellow))).Decimals(1),
		number(words{
			title: "Filesystems that do not answer", unit: units.Short, empty: "no filesystem is read yet",
			about:   "They answer with an error, or not at all.",
			whenRed: "A network filesystem whose server is gone, or a disk with errors: look at the machine's log.",
		}, 6, fmt.Sprintf(`sum(%s) or 0 * count(%s)`, onHosts(metric.FilesystemUnusable), onHosts(metric.FilesystemSize)),
			"filesystems", known(green, from(1, red))),
	)
	row(b, "IOPS and latency", limitUsed(), latencies(p), operations(), diskTable())
	row(b, "Space", filesystemTable(),
		manyLines(words{
			title: "Space left", unit: units.BytesIEC, empty: "no filesystem is read yet",
			about: "By filesystem.",
		}, 12, query("A", onHosts(metric.FilesystemAvailable), "{{host}} {{mountpoint}}")).Min(0),
		manyLines(words{
			title: "Full in", unit: units.Seconds, empty: "nothing fills",
			about: "By filesystem, while it fills. Alerts fire at 4 hours, a day and 4 days.",
		}, 12, query("A", onHosts(metric.FilesystemFull), "{{host}} {{mountpoint}}")).Min(0),
	)
	row(b, "Disks",
		manyLines(words{
			title: "Throughput", unit: units.BytesPerSecondIEC, empty: "no disk is read yet",
			about: "Bytes read and written a second by disk.",
		}, 12, query("A", onHosts(metric.DeviceBytes, readsAndWrites), "{{host}} {{device}} {{operation}}")).Min(0),
		manyLines(words{
			title: "Queue", unit: units.Short, empty: "no disk is read yet",
			about: "Mean number of operations in flight by disk.",
		}, 12, query("A", onHosts(metric.DeviceQueue), "{{host}} {{device}}")).Min(0),
		manyLines(words{
			title: "Discards and flushes", unit: units.IOOpsPerSecond, empty: "the kernel counts none",
			about: "Operations a second that are neither reads nor writes; providers do not count them.",
		}, 12, query("A", onHosts(metric.DeviceOperations, metric.LabelOperation+`=~"discard|flush"`),
			"{{host}} {{device}} {{operation}}")).Min(0),
		manyLines(words{
			title: "Canary", unit: units.Seconds, empty: "no canary has run yet",
			about: "The time within which 95 of 100 rounds wrote, synced and read back a small file, by operation.",
		}, 12, query("A", quantile("0.95", "host, canary, operation", onHosts, metric.CanaryDuration),
			"{{host}} {{canary}} {{operation}}")).Min(0),
	)
	return b
}

const readsAndWrites = metric.LabelOperation + `=~"read|write"`

func limitUsed() panel {
	return limited(manyLines(words{
		title: "Limit used", unit: units.PercentUnit, empty: "no limit known yet: name it in the policy",
		about: "Share of the IOPS and of the throughput bought. The line is at 90 %, from where the rules look at latency " +
			"too.",
		whenRed: "The disk does nearly what was bought: if Latency rises with it, buy more or find who reads and writes.",
	}, 12, query("A", onHosts(metric.DeviceLimitUsed), "{{host}} {{device}} {{limit}}")), 0.9).Min(0).AxisSoftMax(1)
}

func latencies(p *config.Policy) panel {
	return manyLines(words{
		title: "Latency", unit: units.Seconds, empty: "no operation of a disk yet",
		about: fmt.Sprintf("Mean time of an operation by disk. Permitted are %s for reads and %s for writes.",
			p.Storage.Latency.Read, p.Storage.Latency.Write),
	}, 12, query("A", onHosts(metric.DeviceLatency, readsAndWrites), "{{host}} {{device}} {{operation}}")).Min(0)
}

func operations() panel {
	return manyLines(words{
		title: "IOPS against those bought", unit: units.IOOpsPerSecond, empty: "no disk is read yet",
		about: "Read and write operations a second by disk; dashed, what was bought. A logical volume and the disk below " +
			"it " +
			"both count the same operation.",
	}, 24, query("A", onHosts(metric.DeviceOperations, readsAndWrites), "{{host}} {{device}} {{operation}}"),
		query("B", onHosts(metric.DeviceLimit, metric.LabelLimit+`="`+metric.LimitIOPS+`"`), "{{host}} {{device}} bought")).
		Min(0).OverrideByQuery("B", objectiveLine)
}

func diskTable() panel {
	by := "environment, host, device"
	sum := fmt.Sprintf("sum by (%s) (%s)", by, onHosts(metric.DeviceOperations, readsAndWrites))
	limit := func(s selecter, matchers ...string) string {
		return fmt.Sprintf("max by (%s) (%s)", by, onHosts(s, matchers...))
	}
	return figures(words{
		title: "Disks", unit: units.Short, empty: "No disk is read yet",
		about: "What it does now, what was bought, what it may burst to, and what people know the disk by. Yellow: it uses " +
			"what was bought, or answers slower than permitted: see Limit used and Latency.",
	}, 24, 7, deviceKeys,
		column{title: "Operations", unit: units.IOOpsPerSecond, decimals: 1, expr: fmt.Sprintf(
			`max by (%s, name, mountpoint) (%s * on (%s) group_left () %s)`, by, onHosts(metric.StorageDeviceInfo), by, sum)},
		column{
			title: "IOPS bought", unit: units.Short, expr: limit(metric.DeviceLimit,
				metric.LabelLimit+`="`+metric.LimitIOPS+`"`),
		},
		column{
			title: "Used", unit: units.PercentUnit, expr: limit(metric.DeviceLimitUsed), colours: atLeast(0.9, yellow),
			empty: "no limit", decimals: 1,
		},
		column{title: "Burst IOPS", unit: units.Short, expr: limit(metric.StorageExpectedBurstIOPS)},
		column{
			title: "Throughput bought", unit: units.BytesPerSecondIEC,
			expr: limit(metric.DeviceLimit, metric.LabelLimit+`="`+metric.LimitThroughput+`"`),
		},
		column{
			title: "Latency of objective", unit: units.PercentUnit, expr: limit(metric.DeviceLatencyRatio), decimals: whole,
			colours: atLeast(1, yellow), empty: "idle",
		},
	)
}

func filesystemTable() panel {
	return figures(words{
		title: "Filesystems", unit: units.Short, empty: "No filesystem is read yet",
		about: fmt.Sprintf("The %d fullest.", rows),
		whenRed: "Full within hours, out of inodes or read-only: delete what can go, enlarge the disk, or look at the " +
			"machine's log for errors of the disk.",
	}, 24, 8, filesystemKeys,
		column{
			title: "Used", unit: units.PercentUnit, colours: above(0.9, yellow, 0.99, red), decimals: 1,
			expr: fmt.Sprintf(`topk(%d, %s)`, rows, onHosts(metric.FilesystemUsed)),
		},
		column{title: "Left", unit: units.BytesIEC, expr: onHosts(metric.FilesystemAvailable)},
		column{title: "Size", unit: units.BytesIEC, expr: onHosts(metric.FilesystemSize)},
		column{
			title: "Full in", unit: units.Seconds, expr: onHosts(metric.FilesystemFull), empty: "does not fill",
			colours: below(4*3600, red, 4*86400, yellow),
		},
		column{
			title: "Inodes left", unit: units.PercentUnit, expr: onHosts(metric.FilesystemInodesLeft), empty: "made as needed",
			colours: below(0.01, red, 0.05, yellow), decimals: 1,
		},
		column{
			title: "Writable", unit: units.NoUnit, expr: onHosts(metric.FilesystemReadOnly),
			texts: texts(text{0, "yes", green}, text{1, "read-only", red}),
		},
	)
}
