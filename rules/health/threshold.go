package health

import "time"

// Thresholds of health.
const (
	// downFloor is the shortest outage that pages.
	downFloor = 30 * time.Second
	// plannedWork is how much of a day planned work may leave out. Beyond it, failures count.
	plannedWork = 8 * time.Hour

	// certificateWarning and certificateUrgent are the lifetimes left at which a renewal is overdue, and urgent. They
	// apply where the exporter does not export its own.
	certificateWarning = 14 * 24 * time.Hour
	certificateUrgent  = 3 * 24 * time.Hour
	// certificateHold bridges restarts of exporters, which know no certificate before their first probe.
	certificateHold = 15 * time.Minute
)
