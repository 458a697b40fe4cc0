package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// pickedHost is what the viewer picked of the machines.
const pickedHost = metric.LabelHost + `=~"$host"`

var (
	deviceColumns = map[string]string{
		metric.LabelEnvironment: "Environment", metric.LabelHost: "Host", metric.LabelDevice: "Device",
		metric.LabelName: "Name", metric.LabelMountpoint: "Mounted at",
	}
	deviceOrder = []string{
		metric.LabelEnvironment, metric.LabelHost, metric.LabelDevice, metric.LabelName, metric.LabelMountpoint,
	}
	filesystemColumns = map[string]string{
		metric.LabelEnvironment: "Environment", metric.LabelHost: "Host", metric.LabelMountpoint: "Mounted at",
	}
	filesystemOrder = []string{metric.LabelEnvironment, metric.LabelHost, metric.LabelMountpoint}
)

// onHosts selects the part of a series that is of the machines picked.
func onHosts(s selecter, matchers ...string) string {
	return s.Select(append([]string{pickedEnvironment, pickedHost}, matchers...)...)
}

// machines begins a dashboard on what machines have.
func machines(uid, title, description string, tags []string, series string) *dashboard.DashboardBuilder {
	return dashboard.NewDashboardBuilder(title).
		Uid(uid).Description(description).Tags(tags).
		Readonly().Timezone("browser").Refresh("1m").Time("now-6h", "now").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(datasourceVariable()).
		WithVariable(labelVariable(metric.LabelEnvironment, "Environment", "Where the things watched run.", series)).
		WithVariable(labelVariable(metric.LabelHost, "Host",
			"Machines, whoever reads them: this exporter, a node_exporter or Supabase.", series+"{"+pickedEnvironment+"}"))
}

// storage shows how full and how busy disks are, measured against what was bought.
func storage(p *config.Policy) *dashboard.DashboardBuilder {
	b := machines(metric.StorageDashboard, "Thorbis / Storage",
		"How full and how busy disks are, and how much of what was bought that is.", []string{"thorbis", "storage"},
		metric.FilesystemSize.Name)

	// No value is painted as what is below all steps: a machine on which nothing fills is well.
	b.WithRow(dashboard.NewRowBuilder("Now")).
		WithPanel(number(words{"First full in", "Until the first filesystem is full at its present pace.", units.Seconds}, 6,
			fmt.Sprintf(`min(%s)`, onHosts(metric.FilesystemFull)), "first",
			steps(green, from(0, red), from(4*3600, yellow), from(4*86400, green))).NoValue("nothing fills")).
		WithPanel(number(
			words{"Fullest filesystem", "Share of its size that users cannot write to any more.", units.PercentUnit}, 6,
			fmt.Sprintf(`max(%s)`, onHosts(metric.FilesystemUsed)), "fullest", steps(green, from(0.9, yellow), from(0.99, red)),
		).Decimals(1)).
		WithPanel(number(
			words{
				"Most of a limit used",
				"Share of the IOPS or throughput bought that the busiest disk uses. More than 100 % is a burst.", units.PercentUnit,
			},
			6,
			fmt.Sprintf(`max(%s)`, onHosts(metric.DeviceLimitUsed)), "busiest", steps(green, from(0.7, yellow), from(0.9, red)),
		).Decimals(1).NoValue("no limit known")).
		WithPanel(number(words{"Filesystems that do not answer", "They answer with an error, or not at all.", units.Short}, 6,
			fmt.Sprintf(`sum(%s) or vector(0)`, onHosts(metric.FilesystemUnusable)), "filesystems", steps(green, from(1, red))))

	b.WithRow(dashboard.NewRowBuilder("Space")).
		WithPanel(figures(words{"Filesystems", fmt.Sprintf("The %d fullest.", rows), units.Short}, 9, filesystemColumns,
			filesystemOrder,
			column{
				"A", "Used", units.PercentUnit, fmt.Sprintf(`topk(%d, %s)`, rows, onHosts(metric.FilesystemUsed)),
				[]dashboard.Threshold{{Color: green}, from(0.9, yellow), from(0.99, red)},
			},
			column{"B", "Left", units.BytesIEC, onHosts(metric.FilesystemAvailable), nil},
			column{"C", "Size", units.BytesIEC, onHosts(metric.FilesystemSize), nil},
			column{
				"D", "Full in", units.Seconds, onHosts(metric.FilesystemFull),
				[]dashboard.Threshold{{Color: red}, from(4*3600, yellow), from(4*86400, green)},
			},
			column{
				"E", "Inodes left", units.PercentUnit, onHosts(metric.FilesystemInodesLeft),
				[]dashboard.Threshold{{Color: red}, from(0.01, yellow), from(0.05, green)},
			},
			column{"F", "Read-only", units.BoolYesNo, onHosts(metric.FilesystemReadOnly), nil},
		)).
		WithPanel(lines(words{"Space left", "By filesystem.", units.BytesIEC}, 12,
			query("A", onHosts(metric.FilesystemAvailable), "{{host}} {{mountpoint}}")).Min(0)).
		WithPanel(lines(
			words{"Full in", "By filesystem, while it fills. Alerts fire at 4 hours, a day and 4 days.", units.Seconds}, 12,
			query("A", onHosts(metric.FilesystemFull), "{{host}} {{mountpoint}}")).Min(0))

	b.WithRow(dashboard.NewRowBuilder("Disks")).
		WithPanel(limitUsed()).
		WithPanel(latencies(p)).
		WithPanel(lines(words{"Operations", "Read and write operations a second by disk. " +
			"A logical volume and the disk below it both count the same operation.", units.IOOpsPerSecond}, 12,
			query("A", onHosts(metric.DeviceOperations, metric.LabelOperation+`=~"read|write"`),
				"{{host}} {{device}} {{operation}}")).Min(0)).
		WithPanel(lines(words{"Throughput", "Bytes read and written a second by disk.", units.BytesPerSecondIEC}, 12,
			query("A", onHosts(metric.DeviceBytes, metric.LabelOperation+`=~"read|write"`),
				"{{host}} {{device}} {{operation}}")).Min(0)).
		WithPanel(lines(words{"Queue", "Mean number of operations in flight by disk.", units.Short}, 12,
			query("A", onHosts(metric.DeviceQueue), "{{host}} {{device}}")).Min(0)).
		WithPanel(lines(words{"Discards and flushes", "Operations a second that are neither reads nor writes; " +
			"providers do not count them.", units.IOOpsPerSecond}, 12,
			query("A", onHosts(metric.DeviceOperations, metric.LabelOperation+`=~"discard|flush"`),
				"{{host}} {{device}} {{operation}}")).Min(0)).
		WithPanel(figures(
			words{"Disks", "What it does now, what was bought, and what a person knows the disk by.", units.Short}, 8,
			deviceColumns, deviceOrder,
			column{"A", "Operations", units.IOOpsPerSecond, fmt.Sprintf(
				`max by (environment, host, device, name, mountpoint) (%s * on (environment, host, `+
					`device) group_left () sum by (environment, host, device) (%s))`,
				onHosts(metric.StorageDeviceInfo), onHosts(metric.DeviceOperations, metric.LabelOperation+`=~"read|write"`)), nil},
			column{"B", "IOPS", units.Short, fmt.Sprintf(`max by (environment, host, device) (%s)`,
				onHosts(metric.DeviceLimit, metric.LabelLimit+`="iops"`)), nil},
			column{
				"C", "Burst IOPS", units.Short,
				fmt.Sprintf(`max by (environment, host, device) (%s)`, onHosts(metric.StorageExpectedBurstIOPS)), nil,
			},
			column{"D", "Throughput", units.BytesPerSecondIEC, fmt.Sprintf(`max by (environment, host, device) (%s)`,
				onHosts(metric.DeviceLimit, metric.LabelLimit+`="throughput"`)), nil},
			column{
				"E", "Burst throughput", units.BytesPerSecondIEC,
				fmt.Sprintf(`max by (environment, host, device) (%s)`, onHosts(metric.StorageExpectedBurstThroughput)), nil,
			},
		))

	return postgres(b)
}

func limitUsed() *timeseries.PanelBuilder {
	return lines(words{
		"Limit used",
		"Share of the IOPS and of the throughput bought. The line is at 90 %, from where the rules look at latency too.",
		units.PercentUnit,
	}, 12, query("A", onHosts(metric.DeviceLimitUsed), "{{host}} {{device}} {{limit}}")).
		Thresholds(steps(green, from(0.9, red))).
		ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed)).
		Min(0)
}

func latencies(p *config.Policy) *timeseries.PanelBuilder {
	return lines(words{
		"Latency", fmt.Sprintf("Mean time of an operation by disk. Permitted are %s for reads and %s for writes.",
			p.Storage.Latency.Read, p.Storage.Latency.Write), units.Seconds,
	}, 12, query("A", onHosts(metric.DeviceLatency, metric.LabelOperation+`=~"read|write"`),
		"{{host}} {{device}} {{operation}}")).Min(0)
}
