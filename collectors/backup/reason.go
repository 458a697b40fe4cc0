package backup

import (
	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/metric"
)

// collectorReason returns the supervisor's reason for a listing or a result that cannot be read.
func collectorReason(err error) string {
	switch program.Reason(err) {
	case metric.ListingTimeout:
		return collectors.ReasonTimeout
	case metric.ListingMissing, metric.ListingPermission, metric.ListingAuth:
		return collectors.ReasonConfig
	case metric.ListingNetwork, metric.ListingExit:
		return collectors.ReasonIO
	}
	return collectors.ReasonOther
}
