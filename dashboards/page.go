package dashboards

import (
	"maps"
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/thorbis/thorbis_exporter/metric"
)

// page is what the dashboards have in common: the data source, links to each other, annotations.
type page struct {
	uid, title, about string
	from              string // the beginning of the range shown at first, now-6h if empty
	refresh           string // 1m if empty
	variables         []cog.Builder[dashboard.VariableModel]
}

func (p page) builder() *dashboard.DashboardBuilder {
	begin, refresh := "now-6h", "1m"
	if p.from != "" {
		begin = p.from
	}
	if p.refresh != "" {
		refresh = p.refresh
	}
	b := dashboard.NewDashboardBuilder(TitlePrefix+p.title).
		Uid(p.uid).Description(p.about).Tags(Tags).
		Readonly().Timezone("browser").Refresh(refresh).Time(begin, "now").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(datasourceVariable())
	for _, v := range p.variables {
		b.WithVariable(v)
	}
	if p.uid != metric.OverviewDashboard {
		b.Link(link{title: "Overview", url: "/d/" + metric.OverviewDashboard})
	}
	b.Link(link{title: "Dashboards", dashboards: true})
	for _, a := range annotations {
		b.Annotation(visible{a})
	}
	return b
}

// row begins a row of panels, which the viewer can fold.
func row(b *dashboard.DashboardBuilder, title string, panels ...panel) {
	b.WithRow(dashboard.NewRowBuilder(title))
	place(b, panels...)
}

func place(b *dashboard.DashboardBuilder, panels ...panel) {
	for _, p := range panels {
		b.WithPanel(p)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
