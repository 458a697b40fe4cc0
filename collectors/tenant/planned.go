package tenant

import (
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/maintenance"
)

// planned returns the function that reports whether all of a service is in a maintenance window of the policy. A window
// that names checks, tenants or procedures is about a part of it.
func planned(p *config.Policy) (func(service string, at time.Time) bool, error) {
	var windows []*maintenance.Window
	for _, m := range p.Maintenance {
		w, err := maintenance.New(m)
		if err != nil {
			return nil, err
		}
		windows = append(windows, w)
	}
	return func(service string, at time.Time) bool {
		return slices.ContainsFunc(windows, func(w *maintenance.Window) bool {
			return coversService(w.Maintenance, service) && w.Active(at)
		})
	}, nil
}

func coversService(m *config.Maintenance, service string) bool {
	if len(m.Tenants) > 0 {
		return false
	}
	everything := len(m.Checks)+len(m.AppServices)+len(m.Procedures) == 0
	return everything || slices.Contains(m.AppServices, service)
}
