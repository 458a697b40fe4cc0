package metric

var (
	processLevel    = []string{LabelEnvironment, LabelHost, LabelProcess}
	autoscalerLevel = []string{LabelEnvironment, "namespace", "horizontalpodautoscaler"}
	containerLevel  = []string{LabelEnvironment, "namespace", "container"}
)

// Machines, from any exporter. Where ours runs in a container with limits, the values are those of the container.
var (
	HostCores = record("host:thorbis_cpu:cores",
		"CPUs that may be used.", hostLevel)
	HostCPUUsed = record("host:thorbis_cpu:utilisation5m",
		"Share of them that is used.", hostLevel)
	HostMemory = record("host:thorbis_memory:bytes",
		"Memory that may be used.", hostLevel)
	HostMemoryLeft = record("host:thorbis_memory_available:bytes",
		"Memory that is available.", hostLevel)
	HostMemoryUsed = record("host:thorbis_memory:utilisation",
		"Share of the memory that is not available.", hostLevel)
	HostSwapUsed = record("host:thorbis_swap_used:bytes",
		"Swap of the machine that is used.", hostLevel)
	HostThrottled = record("host:thorbis_container_throttled:rate5m",
		"Seconds a second for which the exporter's container had to wait because it had used its share of CPU, "+
			"all CPUs together.", hostLevel)
	HostKills = record("host:thorbis_oom_kills:increase15m",
		"Processes killed for lack of memory in the last 15 m.", hostLevel)
	HostWaiting = record("host:thorbis_pressure:ratio5m",
		"Share of the time in which some tasks waited for a resource.", append(hostLevel[:2:2], LabelResource))
	ProcessLow = record("process:thorbis_resident:low1h",
		"The least memory that the processes held within the last hour.", processLevel)
	ScalingUsed = record("autoscaler:thorbis_scaling:ratio",
		"Replicas that an autoscaler of Kubernetes runs, as a share of the most it may.", autoscalerLevel)
	ContainerMemoryUsed = record("container:thorbis_memory:utilisation",
		"Memory of a container of Kubernetes that cannot be taken back, as a share of its limit: the fullest of its pods.",
		containerLevel)
	ContainerThrottledRatio = record("container:thorbis_throttled:ratio5m",
		"Share of the periods in which a container of Kubernetes had used its CPU limit: the most of its pods.",
		containerLevel)
)
