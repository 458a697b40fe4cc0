package perses

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"

	"github.com/thorbis/thorbis_exporter/dashboards"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/metric"
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

// built returns the dashboards for Perses by uid.
func built(t *testing.T, model []dashboard.Dashboard) map[string]Spec {
	t.Helper()
	resources, _, err := Build(model, "thorbis")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Spec{}
	for _, r := range resources {
		if r.Kind != KindDashboard || r.Metadata.Project != "thorbis" {
			t.Errorf("%s is a %s of the project %q", r.Metadata.Name, r.Kind, r.Metadata.Project)
		}
		all[r.Metadata.Name] = r.Spec.(Spec)
	}
	return all
}

// panelTitled returns the panel of a dashboard that has a title.
func panelTitled(t *testing.T, d Spec, title string) panelSpec {
	t.Helper()
	for _, p := range d.Panels {
		if p.Spec.Display.Name == title {
			return p.Spec
		}
	}
	t.Fatalf("no panel %q", title)
	return panelSpec{}
}

// TestNothingIsLost: each panel stands once, under its heading and with its queries, and each variable is there.
func TestNothingIsLost(t *testing.T) {
	all := model(t)
	specs := built(t, all)
	for _, d := range all {
		got := specs[*d.Uid]
		rows, err := dashboards.Rows(d)
		if err != nil {
			t.Fatal(err)
		}
		panels := 0
		for i, row := range rows {
			grid := got.Layouts[i].Spec
			if row.Title == "" && grid.Display != nil || row.Title != "" && grid.Display.Title != row.Title {
				t.Errorf("%s: row %q is %+v", *d.Uid, row.Title, grid.Display)
			}
			if len(grid.Items) != len(row.Panels) {
				t.Errorf("%s: row %q has %d panels, want %d", *d.Uid, row.Title, len(grid.Items), len(row.Panels))
			}
			for j, p := range row.Panels {
				panels++
				at := grid.Items[j]
				if at.Content.Ref != "#/spec/panels/"+panelName(p) || at.X != int(p.GridPos.X) ||
					at.Width != int(p.GridPos.W) || at.Height != int(p.GridPos.H) || at.Y+int(row.Top) != int(p.GridPos.Y) {
					t.Errorf("%s: %q stands at %+v, want %+v below %d", *d.Uid, *p.Title, at, *p.GridPos, row.Top)
				}
				samePanel(t, *d.Uid, p, got.Panels[panelName(p)].Spec)
			}
		}
		if panels != len(got.Panels) || len(rows) != len(got.Layouts) || len(d.Templating.List) != len(got.Variables) {
			t.Errorf("%s: %d panels, %d rows, %d variables", *d.Uid, len(got.Panels), len(got.Layouts), len(got.Variables))
		}
		for i, v := range d.Templating.List {
			if s := got.Variables[i].Spec; s.Name != v.Name || s.Display.Name != *v.Label {
				t.Errorf("%s: variable %+v, want %s", *d.Uid, s, v.Name)
			}
		}
		if got.Duration == "" || "now-"+got.Duration != d.Time.From || got.RefreshInterval != *d.Refresh {
			t.Errorf("%s: shows %s every %s", *d.Uid, got.Duration, got.RefreshInterval)
		}
	}
}

func samePanel(t *testing.T, uid string, p dashboard.Panel, got panelSpec) {
	t.Helper()
	queries, err := dashboards.Queries(p)
	if err != nil {
		t.Fatal(err)
	}
	if got.Display.Name != *p.Title || !strings.HasPrefix(got.Display.Description, *p.Description) ||
		len(got.Queries) != len(queries) {
		t.Errorf("%s: %q is %q with %d queries", uid, *p.Title, got.Display.Name, len(got.Queries))
		return
	}
	if empty := *p.FieldConfig.Defaults.NoValue; !strings.Contains(got.Display.Description, empty) {
		t.Errorf("%s: %q does not say that no data mean %q", uid, *p.Title, empty)
	}
	for i, q := range queries {
		if s := got.Queries[i].Spec.Plugin.Spec.(promSpec); s.Query != q.Expr || s.SeriesNameFormat != *q.LegendFormat {
			t.Errorf("%s: %q asks %+v, want %s", uid, *p.Title, s, q.Expr)
		}
	}
	if len(p.FieldConfig.Defaults.Links) != len(got.Links) {
		t.Errorf("%s: %q has %d links", uid, *p.Title, len(got.Links))
	}
}

func TestSameBytes(t *testing.T) {
	first, lost, err := Build(model(t), "thorbis")
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal([]any{first, lost})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		again, lost, err := Build(model(t), "thorbis")
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal([]any{again, lost})
		if err != nil || string(got) != string(want) {
			t.Fatalf("came out otherwise: %v", err)
		}
	}
}

// TestRefused: what is not written for Perses is an error that names the panel, never lost in silence.
func TestRefused(t *testing.T) {
	for want, change := range map[string]func(*dashboard.Panel){
		`unknown kind of panel "gauge"`:   func(p *dashboard.Panel) { p.Type, p.Options = "gauge", nil },
		"repeats":                         func(p *dashboard.Panel) { p.Repeat = new("app_service") },
		"actions":                         func(p *dashboard.Panel) { fields(p).Actions = []dashboard.Action{{}} },
		`unknown unit "furlong"`:          func(p *dashboard.Panel) { p.FieldConfig.Defaults.Unit = new("furlong") },
		`thresholds of the mode "percen`:  func(p *dashboard.Panel) { p.FieldConfig.Defaults.Thresholds.Mode = "percentage" },
		`unknown colour "pink"`:           func(p *dashboard.Panel) { fields(p).Thresholds.Steps[0].Color = "pink" },
		"for an instant only":             func(p *dashboard.Panel) { setRange(p) },
		"only texts shown instead of":     func(p *dashboard.Panel) { p.FieldConfig.Defaults.Mappings[0].ValueMap = nil },
		"unknown address https://example": func(p *dashboard.Panel) { fields(p).Links[0].Url = new("https://example") },
		"the override custom.width": func(p *dashboard.Panel) {
			p.FieldConfig.Overrides = []dashboard.DashboardFieldConfigSourceOverrides{{
				Matcher:    dashboard.MatcherConfig{Id: "byName", Options: "now"},
				Properties: []dashboard.DynamicConfigValue{{Id: "custom.width", Value: "wide"}},
			}}
		},
		`the override of "other" is not written`: func(p *dashboard.Panel) {
			p.FieldConfig.Overrides = []dashboard.DashboardFieldConfigSourceOverrides{{
				Matcher: dashboard.MatcherConfig{Id: "byName", Options: "other"},
			}}
		},
	} {
		d := model(t)[0]
		change(d.Panels[0].Panel)
		if _, _, err := Build([]dashboard.Dashboard{d}, "a"); err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), `thorbis-overview: panel "Now"`) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func fields(p *dashboard.Panel) *dashboard.FieldConfig { return &p.FieldConfig.Defaults }

// setRange makes the first query of a panel one over time.
func setRange(p *dashboard.Panel) {
	q := p.Targets[0].(prometheus.Dataquery)
	q.Instant, q.Range = new(false), new(true)
	p.Targets[0] = q
}

// TestDifferencesAreListed: the colours of series that Perses cannot have are in the list, those that it has are not.
func TestDifferencesAreListed(t *testing.T) {
	_, lost, err := Build(model(t), "a")
	if err != nil {
		t.Fatal(err)
	}
	of := func(panel string) []string {
		var all []string
		for _, d := range lost {
			if d.Panel == panel {
				all = append(all, d.Lost)
			}
		}
		return slices.Compact(all)
	}
	if got := of("By class of status"); len(got) != 1 || !strings.Contains(got[0], "4xx") {
		t.Errorf("By class of status lacks %q", got)
	}
	if got := of("Probe duration"); slices.ContainsFunc(got, func(l string) bool { return strings.Contains(l, "p95") }) {
		t.Errorf("Probe duration lacks %q", got)
	}
	series := built(t, model(t))[metric.HealthDashboard]
	settings := panelTitled(t, series, "Probe duration").Plugin.Spec.(timeSeriesSpec).QuerySettings
	if len(settings) != 3 || settings[1].QueryIndex != 1 || settings[1].ColorValue != colours["blue"] {
		t.Errorf("settings of Probe duration: %+v", settings)
	}
}
