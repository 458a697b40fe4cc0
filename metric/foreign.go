package metric

// Series of other exporters that the rules read in addition to ours: node_exporter's, which Supabase's endpoint of a
// project exports too. Each name is declared here once, so a misspelt name in a rule fails the build.
const (
	NodeLoad1 = "node_load1"
	NodeUname = "node_uname_info"

	NodeDiskReads         = "node_disk_reads_completed_total"
	NodeDiskWrites        = "node_disk_writes_completed_total"
	NodeDiskDiscards      = "node_disk_discards_completed_total"
	NodeDiskFlushes       = "node_disk_flush_requests_total"
	NodeDiskReadBytes     = "node_disk_read_bytes_total"
	NodeDiskWrittenBytes  = "node_disk_written_bytes_total"
	NodeDiskReadSeconds   = "node_disk_read_time_seconds_total"
	NodeDiskWriteSeconds  = "node_disk_write_time_seconds_total"
	NodeDiskWeighted      = "node_disk_io_time_weighted_seconds_total"
	NodeDiskNow           = "node_disk_io_now"
	NodeFilesystemSize    = "node_filesystem_size_bytes"
	NodeFilesystemAvail   = "node_filesystem_avail_bytes"
	NodeFilesystemFiles   = "node_filesystem_files"
	NodeFilesystemFree    = "node_filesystem_files_free"
	NodeFilesystemRO      = "node_filesystem_readonly"
	NodeFilesystemError   = "node_filesystem_device_error"
	NodeCPU               = "node_cpu_seconds_total"
	NodeOOMKills          = "node_vmstat_oom_kill"
	NodePressureCPU       = "node_pressure_cpu_waiting_seconds_total"
	NodePressureIO        = "node_pressure_io_waiting_seconds_total"
	NodePressureMemory    = "node_pressure_memory_waiting_seconds_total"
	NodeMemoryTotal       = "node_memory_MemTotal_bytes"
	NodeMemoryAvailable   = "node_memory_MemAvailable_bytes"
	NodeSwapTotal         = "node_memory_SwapTotal_bytes"
	NodeSwapFree          = "node_memory_SwapFree_bytes"
	LabelSupabaseProject  = "supabase_project_ref"
	LabelSupabaseInstance = "supabase_identifier"
)

// Series on PostgreSQL of Supabase's endpoint. It declares the number of unarchived files as a counter, but the value
// is a gauge.
const (
	SupabaseUp         = "pg_up"
	SupabaseUnarchived = "pg_ls_archive_statusdir_wal_pending_count"
	SupabaseWALSize    = "pg_wal_size_mb"
	SupabaseLag        = "physical_replication_lag_physical_replication_lag_seconds"
	// SupabaseDataMount is where a project's data disk is mounted.
	SupabaseDataMount = "/data"
)

// Series of kube-state-metrics on autoscaling.
const (
	KubeReplicas         = "kube_horizontalpodautoscaler_status_current_replicas"
	KubeMaxReplicas      = "kube_horizontalpodautoscaler_spec_max_replicas"
	KubeScalingCondition = "kube_horizontalpodautoscaler_status_condition"
)

// Series of cAdvisor on the containers of Kubernetes, as each kubelet exports them.
const (
	ContainerMemory      = "container_memory_working_set_bytes"
	ContainerMemoryLimit = "container_spec_memory_limit_bytes"
	ContainerPeriods     = "container_cpu_cfs_periods_total"
	ContainerThrottled   = "container_cpu_cfs_throttled_periods_total"
)
