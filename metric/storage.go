package metric

var (
	deviceLabels     = []string{LabelHost, LabelDevice}
	deviceOpLabels   = append(deviceLabels[:2:2], LabelOperation)
	filesystemLabels = []string{LabelHost, LabelDevice, LabelMountpoint, LabelFSType}
)

// Block devices and filesystems. Two exporters on one machine state the same facts, which the label host
// shows, so all of this is replica: take one, never add.
var (
	StorageOperations = define(Metric{
		Name: "thorbis_storage_io_operations_total", Type: Counter, Across: Replica,
		Help:   "Operations that the device completed since the machine started. Merged requests count once.",
		Labels: deviceOpLabels,
	})
	StorageBytes = define(Metric{
		Name: "thorbis_storage_io_bytes_total", Type: Counter, Unit: "bytes", Across: Replica,
		Help:   "Bytes read, written or discarded.",
		Labels: deviceOpLabels,
	})
	StorageSeconds = define(Metric{
		Name: "thorbis_storage_io_time_seconds_total", Type: Counter, Unit: "seconds", Across: Replica,
		Help:   "Time that operations took, summed over them; divided by their number, the latency.",
		Labels: deviceOpLabels,
	})
	StorageInFlight = define(Metric{
		Name: "thorbis_storage_io_in_flight", Type: Gauge, Across: Replica,
		Help:   "Operations in flight.",
		Labels: deviceLabels,
	})
	StorageBusySeconds = define(Metric{
		Name: "thorbis_storage_io_busy_seconds_total", Type: Counter, Unit: "seconds", Across: Replica,
		Help:   "Time with an operation in flight. No measure of saturation for devices that serve many at once.",
		Labels: deviceLabels,
	})
	StorageWeightedSeconds = define(Metric{
		Name: "thorbis_storage_io_weighted_seconds_total", Type: Counter, Unit: "seconds", Across: Replica,
		Help:   "Time multiplied by the operations in flight; its rate is the mean length of the queue.",
		Labels: deviceLabels,
	})
	StorageDeviceInfo = define(Metric{
		Name: "thorbis_storage_device_info", Type: Info, Across: Replica,
		Help: "Human-readable names of the device: logical volume or label, and the shortest path at which it, " +
			"or a device on it, is mounted.",
		Labels: append(deviceLabels[:2:2], LabelName, LabelMountpoint),
	})

	StorageFilesystemSize = define(Metric{
		Name: "thorbis_storage_filesystem_size_bytes", Type: Gauge, Unit: "bytes", Across: Replica,
		Help:   "Size of the filesystem.",
		Labels: filesystemLabels,
	})
	StorageFilesystemFree = define(Metric{
		Name: "thorbis_storage_filesystem_free_bytes", Type: Gauge, Unit: "bytes", Across: Replica,
		Help:   "Free space, what is reserved for root included.",
		Labels: filesystemLabels,
	})
	StorageFilesystemAvailable = define(Metric{
		Name: "thorbis_storage_filesystem_available_bytes", Type: Gauge, Unit: "bytes", Across: Replica,
		Help:   "Free space that is not reserved for root.",
		Labels: filesystemLabels,
	})
	StorageFilesystemInodes = define(Metric{
		Name: "thorbis_storage_filesystem_inodes", Type: Gauge, Across: Replica,
		Help:   "Inodes of the filesystem, 0 where it makes them as it needs them.",
		Labels: filesystemLabels,
	})
	StorageFilesystemInodesFree = define(Metric{
		Name: "thorbis_storage_filesystem_inodes_free", Type: Gauge, Across: Replica,
		Help:   "Free inodes.",
		Labels: filesystemLabels,
	})
	StorageFilesystemReadOnly = define(Metric{
		Name: "thorbis_storage_filesystem_readonly", Type: Gauge, Across: Replica,
		Help:   "1 if the filesystem is mounted read-only.",
		Labels: filesystemLabels,
	})
	StorageFilesystemError = define(Metric{
		Name: "thorbis_storage_filesystem_device_error", Type: Gauge, Across: Replica,
		Help:   "1 if the filesystem returned an error when asked for its size. Its sizes are then absent.",
		Labels: filesystemLabels,
	})
	StorageFilesystemStale = define(Metric{
		Name: "thorbis_storage_filesystem_stale", Type: Gauge, Across: Replica,
		Help: "1 if the filesystem does not answer, such as a network filesystem whose server is gone. " +
			"Its sizes are then absent.",
		Labels: filesystemLabels,
	})
	StorageOverflow = define(Metric{
		Name: "thorbis_storage_left_out", Type: Gauge, Across: Replica,
		Help:   "Devices and filesystems beyond the bound of how many are exposed, by kind.",
		Labels: []string{LabelHost, LabelKind},
	})
	StorageObserved = define(Metric{
		Name: "thorbis_storage_observed_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which devices and filesystems were last read.",
		Labels: []string{LabelHost},
	})
)

// What a device was bought with.
var (
	StorageExpectedIOPS = define(Metric{
		Name: "thorbis_storage_expected_iops", Type: Gauge, Across: Replica, Expected: true,
		Help:   "Read and write operations a second that the device may sustain: the lower limit of disk and machine.",
		Labels: deviceLabels,
	})
	StorageExpectedThroughput = define(Metric{
		Name: "thorbis_storage_expected_throughput_bytes_per_second",
		Type: Gauge, Unit: "bytes_per_second", Across: Replica, Expected: true,
		Help:   "Bytes a second that may be read and written continuously.",
		Labels: deviceLabels,
	})
	StorageExpectedBurstIOPS = define(Metric{
		Name: "thorbis_storage_expected_burst_iops", Type: Gauge, Across: Replica, Expected: true,
		Help:   "Operations a second that the device may do in a burst, where that is more.",
		Labels: deviceLabels,
	})
	StorageExpectedBurstThroughput = define(Metric{
		Name: "thorbis_storage_expected_burst_throughput_bytes_per_second",
		Type: Gauge, Unit: "bytes_per_second", Across: Replica, Expected: true,
		Help:   "Bytes a second that may be read and written in a burst, where that is more.",
		Labels: deviceLabels,
	})
	StorageLimitRequests = define(Metric{
		Name: "thorbis_storage_limit_requests_total", Type: Counter, Across: Sum,
		Help:   "Requests to Supabase's Management API for the limits of a project's disk, by result.",
		Labels: []string{LabelHost, LabelResult},
	})
)
