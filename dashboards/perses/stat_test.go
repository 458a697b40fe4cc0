package perses

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

// TestStat: a figure has its text, colour, unit and link.
func TestStat(t *testing.T) {
	d := built(t, model(t))[metric.OverviewDashboard]
	now := panelTitled(t, d, "Now")
	spec := now.Plugin.Spec.(statSpec)
	if spec.Calculation != "last-number" || spec.Mappings[4].Spec.Value != "4" ||
		spec.Mappings[4].Spec.Result != (mappingResult{"P1 is open", colours["red"]}) {
		t.Errorf("%+v", spec)
	}
	want := "/projects/${__project}/dashboards/thorbis-incidents?start=${__from}&end=${__to}" +
		"&var-datasource=${datasource:percentencode}&var-environment=${environment:percentencode}"
	if len(now.Links) != 1 || now.Links[0].URL != want || !now.Links[0].RenderVariables {
		t.Errorf("%+v, want %s", now.Links, want)
	}
}

// TestAbsentHasNoColour: the colour of an absent value is not taken for that of the lowest ones.
func TestAbsentHasNoColour(t *testing.T) {
	spec := panelTitled(t, built(t, model(t))[metric.OverviewDashboard], "Paging path").Plugin.Spec.(statSpec)
	if spec.Thresholds.DefaultColor != colours["green"] || len(spec.Thresholds.Steps) != 1 ||
		spec.Thresholds.Steps[0] != (step{1, colours["red"]}) {
		t.Errorf("%+v", spec.Thresholds)
	}
}

// TestFiguresOfSeveralKinds: figures with units or colours of their own are columns of one row.
func TestFiguresOfSeveralKinds(t *testing.T) {
	p := panelTitled(t, built(t, model(t))[metric.OverviewDashboard], "SLA this month")
	spec, ok := p.Plugin.Spec.(tableSpec)
	if !ok || p.Plugin.Kind != "Table" || len(spec.ColumnSettings) != 2 || len(spec.Transforms) != 1 {
		t.Fatalf("%+v", p.Plugin)
	}
	up, left := columnNamed(t, spec, "up"), columnNamed(t, spec, "left")
	if up.Name != "value #1" || up.Format.Unit != "percent-decimal" || *up.Format.DecimalPlaces != 3 {
		t.Errorf("%+v %+v", up, up.Format)
	}
	if left.Name != "value #2" || left.Format.Unit != "seconds" ||
		left.CellSettings[0].Text != "measuring since a moment ago" ||
		left.CellSettings[3].TextColor != colours["red"] {
		t.Errorf("%+v %+v", left, left.Format)
	}
}

// TestNameOfALabel: where a stat shows a name, Perses shows the value of the label.
func TestNameOfALabel(t *testing.T) {
	spec := panelTitled(t, built(t, model(t))[metric.TenantDashboard], "Tier").Plugin.Spec.(statSpec)
	if spec.MetricLabel != "tier" {
		t.Errorf("%+v", spec)
	}
}
