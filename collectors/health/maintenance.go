package health

import (
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
