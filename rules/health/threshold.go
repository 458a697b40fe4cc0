package health

import (
	"time"

	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// Thresholds of health.
const (
	// downFloor is the shortest outage that pages.
	downFloor = 30 * time.Second
	// recentOutage is how long after its end an outage still pages. It bridges two scrapes, one of which may fail, and
	// an evaluation. Exporters expose outages for longer.
	recentOutage = time.Minute
	// shortestPage is how long a page of an outage lasts that had ended when it was seen: two evaluations.
	shortestPage = 2 * rule.ScrapeInterval
	// plannedWork is how much of a day planned work may leave out. Beyond it, failures count.
	plannedWork = 8 * time.Hour

	// certificateWarning and certificateUrgent are the lifetimes left at which a renewal is overdue, and urgent. They
	// apply where the exporter does not export its own.
	certificateWarning = 14 * 24 * time.Hour
	certificateUrgent  = 3 * 24 * time.Hour
	// certificateHold bridges restarts of exporters, which know no certificate before their first probe.
	certificateHold = 15 * time.Minute
)
