package metric

// Labels of machines, their disks and their databases.
const (
	// LabelHost is the machine: its host name, or the instance of a node_exporter.
	LabelHost       = "host"
	LabelDevice     = "device" // as the kernel names it, without /dev/
	LabelMountpoint = "mountpoint"
	LabelFSType     = "fstype"
	LabelOperation  = "operation"
	// LabelName is what a person calls the device: its logical volume or its label.
	LabelName = "name"
	// LabelLimit names the limit of a device that a share refers to.
	LabelLimit = "limit"
)

// Operations of a block device, values of LabelOperation.
const (
	OperationRead    = "read"
	OperationWrite   = "write"
	OperationDiscard = "discard"
	OperationFlush   = "flush"
)

// Limits of a block device, values of LabelLimit.
const (
	LimitIOPS       = "iops"
	LimitThroughput = "throughput"
)
