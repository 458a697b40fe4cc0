package metric

// Alerts on disks and filesystems. Their urgency follows from what is left, not from a percentage.
var (
	DiskFillingAlert = alert(Alert{
		Name: "ThorbisDiskFilling", Priorities: []string{"P2", "P3", "P4"}, Dashboard: StorageDashboard,
		What: "A filesystem is full within 4 h, a day or four days at its present pace, " +
			"having never been as full in the time before.",
		Why: "What writes to it fails at that moment; databases stop.",
	})
	DiskFullAlert = alert(Alert{
		Name: "ThorbisDiskFull", Priorities: []string{"P2"}, Dashboard: StorageDashboard,
		What: "Less than 1 % and less than 10 GiB of a filesystem are left.",
		Why:  "The next large write fails.",
	})
	InodesAlert = alert(Alert{
		Name: "ThorbisInodesRunningOut", Priorities: []string{"P2", "P3"}, Dashboard: StorageDashboard,
		What: "Less than 5 %, or less than 1 %, of a filesystem's inodes are free.",
		Why:  "No file can be made once they are gone, however much space is left.",
	})
	ReadOnlyAlert = alert(Alert{
		Name: "ThorbisFilesystemReadOnly", Priorities: []string{"P2"}, Dashboard: StorageDashboard,
		What: "A filesystem that could be written to within the last week is read-only.",
		Why:  "The kernel remounts a filesystem read-only if its disk returns errors. Nothing can be written.",
	})
	FilesystemErrorAlert = alert(Alert{
		Name: "ThorbisFilesystemUnusable", Priorities: []string{"P3"}, Dashboard: StorageDashboard,
		What: "A filesystem has answered with errors, or not at all, for ten minutes.",
		Why:  "Programs that use it hang or fail, and its free space is unknown.",
	})
	DiskLimitAlert = alert(Alert{
		Name: "ThorbisDiskLimitReached", Priorities: []string{"P2"}, Dashboard: StorageDashboard,
		What: "A disk has used more than 90 % of its IOPS or throughput for fifteen minutes while operations take longer " +
			"than the objective.",
		Why: "The disk cannot do more than its limit; everything that waits for it gets slower.",
	})
	DiskSlowAlert = alert(Alert{
		Name: "ThorbisDiskSlow", Priorities: []string{"P3"}, Dashboard: StorageDashboard,
		What: "Reads or writes of a disk have taken longer on average than the objective for fifteen minutes, " +
			"though it is not at its limit.",
		Why: "Everything that waits for the disk is slow.",
	})
)
