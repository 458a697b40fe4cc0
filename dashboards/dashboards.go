// Package dashboards shows: it generates Grafana dashboards, one file each. They ask for the series of package metric
// by
// their declared names and judge nothing that a rule has not recorded.
package dashboards

import (
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/thorbis/thorbis_exporter/config"
)

// all are the dashboards in the order in which a person meets them.
var all = []func(*config.Policy) *dashboard.DashboardBuilder{
	overview, incidents, objectives, health, tenants, tenant, storage, databases, resources, backups, procedures,
	delivery, vendors, security, business, path, daily, weekly,
}

// Build generates every dashboard as the classic JSON of Grafana, by file name: its uid.
func Build(p *config.Policy) (map[string][]byte, error) {
	built, err := Model(p)
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte, len(built))
	for _, d := range built {
		text, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", *d.Uid, err)
		}
		files[*d.Uid+".json"] = append(text, '\n')
	}
	return files, nil
}

// Model returns every dashboard, of which each output is made: the classic JSON, Grafana's schema v2, Perses.
func Model(p *config.Policy) ([]dashboard.Dashboard, error) {
	built := make([]dashboard.Dashboard, len(all))
	for i, dashboard := range all {
		d, err := dashboard(p).Build()
		if err != nil {
			return nil, fmt.Errorf("dashboard %d: %w", i+1, err)
		}
		identify(d.Panels)
		built[i] = d
	}
	return built, nil
}

// identify numbers panels in their order: links to a panel and caches need ids.
func identify(panels []dashboard.PanelOrRowPanel) {
	for i, p := range panels {
		id := uint32(i + 1)
		if p.Panel != nil {
			p.Panel.Id = &id
		} else {
			p.RowPanel.Id = id
		}
	}
}
