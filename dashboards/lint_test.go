package dashboards

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// The parts of a dashboard's JSON that the rules of dashboard-linter look at.
type (
	lintDashboard struct {
		UID        string      `json:"uid"`
		Title      string      `json:"title"`
		Editable   bool        `json:"editable"`
		Panels     []lintPanel `json:"panels"`
		Templating struct {
			List []lintVariable `json:"list"`
		} `json:"templating"`
	}
	lintVariable struct {
		Name       string          `json:"name"`
		Type       string          `json:"type"`
		Label      string          `json:"label"`
		Query      json.RawMessage `json:"query"`
		Refresh    int             `json:"refresh"`
		Multi      bool            `json:"multi"`
		IncludeAll bool            `json:"includeAll"`
		AllValue   string          `json:"allValue"`
		Datasource lintSource      `json:"datasource"`
	}
	lintSource struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}
	lintPanel struct {
		ID          int          `json:"id"`
		Title       string       `json:"title"`
		Description string       `json:"description"`
		Type        string       `json:"type"`
		Datasource  lintSource   `json:"datasource"`
		Targets     []lintTarget `json:"targets"`
		Panels      []lintPanel  `json:"panels"`
		FieldConfig struct {
			Defaults struct {
				Unit string `json:"unit"`
			} `json:"defaults"`
		} `json:"fieldConfig"`
	}
	lintTarget struct {
		Expr       string     `json:"expr"`
		RefID      string     `json:"refId"`
		Datasource lintSource `json:"datasource"`
	}
)

// excluded are rules of dashboard-linter that do not hold here, with the reason.
const byRecord = "the panels show recorded series, which drop job and instance so that several exporters add up"

var excluded = map[string]string{
	"template-job": byRecord, "template-instance": byRecord, "target-job": byRecord, "target-instance": byRecord,
}

// checks are the rules of dashboard-linter v0.2.0, which cannot be built from the module proxy.
var checks = map[string]func(*testing.T, lintDashboard){
	"template-job":          nil,
	"template-instance":     nil,
	"target-job":            nil,
	"target-instance":       nil,
	"template-datasource":   checkTemplateDatasource,
	"template-label-promql": checkTemplateQueries,
	"template-on-time-change-reload": func(t *testing.T, d lintDashboard) {
		for _, v := range d.Templating.List {
			if v.Type == "query" && v.Refresh != 2 {
				t.Errorf("$%s is not reloaded when the time range changes", v.Name)
			}
		}
	},
	"panel-datasource": eachPanel(func(t *testing.T, p lintPanel) {
		if p.Datasource.UID != "$datasource" && p.Datasource.UID != "${datasource}" {
			t.Errorf("data source is %q", p.Datasource.UID)
		}
	}),
	"panel-title-description": eachPanel(func(t *testing.T, p lintPanel) {
		if p.Title == "" || p.Description == "" {
			t.Error("lacks title or description")
		}
	}),
	"panel-units": eachPanel(func(t *testing.T, p lintPanel) {
		if p.FieldConfig.Defaults.Unit == "" {
			t.Error("has no unit")
		}
	}),
	"panel-no-targets": eachPanel(func(t *testing.T, p lintPanel) {
		if len(p.Targets) == 0 {
			t.Error("asks for nothing")
		}
	}),
	"target-logql":      onlyPrometheus,
	"target-logql-auto": onlyPrometheus,
	"target-promql": eachTarget(func(t *testing.T, expr string) {
		if _, err := grammar.ParseExpr(interpolate(expr)); err != nil {
			t.Errorf("%s: %v", expr, err)
		}
	}),
	"target-rate-interval": eachTarget(func(t *testing.T, expr string) {
		for _, m := range regexp.MustCompile(`\[([^\]]*)\]`).FindAllStringSubmatch(expr, -1) {
			if m[1] != "$__rate_interval" {
				t.Errorf("%s: range %s is not $__rate_interval", expr, m[1])
			}
		}
	}),
	"target-counter-agg": eachTarget(checkCounters),
	"uneditable-dashboard": func(t *testing.T, d lintDashboard) {
		if d.Editable {
			t.Error("is editable; the next provisioning would undo every edit")
		}
	},
}

var grammar = parser.NewParser(parser.Options{})

// interpolate puts something into the variables that Grafana fills.
func interpolate(expr string) string {
	return strings.ReplaceAll(expr, "$__rate_interval", "5m")
}

func TestLint(t *testing.T) {
	if len(checks) != 17 {
		t.Fatalf("dashboard-linter has 17 rules, %d are here", len(checks))
	}
	for file, d := range parsed(t) {
		for _, rule := range slices.Sorted(maps.Keys(checks)) {
			t.Run(file+"/"+rule, func(t *testing.T) {
				if reason, ok := excluded[rule]; ok {
					t.Skip(reason)
				}
				checks[rule](t, d)
			})
		}
	}
}

func parsed(t *testing.T) map[string]lintDashboard {
	t.Helper()
	p, err := config.Default(":10088")
	if err != nil {
		t.Fatal(err)
	}
	files, err := Build(p)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]lintDashboard{}
	for name, text := range files {
		var d lintDashboard
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		if d.UID != strings.TrimSuffix(filepath.Base(name), ".json") || d.Title == "" {
			t.Errorf("%s has uid %q and title %q", name, d.UID, d.Title)
		}
		all[name] = d
	}
	return all
}

func panels(d lintDashboard) []lintPanel {
	var all []lintPanel
	for _, p := range d.Panels {
		if p.Type != "row" {
			all = append(all, p)
		}
		all = append(all, p.Panels...)
	}
	return all
}

func eachPanel(check func(*testing.T, lintPanel)) func(*testing.T, lintDashboard) {
	return func(t *testing.T, d lintDashboard) {
		for _, p := range panels(d) {
			t.Run(p.Title, func(t *testing.T) { check(t, p) })
		}
	}
}

func eachTarget(check func(*testing.T, string)) func(*testing.T, lintDashboard) {
	return eachPanel(func(t *testing.T, p lintPanel) {
		for _, q := range p.Targets {
			check(t, q.Expr)
		}
	})
}

func onlyPrometheus(t *testing.T, d lintDashboard) {
	eachPanel(func(t *testing.T, p lintPanel) {
		for _, q := range p.Targets {
			if q.Datasource.Type != "prometheus" {
				t.Errorf("asks a %q", q.Datasource.Type)
			}
		}
	})(t, d)
}

func checkTemplateDatasource(t *testing.T, d lintDashboard) {
	v := d.Templating.List[0]
	var query string
	if err := json.Unmarshal(v.Query, &query); err != nil {
		t.Fatal(err)
	}
	if v.Name != "datasource" || v.Type != "datasource" || query != "prometheus" || v.Label != "Data source" {
		t.Errorf("the first variable is %+v", v)
	}
}

var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

func checkTemplateQueries(t *testing.T, d lintDashboard) {
	for _, v := range d.Templating.List[1:] {
		var query string
		if err := json.Unmarshal(v.Query, &query); err != nil {
			t.Fatal(err)
		}
		m := labelValues.FindStringSubmatch(query)
		if m == nil || m[2] != v.Name {
			t.Errorf("$%s asks %s", v.Name, query)
			continue
		}
		if _, err := grammar.ParseExpr(m[1]); err != nil {
			t.Errorf("$%s: %v", v.Name, err)
		}
		// One tenant at a time: ten thousand at once are no look at one.
		one := v.Name == metric.LabelTenant && !v.Multi && !v.IncludeAll
		if !one && (!v.Multi || !v.IncludeAll || v.AllValue != ".*") || v.Datasource.UID != "$datasource" {
			t.Errorf("$%s cannot pick several or all: %+v", v.Name, v)
		}
	}
}

// checkCounters holds that a counter is read through rate, irate or increase only.
func checkCounters(t *testing.T, expr string) {
	root, err := grammar.ParseExpr(interpolate(expr))
	if err != nil {
		t.Fatal(err)
	}
	parser.Inspect(root, func(node parser.Node, path []parser.Node) error {
		s, ok := node.(*parser.VectorSelector)
		if !ok || !strings.HasSuffix(name(s), "_total") {
			return nil
		}
		for _, n := range path {
			if c, ok := n.(*parser.Call); ok && slices.Contains([]string{"rate", "irate", "increase"}, c.Func.Name) {
				return nil
			}
		}
		t.Errorf("%s: %s is not inside rate, irate or increase", expr, name(s))
		return nil
	})
}

func name(s *parser.VectorSelector) string {
	for _, m := range s.LabelMatchers {
		if m.Name == model.MetricNameLabel {
			return m.Value
		}
	}
	return s.Name
}

// TestEnvironmentPicked: every query of a series of ours reads only the environments that the viewer picked.
func TestEnvironmentPicked(t *testing.T) {
	seen := 0
	for file, d := range parsed(t) {
		for _, p := range panels(d) {
			for _, target := range p.Targets {
				root, err := grammar.ParseExpr(interpolate(target.Expr))
				if err != nil {
					t.Fatal(err)
				}
				parser.Inspect(root, func(node parser.Node, _ []parser.Node) error {
					s, ok := node.(*parser.VectorSelector)
					if !ok || !metric.Ours(name(s)) {
						return nil
					}
					seen++
					if !slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
						return m.Name == metric.LabelEnvironment
					}) {
						t.Errorf("%s: %s: %s reads all environments", file, p.Title, s)
					}
					return nil
				})
			}
		}
	}
	if seen < 50 {
		t.Errorf("%d selectors were looked at", seen)
	}
}
