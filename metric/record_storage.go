package metric

// Labels of the levels at which storage is recorded.
var (
	hostLevel       = []string{LabelEnvironment, LabelHost}
	nodeLevel       = []string{LabelEnvironment, "job", "instance", LabelSupabaseInstance, LabelHost}
	deviceLevel     = []string{LabelEnvironment, LabelHost, LabelDevice}
	deviceOpLevel   = append(deviceLevel[:3:3], LabelOperation)
	filesystemLevel = []string{LabelEnvironment, LabelHost, LabelMountpoint}
)

// Whose series are whose.
var (
	HostSeen = record("host:thorbis_host:seen",
		"Unix time at which an exporter of ours last read the machine. Outlives it by an hour.", hostLevel)
	NodeNamed = record("instance:thorbis_node:named",
		"1 for each target of a node_exporter and each Supabase project, "+
			"labelled with the machine that it is by its own account: the project, or the address without its port.",
		nodeLevel)
	NodeHost = record("instance:thorbis_node:host",
		"1 for each target of a node_exporter and each Supabase project, labelled with the machine as it is recorded: "+
			"by its host name where we read it too, so that none counts twice.",
		nodeLevel)
)

// Block devices, from any exporter.
var (
	DeviceGone = record("device:thorbis_storage:gone",
		"1 for a device that an exporter of ours stated within five minutes and no longer states, though it reads the "+
			"machine.", deviceLevel)
	DeviceForeignOperations = record("device:thorbis_node_disk_operations:rate5m",
		"Operations a second, as a node_exporter or Supabase counts them.", deviceOpLevel)
	DeviceOperations = record("device:thorbis_storage_operations:rate5m",
		"Operations a second.", deviceOpLevel)
	DeviceBytes = record("device:thorbis_storage_bytes:rate5m",
		"Bytes a second.", deviceOpLevel)
	DeviceLatency = record("device:thorbis_storage_latency:seconds5m",
		"Mean time of an operation; absent without one.", deviceOpLevel)
	DeviceQueue = record("device:thorbis_storage_queue:length5m",
		"Mean number of operations in flight.", deviceLevel)
	DeviceLatencyObjective = record("environment:thorbis_storage_latency_objective:seconds",
		"How long an operation may take on average.", []string{LabelEnvironment, LabelOperation})
	DeviceLatencyRatio = record("device:thorbis_storage_latency:objective_ratio5m",
		"Latency as a multiple of its objective, for devices with at least one such operation a second.", deviceOpLevel)
	DeviceLimit = record("device:thorbis_storage_limit:expected",
		"What the device may sustain: operations or bytes a second.", append(deviceLevel[:3:3], LabelLimit))
	DeviceLimitUsed = record("device:thorbis_storage_limit_used:ratio5m",
		"Share of a limit of the device that reads and writes use. More than 1 is a burst.",
		append(deviceLevel[:3:3], LabelLimit))
)

// Filesystems, from any exporter.
var (
	FilesystemSize = record("filesystem:thorbis_storage_size:bytes",
		"Size.", filesystemLevel)
	FilesystemAvailable = record("filesystem:thorbis_storage_available:bytes",
		"Space left for users.", filesystemLevel)
	FilesystemUsed = record("filesystem:thorbis_storage_used:ratio",
		"Share of the size that users cannot write to any more.", filesystemLevel)
	FilesystemGone = record("filesystem:thorbis_storage:gone",
		"1 for a filesystem that an exporter of ours stated within five minutes and no longer states, though it reads the "+
			"machine.", filesystemLevel)
	FilesystemInodes = record("filesystem:thorbis_storage_inodes:count",
		"Inodes, used and free; 0 where they are made as needed.", filesystemLevel)
	FilesystemInodesFree = record("filesystem:thorbis_storage_inodes_free:count",
		"Inodes that are free.", filesystemLevel)
	FilesystemInodesLeft = record("filesystem:thorbis_storage_inodes_left:ratio",
		"Share of the inodes that is free; absent where they are made as needed.", filesystemLevel)
	FilesystemReadOnly = record("filesystem:thorbis_storage_readonly:state",
		"1 if mounted read-only.", filesystemLevel)
	FilesystemWritable = record("filesystem:thorbis_storage_writable:seen",
		"Unix time at which the filesystem was last seen writable, for a week.", filesystemLevel)
	FilesystemUnusable = record("filesystem:thorbis_storage_unusable:state",
		"1 if the filesystem answers with an error or not at all.", filesystemLevel)
	FilesystemLow = record("filesystem:thorbis_storage_available:low1h",
		"The least space left within the last hour.", filesystemLevel)
	FilesystemRecurring = map[string]*Record{
		"30m": record("filesystem:thorbis_storage_available:recurring30m", recurringText("30 m", "a day"), filesystemLevel),
		"6h": record("filesystem:thorbis_storage_available:recurring6h", recurringText("6 h", "three days"),
			filesystemLevel),
	}
	FilesystemFullIn = map[string]*Record{
		"30m": record("filesystem:thorbis_storage_full_in:seconds30m", fullText("30 m", "day"), filesystemLevel),
		"6h":  record("filesystem:thorbis_storage_full_in:seconds6h", fullText("6 h", "three days"), filesystemLevel),
		"3d": record("filesystem:thorbis_storage_full_in:seconds3d", "Seconds until it is full if the low water of each "+
			"day goes on falling as it did over three days; absent where it does not.", filesystemLevel),
	}
	FilesystemFull = record("filesystem:thorbis_storage_full_in:seconds",
		"Seconds until the filesystem is full, by the horizon that predicts the soonest; absent where it does not fill.",
		filesystemLevel)
)

func recurringText(pace, memory string) string {
	return "Space left of a filesystem that was as full in both of the two spans of a " + memory + " before the last " +
		pace + "."
}

func fullText(pace, memory string) string {
	return "Seconds until it is full at the pace of the last " + pace +
		"; absent where it does not fill, or has been as full within the " + memory + " before."
}
