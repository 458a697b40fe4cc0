package dashboards

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/internal/policytest"
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
		Annotations struct {
			List []lintAnnotation `json:"list"`
		} `json:"annotations"`
		Links []struct {
			Type        string   `json:"type"`
			URL         string   `json:"url"`
			Tags        []string `json:"tags"`
			KeepTime    bool     `json:"keepTime"`
			IncludeVars bool     `json:"includeVars"`
		} `json:"links"`
		Tags []string              `json:"tags"`
		Time struct{ From string } `json:"time"`
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
		GridPos     struct {
			H, W, X, Y int
		} `json:"gridPos"`
		FieldConfig struct {
			Defaults struct {
				Unit    string   `json:"unit"`
				NoValue string   `json:"noValue"`
				Min     *float64 `json:"min"`
			} `json:"defaults"`
			Overrides []struct {
				Properties []struct {
					ID    string          `json:"id"`
					Value json.RawMessage `json:"value"`
				} `json:"properties"`
			} `json:"overrides"`
		} `json:"fieldConfig"`

		raw json.RawMessage // all of it
	}
	lintAnnotation struct {
		Name       string     `json:"name"`
		Enable     bool       `json:"enable"`
		Expr       string     `json:"expr"`
		Datasource lintSource `json:"datasource"`
	}
	lintTarget struct {
		Expr       string     `json:"expr"`
		Instant    bool       `json:"instant"`
		RefID      string     `json:"refId"`
		Datasource lintSource `json:"datasource"`
	}
)

// byRecord is why four rules of dashboard-linter hold only on the dashboard that shows exporters, Prometheus and
// Alertmanager as such: metric.ExporterDashboard.
const byRecord = "the panels show recorded series, which drop job and instance so that several exporters add up"

var excluded = map[string]string{
	"template-job": byRecord, "template-instance": byRecord, "target-job": byRecord, "target-instance": byRecord,
}

// checks are the rules of dashboard-linter v0.2.0, which cannot be built from the module proxy.
var checks = map[string]func(*testing.T, lintDashboard){
	"template-job":          checkTemplateTarget("job"),
	"template-instance":     checkTemplateTarget("instance"),
	"target-job":            checkTargetMatcher("job"),
	"target-instance":       checkTargetMatcher("instance"),
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
	"target-promql": eachTarget(func(t *testing.T, q lintTarget) {
		if _, err := grammar.ParseExpr(interpolate(q.Expr)); err != nil {
			t.Errorf("%s: %v", q.Expr, err)
		}
	}),
	"target-rate-interval": eachTarget(checkRateInterval),
	"target-counter-agg":   eachTarget(checkCounters),
	"uneditable-dashboard": func(t *testing.T, d lintDashboard) {
		if d.Editable {
			t.Error("is editable; the next provisioning would undo every edit")
		}
	},
}

// UnmarshalJSON keeps the text beside what is read from it.
func (p *lintPanel) UnmarshalJSON(text []byte) error {
	type plain lintPanel
	if err := json.Unmarshal(text, (*plain)(p)); err != nil {
		return err
	}
	p.raw = slices.Clone(text)
	return nil
}

// interpolate puts something into the variables that Grafana fills.
func interpolate(expr string) string { return intervals.Replace(expr) }

func TestLint(t *testing.T) {
	if len(checks) != 17 {
		t.Fatalf("dashboard-linter has 17 rules, %d are here", len(checks))
	}
	for file, d := range parsed(t) {
		for _, rule := range slices.Sorted(maps.Keys(checks)) {
			t.Run(file+"/"+rule, func(t *testing.T) {
				if reason, ok := excluded[rule]; ok && d.UID != metric.ExporterDashboard {
					t.Skip(reason)
				}
				checks[rule](t, d)
			})
		}
	}
}

func parsed(t *testing.T) map[string]lintDashboard {
	t.Helper()
	p := policytest.Default(t)
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

func eachTarget(check func(*testing.T, lintTarget)) func(*testing.T, lintDashboard) {
	return eachPanel(func(t *testing.T, p lintPanel) {
		for _, q := range p.Targets {
			check(t, q)
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
		all := v.AllValue == ".*" || v.AllValue == ".+"
		if !one && (!v.Multi || !v.IncludeAll || !all) || v.Datasource.UID != "$datasource" {
			t.Errorf("$%s cannot pick several or all: %+v", v.Name, v)
		}
	}
}

// inspect calls a function for each node of a query with the functions around it.
func inspect(t *testing.T, expr string, see func(node parser.Node, calls []string)) {
	t.Helper()
	root, err := grammar.ParseExpr(interpolate(expr))
	if err != nil {
		t.Fatal(err)
	}
	parser.Inspect(root, func(node parser.Node, path []parser.Node) error {
		var calls []string
		for _, n := range path {
			if c, ok := n.(*parser.Call); ok {
				calls = append(calls, c.Func.Name)
			}
		}
		see(node, calls)
		return nil
	})
}

var rates = []string{"rate", "irate", "increase"}

// checkCounters holds that a counter is read through rate, irate or increase only, or compared with 0.
func checkCounters(t *testing.T, q lintTarget) {
	inspect(t, q.Expr, func(node parser.Node, calls []string) {
		s, ok := node.(*parser.VectorSelector)
		if ok && strings.HasSuffix(seriesName(s), "_total") &&
			!slices.ContainsFunc(calls, func(c string) bool { return slices.Contains(rates, c) }) {
			t.Errorf("%s: %s is not inside rate, irate or increase", q.Expr, seriesName(s))
		}
	})
}

// checkRateInterval holds that what is drawn over time is a rate over $__rate_interval. A single figure may be the
// increase over a window that its title names.
func checkRateInterval(t *testing.T, q lintTarget) {
	for _, m := range regexp.MustCompile(`\b(\w+)\([^()]*\[([^\]]*)\]`).FindAllStringSubmatch(q.Expr, -1) {
		if !slices.Contains(rates, m[1]) || m[2] == "$__rate_interval" {
			continue
		}
		if m[1] != "increase" || !q.Instant || !slices.Contains([]string{"1d", "1w", "$__range"}, m[2]) {
			t.Errorf("%s: range %s of %s is not $__rate_interval", q.Expr, m[2], m[1])
		}
	}
}

// checkTemplateTarget holds that a label of scrape targets is a variable.
func checkTemplateTarget(label string) func(*testing.T, lintDashboard) {
	return func(t *testing.T, d lintDashboard) {
		if !slices.ContainsFunc(d.Templating.List, func(v lintVariable) bool {
			return v.Name == label && v.Type == "query" && v.Multi && v.IncludeAll && v.AllValue == ".+" && v.Label != ""
		}) {
			t.Errorf("no variable $%s", label)
		}
	}
}

// checkTargetMatcher holds that series of scrape targets are those that the viewer picked. Records and ALERTS have no
// target.
func checkTargetMatcher(label string) func(*testing.T, lintDashboard) {
	recorded := map[string]bool{"ALERTS": true, "ALERTS_FOR_STATE": true}
	for _, r := range metric.Records() {
		recorded[r.Name] = true
	}
	return eachTarget(func(t *testing.T, q lintTarget) {
		inspect(t, q.Expr, func(node parser.Node, _ []string) {
			s, ok := node.(*parser.VectorSelector)
			if ok && !recorded[seriesName(s)] && !strings.Contains(s.String(), label+`=~"$`+label+`"`) {
				t.Errorf("%s reads all values of %s", s, label)
			}
		})
	})
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
					if !ok || !metric.Ours(seriesName(s)) {
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
