package schemav2

import (
	"regexp"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/dashboardv2"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/dashboards"
	"github.com/thorbis/thorbis_exporter/metric"
)

// rowsIn are the rows of a resource; none if it is one grid.
func rowsIn(d dashboardv2.Dashboard) []dashboardv2.RowsLayoutRowSpec {
	var rows []dashboardv2.RowsLayoutRowSpec
	if d.Layout.RowsLayoutKind != nil {
		for _, r := range d.Layout.RowsLayoutKind.Spec.Rows {
			rows = append(rows, r.Spec)
		}
	}
	return rows
}

// TestLayout: each panel stands once, where it stands in the model, counted from the line below its heading.
func TestLayout(t *testing.T) {
	all := model(t)
	converted := specs(t, build(t, all))
	for _, d := range all {
		want, err := dashboards.Rows(d)
		if err != nil {
			t.Fatal(err)
		}
		got := converted[*d.Uid]
		rows := rowsIn(got)
		if got.Layout.GridLayoutKind != nil {
			rows = []dashboardv2.RowsLayoutRowSpec{{Title: new("")}}
			rows[0].Layout.GridLayoutKind = got.Layout.GridLayoutKind
		}
		if len(rows) != len(want) {
			t.Fatalf("%s: %d rows, want %d", *d.Uid, len(rows), len(want))
		}
		for i, row := range want {
			items := rows[i].Layout.GridLayoutKind.Spec.Items
			if *rows[i].Title != row.Title || len(items) != len(row.Panels) {
				t.Fatalf("%s: row %q of %d panels, want %q of %d", *d.Uid, *rows[i].Title, len(items), row.Title,
					len(row.Panels))
			}
			for j, p := range row.Panels {
				at := items[j].Spec
				if at.Element.Name != elementName(p) || at.X != int64(p.GridPos.X) || at.Width != int64(p.GridPos.W) ||
					at.Height != int64(p.GridPos.H) || at.Y+int64(row.Top) != int64(p.GridPos.Y) {
					t.Errorf("%s: %q stands at %+v, want %+v below %d", *d.Uid, *p.Title, at, *p.GridPos, row.Top)
				}
			}
		}
	}
}

var grammar = parser.NewParser(parser.Options{})

var conditionRE = regexp.MustCompile(`^label_values\(\{__name__=~"([^"]+)",environment=~"\$environment"\}, __name__\)$`)

// TestConditions: a row that may vanish names a hidden variable of the dashboard, which asks for the row's own series;
// each such variable belongs to one row, and a first row always stays.
func TestConditions(t *testing.T) {
	vanishing := 0
	for uid, d := range values(t, model(t)) {
		hidden := map[string]dashboardv2.QueryVariableSpec{}
		for _, v := range d.Variables {
			if v.QueryVariableKind != nil && v.QueryVariableKind.Spec.Hide == dashboardv2.VariableHideHideVariable {
				hidden[v.QueryVariableKind.Spec.Name] = v.QueryVariableKind.Spec
			}
		}
		for i, row := range rowsIn(d) {
			if row.ConditionalRendering == nil {
				continue
			}
			vanishing++
			if i == 0 {
				t.Errorf("%s: the first row may vanish", uid)
			}
			group := row.ConditionalRendering.Spec
			rule := group.Items[0].ConditionalRenderingVariableKind.Spec
			v, ok := hidden[rule.Variable]
			delete(hidden, rule.Variable)
			if !ok || group.Visibility != "show" || rule.Operator != "matches" || rule.Value != ".+" || !v.SkipUrlSync {
				t.Errorf("%s: row %q depends on %+v", uid, *row.Title, rule)
				continue
			}
			text := generic(t, v.Query.Spec).(map[string]any)["query"].(string)
			m := conditionRE.FindStringSubmatch(text)
			selector := strings.TrimSuffix(strings.TrimPrefix(text, "label_values("), ", __name__)")
			if _, err := grammar.ParseExpr(selector); err != nil || m == nil {
				t.Errorf("%s: row %q asks %s", uid, *row.Title, text)
				continue
			}
			for name := range strings.SplitSeq(m[1], "|") {
				if !metric.Ours(name) || !rowAsksFor(t, d, row, name) {
					t.Errorf("%s: row %q depends on %s, for which it does not ask", uid, *row.Title, name)
				}
			}
		}
		if len(hidden) > 0 {
			t.Errorf("%s: no row depends on %v", uid, hidden)
		}
	}
	if vanishing < 20 {
		t.Errorf("%d rows may vanish", vanishing)
	}
}

func rowAsksFor(t *testing.T, d dashboardv2.Dashboard, row dashboardv2.RowsLayoutRowSpec, series string) bool {
	t.Helper()
	for _, item := range row.Layout.GridLayoutKind.Spec.Items {
		for _, q := range d.Elements[item.Spec.Element.Name].PanelKind.Spec.Data.Spec.Queries {
			if strings.Contains(generic(t, q.Spec.Query.Spec).(map[string]any)["expr"].(string), series) {
				return true
			}
		}
	}
	return false
}

func TestIdentifier(t *testing.T) {
	for title, want := range map[string]string{
		"Age and size": "age_and_size", "08:00 System health": "08_00_system_health",
		"Log, replicas – size": "log_replicas_size",
	} {
		if got := identifier(title); got != want {
			t.Errorf("%q is %q, want %q", title, got, want)
		}
	}
}

// TestNamesOfConditionsDiffer: two rows whose hidden variables would have one name are an error.
func TestNamesOfConditionsDiffer(t *testing.T) {
	d := model(t)[2]
	var titles []*string
	for _, p := range d.Panels {
		if p.RowPanel != nil {
			titles = append(titles, p.RowPanel.Title)
		}
	}
	*titles[2] = *titles[1] + "!"
	if _, err := Build([]dashboard.Dashboard{d}); err == nil || !strings.Contains(err.Error(), "measured_burn") {
		t.Error(err)
	}
}
