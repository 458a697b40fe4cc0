package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// resources shows what machines have left of CPU and memory.
func resources(*config.Policy) *dashboard.DashboardBuilder {
	b := machines(metric.ResourcesDashboard, "Thorbis / Resources",
		"What machines have left of CPU and memory, and whether scaling can follow.", []string{"thorbis", "resources"},
		metric.HostMemory.Name)
	columns := map[string]string{metric.LabelEnvironment: "Environment", metric.LabelHost: "Host"}
	order := []string{metric.LabelEnvironment, metric.LabelHost}

	b.WithRow(dashboard.NewRowBuilder("Now")).
		WithPanel(number(words{"Busiest", "Share of its CPUs that the busiest machine uses.", units.PercentUnit}, 6,
			fmt.Sprintf(`max(%s)`, onHosts(metric.HostCPUUsed)), "busiest", steps(green, from(0.75, yellow), from(0.9, red))).
			Decimals(1)).
		WithPanel(number(
			words{"Least memory left", "Share of its memory that the machine with the least has available.", units.PercentUnit},
			6,
			fmt.Sprintf(`1 - max(%s)`, onHosts(metric.HostMemoryUsed)), "least",
			steps(red, from(0.03, yellow), from(0.1, green))).Decimals(1)).
		WithPanel(number(
			words{"Killed for want of memory", "Processes in the last 15 minutes, all machines picked together.", units.Short},
			6,
			fmt.Sprintf(`sum(%s) or vector(0)`, onHosts(metric.HostKills)), "killed", steps(green, from(1, red))).Decimals(0)).
		WithPanel(number(
			words{
				"Scaling", "Replicas of the fullest autoscaler of Kubernetes, as a share of the most it may run.",
				units.PercentUnit,
			},
			6,
			fmt.Sprintf(`max(%s)`, inEnvironment(metric.ScalingUsed)), "fullest", steps(green, from(0.8, yellow), from(1, red)),
		).NoValue("no autoscaler"))

	b.WithRow(dashboard.NewRowBuilder("Machines")).
		WithPanel(figures(words{"Machines by what they have left", "Of the container's share, where the exporter runs in " +
			"one that has limits.", units.Short}, 9, columns, order,
			column{
				"A", "CPU used", units.PercentUnit, fmt.Sprintf(`topk(%d, %s)`, rows, onHosts(metric.HostCPUUsed)),
				[]dashboard.Threshold{{Color: green}, from(0.75, yellow), from(0.9, red)},
			},
			column{"B", "CPUs", units.Short, onHosts(metric.HostCores), nil},
			column{
				"C", "Memory used", units.PercentUnit, onHosts(metric.HostMemoryUsed),
				[]dashboard.Threshold{{Color: green}, from(0.9, yellow), from(0.97, red)},
			},
			column{"D", "Memory available", units.BytesIEC, onHosts(metric.HostMemoryLeft), nil},
			column{"E", "Memory", units.BytesIEC, onHosts(metric.HostMemory), nil},
			column{"F", "Swap used", units.BytesIEC, onHosts(metric.HostSwapUsed), nil},
		)).
		WithPanel(lines(words{
			"CPU used", "Share of the CPUs of each machine. An alert fires above 90 % for half an hour.", units.PercentUnit,
		}, 12,
			query("A", onHosts(metric.HostCPUUsed), "{{host}}")).Min(0)).
		WithPanel(lines(words{"Memory available", "What programs could still have without swapping.", units.BytesIEC}, 12,
			query("A", onHosts(metric.HostMemoryLeft), "{{host}}")).Min(0)).
		WithPanel(lines(
			words{"Swap used", "A rise with little memory available means that the machine slows down.", units.BytesIEC}, 12,
			query("A", onHosts(metric.HostSwapUsed), "{{host}}")).Min(0)).
		WithPanel(lines(words{"Container throttled", "Seconds a second for which the exporter's container waited because " +
			"its share of CPU was used up, all CPUs together.", units.Short}, 12,
			query("A", onHosts(metric.HostThrottled), "{{host}}")).Min(0)).
		WithPanel(
			lines(words{"Pressure", "Share of the time in which some tasks waited for a resource.", units.PercentUnit}, 12,
				query("A", onHosts(metric.HostWaiting), "{{host}} {{resource}}")).Min(0)).
		WithPanel(lines(
			words{"Load", "Load average over one and fifteen minutes, of machines that an exporter of ours reads.", units.Short},
			12,
			query("A", fmt.Sprintf(`max by (host, window) (%s)`, onHosts(metric.HostLoad, metric.LabelWindow+`=~"1m|15m"`)),
				"{{host}} {{window}}")).Min(0))

	return b.WithRow(dashboard.NewRowBuilder("Programs")).
		WithPanel(lines(words{"Memory of named programs", "The least that each held within the last hour; " +
			"a steady rise is a leak. Name programs under host.processes of the policy.", units.BytesIEC}, 12,
			query("A", onHosts(metric.ProcessLow), "{{host}} {{process}}")).Min(0)).
		WithPanel(lines(words{"Autoscalers", "Replicas as a share of the most that each may run.", units.PercentUnit}, 12,
			query("A", inEnvironment(metric.ScalingUsed), "{{namespace}} {{horizontalpodautoscaler}}")).Min(0))
}
