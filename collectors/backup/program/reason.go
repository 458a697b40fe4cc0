package program

import (
	"context"
	"errors"
	"io/fs"
	"net"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/internal/command"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Errors of a service that does not list.
var (
	errAuth     = errors.New("the credentials are refused")
	errNoBucket = errors.New("unknown bucket or project")
	errNetwork  = errors.New("the service cannot be reached")
)

// Reason returns the value of metric.LabelReason for a failed listing.
func Reason(err error) string {
	var exit *command.ExitError
	var netErr net.Error
	switch {
	case errors.Is(err, command.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return metric.ListingTimeout
	case errors.Is(err, command.ErrTooLarge), errors.Is(err, document.ErrTooLarge):
		return metric.ListingTooLarge
	case errors.Is(err, document.ErrMalformed):
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
