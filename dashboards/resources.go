package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	noMachine   = "no machine is read yet"
	noContainer = "no container of Kubernetes with a limit is seen yet"
)

// resources shows what machines have left of CPU and memory.
func resources(*config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.ResourcesDashboard, title: "Resources",
		about:     "What machines have left of CPU and memory, and whether scaling can follow.",
		variables: hostVariables(metric.HostMemory),
	}.builder()
	row(b, "Now",
		number(words{
			title: "Busiest", unit: units.PercentUnit, empty: noMachine,
			about: "Share of its CPUs that the busiest machine uses. From 90 % on everything on it waits for a CPU: scale it " +
				"out, or find the program with top.",
		}, 6, fmt.Sprintf(`max(%s)`, onHosts(metric.HostCPUUsed)), "busiest", known(green, from(0.9, yellow))).
			Decimals(1),
		number(words{
			title: "Least memory left", unit: units.PercentUnit, empty: noMachine,
			about:   "Share of its memory that the machine with the least has available.",
			whenRed: "The kernel is about to kill processes: restart what leaks (see Programs), or add memory.",
		}, 6, fmt.Sprintf(`1 - max(%s)`, onHosts(metric.HostMemoryUsed)), "least",
			known(red, from(0.03, yellow), from(0.1, green))).Decimals(1),
		number(words{
			title: "Killed for want of memory", unit: units.Short, empty: "the kernel counts none",
			about: "Processes that the kernel killed in the last 15 minutes, all machines together: its log says which. " +
				"See whether they came back.",
		}, 6, fmt.Sprintf(`sum(%s)`, onHosts(metric.HostKills)), "killed", known(green, from(1, yellow))).Decimals(0),
		number(words{
			title: "Scaling", unit: units.PercentUnit, empty: "no autoscaler",
			about:   "Replicas of the fullest autoscaler of Kubernetes, as a share of the most it may run.",
			whenRed: "It runs all that it may: more load finds no more replicas. Raise its maximum.",
		}, 6, fmt.Sprintf(`max(%s)`, inEnvironment(metric.ScalingUsed)), "fullest", known(green, from(0.8, yellow),
			from(1, red))).Decimals(0),
	)
	row(b, "Machines", machineTable(),
		manyLines(words{
			title: "CPU used", unit: units.PercentUnit, empty: noMachine,
			about: "Share of the CPUs of each machine. An alert fires above 90 % for half an hour.",
		}, 12, query("A", onHosts(metric.HostCPUUsed), "{{host}}")).Min(0).Max(1),
		manyLines(words{
			title: "Memory available", unit: units.BytesIEC, empty: noMachine,
			about: "What programs could still have without swapping.",
		}, 12, query("A", onHosts(metric.HostMemoryLeft), "{{host}}")).Min(0),
		manyLines(words{
			title: "Swap used", unit: units.BytesIEC, empty: "no swap is seen yet",
			about: "A rise with little memory available means that the machine slows down.",
		}, 12, query("A", onHosts(metric.HostSwapUsed), "{{host}}")).Min(0),
		manyLines(words{
			title: "Container throttled", unit: units.Seconds, empty: "no container with a share of CPU",
			about: "Seconds a second for which the exporter's container waited because its share of CPU was used up, all CPUs " +
				"together.",
		}, 12, query("A", onHosts(metric.HostThrottled), "{{host}}")).Min(0),
		manyLines(words{
			title: "Pressure", unit: units.PercentUnit, empty: "the kernel does not report it",
			about: "Share of the time in which some tasks waited for a resource.",
		}, 12, query("A", onHosts(metric.HostWaiting), "{{host}} {{resource}}")).Min(0).AxisSoftMax(0.1),
		manyLines(words{
			title: "Load", unit: units.Short, empty: noMachine,
			about: "Load average over one and fifteen minutes, of machines that an exporter of ours reads.",
		}, 12, query("A", fmt.Sprintf(`max by (host, window) (%s)`, onHosts(metric.HostLoad,
			metric.LabelWindow+`=~"1m|15m"`)),
			"{{host}} {{window}}")).Min(0),
	)
	row(b, "Programs",
		manyLines(words{
			title: "Memory of named programs", unit: units.BytesIEC, empty: "no program of host.processes is seen yet",
			about: "The least that each held within the last hour; a steady rise is a leak.",
		}, 12, query("A", onHosts(metric.ProcessLow), "{{host}} {{process}}")).Min(0),
		manyLines(words{
			title: "Autoscalers", unit: units.PercentUnit, empty: "no autoscaler",
			about: "Replicas as a share of the most that each may run.",
		}, 12, query("A", inEnvironment(metric.ScalingUsed), "{{namespace}} {{horizontalpodautoscaler}}")).Min(0).Max(1),
		manyLines(words{
			title: "Memory of containers", unit: units.PercentUnit, empty: noContainer,
			about: fmt.Sprintf("Share of its memory limit that the fullest pod of each container uses: the %d highest. An "+
				"alert fires above 90 %%.", topLines),
		}, 12, query("A", fmt.Sprintf("topk(%d, %s)", topLines, inEnvironment(metric.ContainerMemoryUsed)),
			"{{namespace}} {{container}}")).Min(0).Max(1),
		manyLines(words{
			title: "Containers at their CPU limit", unit: units.PercentUnit, empty: noContainer,
			about: fmt.Sprintf("Share of the periods in which the busiest pod of each container had used its CPU limit and had "+
				"to wait; the %d highest.", topLines),
		}, 12, query("A", fmt.Sprintf("topk(%d, %s)", topLines, inEnvironment(metric.ContainerThrottledRatio)),
			"{{namespace}} {{container}}")).Min(0).Max(1),
	)
	return b
}

func machineTable() panel {
	return figures(words{
		title: "Machines by what they have left", unit: units.Short, empty: "No machine is read yet",
		about:   "Of the container's share, where the exporter runs in one that has limits.",
		whenRed: "No CPU or memory is left on that machine: scale it out, or find the program with top.",
	}, 24, 8, []key{byEnvironment, byHost.leading(metric.StorageDashboard)},
		column{
			title: "CPU used", unit: units.PercentUnit, colours: atLeast(0.9, yellow), decimals: 1,
			expr: fmt.Sprintf(`topk(%d, %s)`, rows, onHosts(metric.HostCPUUsed)),
		},
		column{title: "CPUs", unit: units.Short, expr: onHosts(metric.HostCores)},
		column{
			title: "Memory used", unit: units.PercentUnit, expr: onHosts(metric.HostMemoryUsed), decimals: 1,
			colours: above(0.9, yellow, 0.97, red),
		},
		column{title: "Memory available", unit: units.BytesIEC, expr: onHosts(metric.HostMemoryLeft)},
		column{title: "Memory", unit: units.BytesIEC, expr: onHosts(metric.HostMemory)},
		column{title: "Swap used", unit: units.BytesIEC, expr: onHosts(metric.HostSwapUsed)},
		column{
			title: "Started", unit: units.DateTimeFromNow,
			expr: "1000 * max by (environment, host) (" + onHosts(metric.HostBoot) + ")",
		},
	)
}
