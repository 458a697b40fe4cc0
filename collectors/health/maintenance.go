package health

import (
	"slices"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/maintenance"
)

// window is a maintenance window of checks.
type window struct {
	*maintenance.Window
	open bool // at the last tick
}

func newWindow(m *config.Maintenance) (*window, error) {
	w, err := maintenance.New(m)
	return &window{Window: w}, err
}

// covers reports whether a window is meant for a check and tenant. A window that names nothing is for all.
func (w *window) covers(c *config.Check, tenant string) bool {
	named := len(w.Checks) > 0 || len(w.AppServices) > 0 || len(w.Procedures) > 0
	if named && !slices.Contains(w.Checks, c.Name) && !slices.Contains(w.AppServices, c.AppService) {
		return false
	}
	return len(w.Tenants) == 0 || slices.Contains(w.Tenants, tenant)
}
