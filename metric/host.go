package metric

// Labels of a machine.
const (
	LabelMode     = "mode"     // what a CPU did: user, system, idle, iowait, ...
	LabelWindow   = "window"   // over which the load is averaged
	LabelResource = "resource" // that tasks wait for: cpu, io, memory
	LabelProcess  = "process"  // the policy's name of a group of processes
)

// Kinds of pressure, values of LabelKind: some tasks wait, or all do.
const (
	PressureSome = "some"
	PressureFull = "full"
)

var (
	hostLabels    = []string{LabelHost}
	processLabels = []string{LabelHost, LabelProcess}
)

// The machine, lightly: a node_exporter reads the rest. Two exporters on one machine state the same facts.
var (
	HostCPUSeconds = define(Metric{
		Name: "thorbis_host_cpu_seconds_total", Type: Counter, Unit: "seconds", Across: Replica,
		Help:   "Time that all CPUs together spent in a mode.",
		Labels: append(hostLabels[:1:1], LabelMode),
	})
	HostCPUs = define(Metric{
		Name: "thorbis_host_cpus", Type: Gauge, Across: Replica,
		Help:   "CPUs of the machine.",
		Labels: hostLabels,
	})
	HostLoad = define(Metric{
		Name: "thorbis_host_load", Type: Gauge, Across: Replica,
		Help:   "Load average over 1m, 5m and 15m.",
		Labels: append(hostLabels[:1:1], LabelWindow),
	})
	HostMemoryTotal = define(Metric{
		Name: "thorbis_host_memory_total_bytes", Type: Gauge, Unit: "bytes", Across: Replica,
		Help:   "Memory of the machine.",
		Labels: hostLabels,
	})
	HostMemoryAvailable = define(Metric{
		Name: "thorbis_host_memory_available_bytes", Type: Gauge, Unit: "bytes", Across: Replica,
		Help:   "Memory that programs could still have without swapping.",
		Labels: hostLabels,
	})
	HostSwapTotal = define(Metric{
		Name: "thorbis_host_swap_total_bytes", Type: Gauge, Unit: "bytes", Across: Replica,
		Help:   "Swap of the machine.",
		Labels: hostLabels,
	})
	HostSwapFree = define(Metric{
		Name: "thorbis_host_swap_free_bytes", Type: Gauge, Unit: "bytes", Across: Replica,
		Help:   "Free swap.",
		Labels: hostLabels,
	})
	HostOOMKills = define(Metric{
		Name: "thorbis_host_oom_kills_total", Type: Counter, Across: Replica,
		Help:   "Processes that the kernel killed for lack of memory.",
		Labels: hostLabels,
	})
	HostPressure = define(Metric{
		Name: "thorbis_host_pressure_seconds_total", Type: Counter, Unit: "seconds", Across: Replica,
		Help:   "Time for which some, or all, tasks waited for a resource. Absent where the kernel does not report it.",
		Labels: append(hostLabels[:1:1], LabelResource, LabelKind),
	})
	HostBoot = define(Metric{
		Name: "thorbis_host_boot_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which the machine started.",
		Labels: hostLabels,
	})

	HostContainerCPULimit = define(Metric{
		Name: "thorbis_host_container_cpus", Type: Gauge, Across: Replica,
		Help:   "CPUs that the container the exporter runs in may use; absent outside a container or without a limit.",
		Labels: hostLabels,
	})
	HostContainerCPUSeconds = define(Metric{
		Name: "thorbis_host_container_cpu_seconds_total", Type: Counter, Unit: "seconds", Across: Replica,
		Help:   "CPU time that the container used.",
		Labels: hostLabels,
	})
	HostContainerThrottled = define(Metric{
		Name: "thorbis_host_container_throttled_seconds_total", Type: Counter, Unit: "seconds", Across: Replica,
		Help:   "Time for which the container had to wait because it had used its share of CPU.",
		Labels: hostLabels,
	})
	HostContainerMemoryLimit = define(Metric{
		Name: "thorbis_host_container_memory_limit_bytes", Type: Gauge, Unit: "bytes", Across: Replica,
		Help:   "Memory that the container may use; absent without a limit.",
		Labels: hostLabels,
	})
	HostContainerMemory = define(Metric{
		Name: "thorbis_host_container_memory_working_set_bytes", Type: Gauge, Unit: "bytes", Across: Replica,
		Help:   "Memory that the container uses, less what the kernel can take back from its page cache.",
		Labels: hostLabels,
	})

	HostProcesses = define(Metric{
		Name: "thorbis_host_processes", Type: Gauge, Across: Replica,
		Help:   "Processes of a name of the policy.",
		Labels: processLabels,
	})
	HostProcessResident = define(Metric{
		Name: "thorbis_host_process_resident_bytes", Type: Gauge, Unit: "bytes", Across: Replica,
		Help:   "Memory that they hold together; what they share counts for each.",
		Labels: processLabels,
	})
	HostProcessStart = define(Metric{
		Name: "thorbis_host_process_start_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which the oldest of them started; absent without one.",
		Labels: processLabels,
	})
)
