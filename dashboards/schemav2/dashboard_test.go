package schemav2

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/dashboardv2"
	"github.com/grafana/grafana-foundation-sdk/go/resource"
	"github.com/grafana/grafana-foundation-sdk/go/table"

	"github.com/thorbis/thorbis_exporter/dashboards"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
)

// model returns the dashboards of the embedded default.
func model(t *testing.T) []dashboard.Dashboard {
	t.Helper()
	p := policytest.Default(t)
	all, err := dashboards.Model(p)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestMain has the SDK decode queries of Prometheus and options of panels with their own types.
func TestMain(m *testing.M) {
	plugins.RegisterDefaultPlugins()
	os.Exit(m.Run())
}

func build(t *testing.T, model []dashboard.Dashboard) map[string][]byte {
	t.Helper()
	files, err := Build(model)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// specs decodes the resources strictly with the types of Grafana's SDK, by uid.
func specs(t *testing.T, files map[string][]byte) map[string]dashboardv2.Dashboard {
	t.Helper()
	all := map[string]dashboardv2.Dashboard{}
	for name, text := range files {
		var m resource.Manifest
		if err := m.UnmarshalJSONStrict(text); err != nil && !isEmpty(err) {
			t.Fatalf("%s: %v", name, err)
		}
		if m.ApiVersion != "dashboard.grafana.app/v2" || m.Kind != "Dashboard" || m.Metadata.Name+".json" != name {
			t.Errorf("%s is %s %s %s", name, m.ApiVersion, m.Kind, m.Metadata.Name)
		}
		var raw struct{ Spec json.RawMessage }
		if err := json.Unmarshal(text, &raw); err != nil {
			t.Fatal(err)
		}
		if err := new(dashboardv2.Dashboard).UnmarshalJSONStrict(raw.Spec); err != nil && !isEmpty(err) {
			t.Errorf("%s: %v", name, err)
		}
		var spec dashboardv2.Dashboard
		if err := json.Unmarshal(raw.Spec, &spec); err != nil {
			t.Fatal(err)
		}
		if err := spec.Validate(); err != nil && !isEmpty(err) {
			t.Errorf("%s: %v", name, err)
		}
		strictFields(t, name, raw.Spec)
		all[m.Metadata.Name] = spec
	}
	return all
}

// values are the resources before they become JSON, by uid. The SDK reads the query of a variable as that of a panel.
func values(t *testing.T, model []dashboard.Dashboard) map[string]dashboardv2.Dashboard {
	t.Helper()
	all := map[string]dashboardv2.Dashboard{}
	for _, d := range model {
		spec, err := convert(d)
		if err != nil {
			t.Fatal(err)
		}
		all[*d.Uid] = spec
	}
	return all
}

// strictFields decodes strictly how values are shown, which the decoder of panels does not.
func strictFields(t *testing.T, name string, spec json.RawMessage) {
	t.Helper()
	var raw struct {
		Elements map[string]struct {
			Spec struct {
				VizConfig struct {
					Spec struct{ FieldConfig json.RawMessage }
				}
			}
		}
	}
	if err := json.Unmarshal(spec, &raw); err != nil {
		t.Fatal(err)
	}
	for element, e := range raw.Elements {
		var fields dashboardv2.FieldConfigSource
		if err := fields.UnmarshalJSONStrict(e.Spec.VizConfig.Spec.FieldConfig); err != nil && !isEmpty(err) {
			t.Errorf("%s: %s: %v", name, element, err)
		}
	}
}

// isEmpty reports whether an error of the SDK is an empty list of errors, which it returns for none. Taking it for an
// error, its strict decoder checks all of a panel and of a layout and leaves them out of the value.
func isEmpty(err error) bool {
	return reflect.ValueOf(err).Kind() == reflect.Slice && reflect.ValueOf(err).Len() == 0
}

// TestStrict: the resources are those of Grafana's types, without a field that these lack and with all that they need.
func TestStrict(t *testing.T) {
	all := model(t)
	if got := specs(t, build(t, all)); len(got) != len(all) {
		t.Errorf("%d resources of %d dashboards", len(got), len(all))
	}
}

// TestStrictFindsFaults: a field that is unknown, and one that is missing, are refused.
func TestStrictFindsFaults(t *testing.T) {
	text := string(build(t, model(t)[:1])["thorbis-overview.json"])
	for name, c := range map[string][2]string{
		"unknown": {`"cursorSync":`, `"cursorSynk": "Off", "cursorSync":`},
		"missing": {`"preload": false,`, ""},
		"type":    {`"title": "Now"`, `"title": 1`},
	} {
		changed := strings.Replace(text, c[0], c[1], 1)
		var raw struct{ Spec json.RawMessage }
		if err := json.Unmarshal([]byte(changed), &raw); err != nil || changed == text {
			t.Fatal(name, err)
		}
		var spec dashboardv2.Dashboard
		if err := spec.UnmarshalJSONStrict(raw.Spec); err == nil || isEmpty(err) {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSameBytes(t *testing.T) {
	first := build(t, model(t))
	for range 3 {
		for name, text := range build(t, model(t)) {
			if !bytes.Equal(text, first[name]) {
				t.Fatalf("%s came out otherwise", name)
			}
		}
	}
}

// TestNothingIsLost compares every panel, variable, annotation and link with those of the model, as JSON.
func TestNothingIsLost(t *testing.T) {
	all := model(t)
	converted := specs(t, build(t, all))
	for _, d := range all {
		got := converted[*d.Uid]
		panels := 0
		for _, p := range d.Panels {
			if p.Panel == nil {
				continue
			}
			panels++
			same(t, *d.Uid, *p.Panel, got.Elements[elementName(*p.Panel)])
		}
		if panels != len(got.Elements) {
			t.Errorf("%s: %d panels, want %d", *d.Uid, len(got.Elements), panels)
		}
		for name, pair := range map[string][2]any{
			"title": {d.Title, got.Title}, "description": {d.Description, got.Description}, "tags": {d.Tags, got.Tags},
			"links": {d.Links, got.Links}, "editable": {d.Editable, got.Editable}, "from": {d.Time.From, got.TimeSettings.From},
			"to": {d.Time.To, got.TimeSettings.To}, "refresh": {d.Refresh, got.TimeSettings.AutoRefresh},
			"time zone": {d.Timezone, got.TimeSettings.Timezone},
		} {
			equalJSON(t, *d.Uid+": "+name, pair[1], pair[0])
		}
		for i, a := range d.Annotations.List {
			b := got.Annotations[i].Spec
			legacy := map[string]any{
				"expr": a.Expr, "titleFormat": a.TitleFormat, "textFormat": a.TextFormat, "step": a.Step,
			}
			equalJSON(t, *d.Uid+": annotation "+a.Name, b.LegacyOptions, legacy)
			equalJSON(t, *d.Uid+": annotation", []any{b.Name, b.IconColor, b.Enable, b.Query.Datasource.Name},
				[]any{a.Name, a.IconColor, a.Enable, a.Datasource.Uid})
		}
		if len(d.Annotations.List) != len(got.Annotations) {
			t.Errorf("%s: %d annotations", *d.Uid, len(got.Annotations))
		}
	}
}

// same compares a panel with its element.
func same(t *testing.T, uid string, p dashboard.Panel, e dashboardv2.Element) {
	t.Helper()
	if e.PanelKind == nil {
		t.Errorf("%s: %q is missing", uid, *p.Title)
		return
	}
	got := e.PanelKind.Spec
	type transformation struct {
		ID      string
		Options any
	}
	var wantTransformations, gotTransformations []transformation
	for _, c := range p.Transformations {
		wantTransformations = append(wantTransformations, transformation{c.Id, c.Options})
	}
	for _, c := range got.Data.Spec.Transformations {
		gotTransformations = append(gotTransformations, transformation{c.Group, c.Spec.Options})
	}
	queries, err := dashboards.Queries(p)
	if err != nil {
		t.Fatal(err)
	}
	var want, have []any
	for _, q := range queries {
		want = append(want, []any{q.RefId, q.Expr, q.LegendFormat, q.Instant, q.Range, q.Format, q.Datasource.Uid})
	}
	for _, q := range got.Data.Spec.Queries {
		s := generic(t, q.Spec.Query.Spec).(map[string]any)
		have = append(have, []any{
			q.Spec.RefId, s["expr"], s["legendFormat"], s["instant"], s["range"], s["format"], q.Spec.Query.Datasource.Name,
		})
	}
	if o, ok := p.Options.(*table.Options); ok && o.Footer.Reducer == nil {
		o.Footer.Reducer = []string{} // the classic JSON has null
	}
	for name, pair := range map[string][2]any{
		"title": {got.Title, p.Title}, "description": {got.Description, p.Description}, "type": {got.VizConfig.Group, p.Type},
		"options": {got.VizConfig.Spec.Options, p.Options}, "fields": {got.VizConfig.Spec.FieldConfig, p.FieldConfig},
		"queries": {have, want}, "transformations": {gotTransformations, wantTransformations}, "id": {got.Id, p.Id},
	} {
		equalJSON(t, uid+": "+*p.Title+": "+name, pair[0], pair[1])
	}
}

func equalJSON(t *testing.T, name string, got, want any) {
	t.Helper()
	if a, b := generic(t, got), generic(t, want); !reflect.DeepEqual(a, b) {
		t.Errorf("%s:\n got %v\nwant %v", name, a, b)
	}
}

// generic is what is read from the JSON of a value.
func generic(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var read any
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// TestRefused: what is not written as schema v2 is an error that names the panel, never lost.
func TestRefused(t *testing.T) {
	for want, change := range map[string]func(*dashboard.Dashboard){
		"a time picker": func(d *dashboard.Dashboard) { d.Timepicker = &dashboard.TimePickerConfig{} },
		"library panel": func(d *dashboard.Dashboard) { first(d).LibraryPanel = &dashboard.LibraryPanelRef{} },
		"actions":       func(d *dashboard.Dashboard) { first(d).FieldConfig.Defaults.Actions = []dashboard.Action{{}} },
		"single values": func(d *dashboard.Dashboard) {
			first(d).FieldConfig.Defaults.Mappings = []dashboard.ValueMapping{{RegexMap: &dashboard.RegexMap{}}}
		},
		"the type \"custom\"": func(d *dashboard.Dashboard) {
			d.Templating.List[1].Type = dashboard.VariableTypeCustom
		},
		"an expression on all panels": func(d *dashboard.Dashboard) { d.Annotations.List[0].Expr = nil },
	} {
		d := model(t)[0]
		change(&d)
		if _, err := Build([]dashboard.Dashboard{d}); err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), "thorbis-overview") {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func first(d *dashboard.Dashboard) *dashboard.Panel {
	for _, p := range d.Panels {
		if p.Panel != nil {
			return p.Panel
		}
	}
	return nil
}

// TestRepeats: a panel and a row are repeated for the values of a variable.
func TestRepeats(t *testing.T) {
	d := model(t)[2]
	d.Panels[0].RowPanel.Repeat = new("app_service")
	first(&d).Repeat, first(&d).MaxPerRow = new("slo"), new(4.0)
	first(&d).RepeatDirection = new(dashboard.PanelRepeatDirection("h"))
	first(&d).Datasource = &common.DataSourceRef{}
	row := specs(t, build(t, []dashboard.Dashboard{d}))[*d.Uid].Layout.RowsLayoutKind.Spec.Rows[0].Spec
	item := row.Layout.GridLayoutKind.Spec.Items[0].Spec
	if row.Repeat == nil || row.Repeat.Value != "app_service" || row.Repeat.Mode != "variable" {
		t.Errorf("%+v", row.Repeat)
	}
	if item.Repeat == nil || item.Repeat.Value != "slo" || *item.Repeat.Direction != "h" || *item.Repeat.MaxPerRow != 4 {
		t.Errorf("%+v", item.Repeat)
	}
}
