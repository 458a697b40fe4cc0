package perses

import (
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/thorbis/thorbis_exporter/metric"
)

func columnNamed(t *testing.T, spec tableSpec, header string) column {
	t.Helper()
	i := slices.IndexFunc(spec.ColumnSettings, func(c column) bool { return c.Header == header })
	if i < 0 {
		t.Fatalf("no column %q in %+v", header, spec.ColumnSettings)
	}
	return spec.ColumnSettings[i]
}

// TestTable: the columns stand in the order of Grafana, under its headings, with texts, colours, units and links.
func TestTable(t *testing.T) {
	spec := panelTitled(t, built(t, model(t))[metric.OverviewDashboard], "What is wrong").Plugin.Spec.(tableSpec)
	var headers []string
	for _, c := range spec.ColumnSettings {
		headers = append(headers, c.Header)
	}
	want := []string{"Environment", "Priority", "Alert", "Service", "Owner", "Open", "Began", "Taken", "Subject"}
	if !slices.Equal(headers, want) {
		t.Errorf("columns %q, want %q", headers, want)
	}
	if !spec.HideOthers || spec.Density != "compact" {
		t.Errorf("%+v", spec)
	}
	priority := columnNamed(t, spec, "Priority")
	if priority.Name != "priority" || priority.Sort != "asc" || priority.Width != 85 ||
		priority.CellSettings[1].Text != "P1" || priority.CellSettings[1].TextColor != colours["red"] {
		t.Errorf("%+v", priority)
	}
	taken := columnNamed(t, spec, "Taken")
	if taken.Name != "value #3" || taken.CellSettings[0].Text != "not known" || taken.CellSettings[1].Text != "no one" {
		t.Errorf("%+v", taken)
	}
	if began := columnNamed(t, spec, "Began"); began.Format.Unit != "relative-time" || began.Format.DecimalPlaces != nil {
		t.Errorf("%+v", began.Format)
	}
	if to := columnNamed(t, spec, "Service").DataLink; !strings.HasPrefix(to.URL,
		"/projects/${__project}/dashboards/thorbis-health?start=${__from}&end=${__to}") ||
		!strings.HasSuffix(to.URL, `&var-app_service=${__data.fields["app_service"]}`+
			`&var-environment=${__data.fields["environment"]}`) {
		t.Errorf("%+v", to)
	}
	// One transformation for each label, and one that makes a row of what has the same labels.
	last := spec.Transforms[len(spec.Transforms)-1].(plugin)
	if len(spec.Transforms) != 7 || last.Kind != "JoinByColumnValue" || len(last.Spec.(join).Columns) != 6 {
		t.Errorf("%+v", spec.Transforms)
	}
}

// TestColoursOfCells: the highest threshold comes first, for the first condition that holds counts.
func TestColoursOfCells(t *testing.T) {
	spec := panelTitled(t, built(t, model(t))[metric.ResourcesDashboard], "Machines by what they have left").Plugin.Spec
	used := columnNamed(t, spec.(tableSpec), "Memory used")
	var got []string
	for _, c := range used.CellSettings {
		got = append(got, c.Condition.Kind+" "+c.TextColor)
	}
	want := []string{"Misc ", "Range " + colours["red"], "Range " + colours["yellow"], "Range " + colours["green"]}
	if !slices.Equal(got, want) || used.CellSettings[1].Condition.Spec.(isWithin).Min != 0.97 {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestOneQuery: the values of the only query are called otherwise, and no rows need to be joined.
func TestOneQuery(t *testing.T) {
	found := false
	for _, d := range built(t, model(t)) {
		for _, p := range d.Panels {
			spec, ok := p.Spec.Plugin.Spec.(tableSpec)
			if !ok || len(p.Spec.Queries) > 1 {
				continue
			}
			found = true
			if !slices.ContainsFunc(spec.ColumnSettings, func(c column) bool { return c.Name == "value" }) ||
				len(spec.Transforms) > 0 {
				t.Errorf("%s: %+v", p.Spec.Display.Name, spec)
			}
		}
	}
	if !found {
		t.Error("no table has one query")
	}
}

func TestOtherTransformationsAreRefused(t *testing.T) {
	for name, c := range map[string][]dashboard.DataTransformerConfig{
		"none": {}, "another": {{Id: "reduce"}}, "options": {{Id: "filterFieldsByName"}, {Id: "merge"}, {Id: "organize"}},
	} {
		if _, err := organisedBy(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestOverridesAreCarried: columns have as many links, widths, units and texts as their overrides in the model, and as
// many of them are hidden.
func TestOverridesAreCarried(t *testing.T) {
	all := model(t)
	want, got := map[string]int{}, map[string]int{}
	for _, d := range all {
		for _, p := range d.Panels {
			if p.Panel == nil || p.Panel.Type != "table" {
				continue
			}
			for _, o := range p.Panel.FieldConfig.Overrides {
				for _, property := range o.Properties {
					want[property.Id]++
				}
			}
		}
	}
	for _, d := range built(t, all) {
		for _, p := range d.Panels {
			spec, ok := p.Spec.Plugin.Spec.(tableSpec)
			if !ok || len(spec.Transforms) == 1 { // a stat
				continue
			}
			for _, c := range spec.ColumnSettings {
				count := func(id string, has bool) {
					if has {
						got[id]++
					}
				}
				is := func(kind string) func(cellSettings) bool {
					return func(s cellSettings) bool { return s.Condition.Kind == kind }
				}
				answers := c.Format != nil && slices.ContainsFunc(c.CellSettings,
					func(s cellSettings) bool { return s.Text == "Yes" })
				count("links", c.DataLink != nil)
				count("custom.hidden", c.Hide)
				count("custom.width", c.Width > 0)
				count("unit", c.Format != nil)
				count("decimals", c.Format != nil && c.Format.DecimalPlaces != nil)
				count("noValue", slices.ContainsFunc(c.CellSettings, is("Misc")))
				count("thresholds", slices.ContainsFunc(c.CellSettings, is("Range")))
				count("mappings", slices.ContainsFunc(c.CellSettings, is("Value")) && !answers)
			}
		}
	}
	delete(want, "custom.cellOptions") // colours of text, which Perses has without an option
	for id, n := range want {
		if got[id] != n {
			t.Errorf("%d columns have %s, want %d", got[id], id, n)
		}
	}
}
