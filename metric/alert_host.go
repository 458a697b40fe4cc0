package metric

// Alerts on machines.
var (
	CPUAlert = alert(Alert{
		Name: "ThorbisCpuSaturated", Priorities: []string{"P3"}, Dashboard: ResourcesDashboard,
		What: "A machine, or the container's share of it, has used more than 90 % of its CPUs for half an hour.",
		Why:  "Everything on it takes longer, and there is no room for a peak.",
	})
	MemoryAlert = alert(Alert{
		Name: "ThorbisMemoryLow", Priorities: []string{"P2", "P3"}, Dashboard: ResourcesDashboard,
		What: "Less than 10 % of a machine's memory has been available for fifteen minutes, or less than 3 % for five.",
		Why:  "When none is left, the kernel kills a process of its choice.",
	})
	OOMAlert = alert(Alert{
		Name: "ThorbisOomKill", Priorities: []string{"P3"}, Dashboard: ResourcesDashboard,
		What: "The kernel has killed a process for lack of memory within the last fifteen minutes.",
		Why:  "The work of the process was interrupted, and it will happen again.",
	})
	LeakAlert = alert(Alert{
		Name: "ThorbisMemoryLeak", Priorities: []string{"P4"}, Dashboard: ResourcesDashboard,
		What: "The memory of named processes has grown steadily over eight hours, by about 15 % and 100 MB, " +
			"without a restart.",
		Why: "They will use all memory if this continues.",
	})
	ScalingMaximumAlert = alert(Alert{
		Name: "ThorbisScalingAtMaximum", Priorities: []string{"P3"}, Dashboard: ResourcesDashboard,
		What: "An autoscaler of Kubernetes has run as many replicas as it may for fifteen minutes.",
		Why:  "It cannot add any when the load grows further.",
	})
	ScalingInactiveAlert = alert(Alert{
		Name: "ThorbisScalingInactive", Priorities: []string{"P3"}, Dashboard: ResourcesDashboard,
		What: "An autoscaler of Kubernetes has not been able to scale for fifteen minutes.",
		Why:  "It does not follow the load.",
	})
	ContainerMemoryAlert = alert(Alert{
		Name: "ThorbisContainerMemoryHigh", Priorities: []string{"P3"}, Dashboard: ResourcesDashboard,
		What: "A container of Kubernetes has used more than 90 % of its memory limit for fifteen minutes.",
		Why:  "At its limit the kernel kills it.",
	})
)
