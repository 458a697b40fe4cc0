package backup

import (
	"context"
	"errors"
	"io/fs"
	"net"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/command"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Why a listing cannot be believed.
var (
	errMalformed = errors.New("the listing cannot be understood")
	errTooLarge  = errors.New("the listing is larger than it may be")
	errAuth      = errors.New("the credentials are refused")
	errNoBucket  = errors.New("there is no such bucket or project")
	errNetwork   = errors.New("the service cannot be reached")
)

// reason returns the value of metric.LabelReason for a failed listing.
func reason(err error) string {
	var exit *command.ExitError
	var netErr net.Error
	switch {
	case errors.Is(err, command.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return metric.ListingTimeout
	case errors.Is(err, command.ErrTooLarge), errors.Is(err, errTooLarge):
		return metric.ListingTooLarge
	case errors.Is(err, errMalformed):
		return metric.ListingMalformed
	case errors.Is(err, errAuth):
		return metric.ListingAuth
	case errors.As(err, &exit):
		return metric.ListingExit
	case errors.Is(err, fs.ErrPermission):
		return metric.ListingPermission
	case errors.Is(err, command.ErrNotFound), errors.Is(err, errNoBucket), errors.Is(err, fs.ErrNotExist):
		return metric.ListingMissing
	case errors.Is(err, errNetwork), errors.As(err, &netErr):
		return metric.ListingNetwork
	}
	return metric.ListingOther
}

// collectorReason is the same for the supervisor's closed set.
func collectorReason(err error) string {
	switch reason(err) {
	case metric.ListingTimeout:
		return collectors.ReasonTimeout
	case metric.ListingMissing, metric.ListingPermission, metric.ListingAuth:
		return collectors.ReasonConfig
	case metric.ListingNetwork, metric.ListingExit:
		return collectors.ReasonIO
	}
	return collectors.ReasonOther
}
