package metric

// Labels of what a machine, its disks and its databases say of themselves.
const (
	// LabelHost is the machine: its host name, or the instance of a node_exporter.
	LabelHost       = "host"
	LabelDevice     = "device" // as the kernel names it, without /dev/
	LabelMountpoint = "mountpoint"
	LabelFSType     = "fstype"
	LabelOperation  = "operation"
	// LabelName is what a person calls the device: its logical volume or its label.
	LabelName = "name"
	// LabelLimit says which of a device's limits a share is of.
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
