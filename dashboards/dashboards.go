// Package dashboards shows: it generates Grafana dashboards, one file each. They ask for the series of
// package metric by their declared names and judge nothing that a rule has not recorded.
package dashboards

import (
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/thorbis/thorbis_exporter/config"
)

// all are the dashboards by file name.
var all = map[string]func(*config.Policy) *dashboard.DashboardBuilder{
	"thorbis-health.json":    health,
	"thorbis-storage.json":   storage,
	"thorbis-backup.json":    backup,
	"thorbis-slo.json":       objectives,
	"thorbis-tenant.json":    tenant,
	"thorbis-tenants.json":   tenants,
	"thorbis-resources.json": resources,
	"thorbis-incidents.json": incidents,
}

// Build generates every dashboard as JSON by file name.
func Build(p *config.Policy) (map[string][]byte, error) {
	files := make(map[string][]byte, len(all))
	for name, build := range all {
		d, err := build(p).Build()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		text, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files[name] = append(text, '\n')
	}
	return files, nil
}
