package dashboards

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Row is a part of a dashboard: the panels under one heading.
type Row struct {
	// Title is the heading. It is empty for panels that stand before the first one.
	Title string
	// Collapsed rows show their heading only, until the viewer opens them.
	Collapsed bool
	// Repeat is the name of the variable for whose values the row is repeated; empty for one row.
	Repeat string
	Panels []dashboard.Panel
	// Top is the line of the dashboard's grid at which the panels begin.
	Top uint32
	// Measured are the names of the series that the panels read, sorted: while none of them exists, the row has nothing to
	// show. It is empty for a row that must stay: the first one of a dashboard, which says what is missing, and a row with
	// series of other programs, whose absence is a fault.
	Measured []string
}

// Rows returns the parts of a dashboard in their order. An expression that cannot be parsed is an error.
func Rows(d dashboard.Dashboard) ([]Row, error) {
	var rows []Row
	for _, p := range d.Panels {
		switch {
		case p.RowPanel != nil:
			row := Row{Title: *p.RowPanel.Title, Collapsed: p.RowPanel.Collapsed, Panels: slices.Clone(p.RowPanel.Panels)}
			if p.RowPanel.GridPos != nil {
				row.Top = p.RowPanel.GridPos.Y + 1
			}
			if p.RowPanel.Repeat != nil {
				row.Repeat = *p.RowPanel.Repeat
			}
			rows = append(rows, row)
		case len(rows) == 0:
			rows = append(rows, Row{Panels: []dashboard.Panel{*p.Panel}})
		default:
			last := &rows[len(rows)-1]
			last.Panels = append(last.Panels, *p.Panel)
		}
	}
	for i := range rows[min(1, len(rows)):] {
		row := &rows[i+1]
		var err error
		if row.Measured, err = seriesOf(row.Panels); err != nil {
			return nil, fmt.Errorf("row %q: %w", row.Title, err)
		}
	}
	return rows, nil
}

// seriesOf returns the series of the bundle that panels read; nothing if one reads a series of another program.
func seriesOf(panels []dashboard.Panel) ([]string, error) {
	names := map[string]bool{}
	foreign := false
	for _, p := range panels {
		queries, err := Queries(p)
		if err != nil {
			return nil, err
		}
		for _, q := range queries {
			root, err := grammar.ParseExpr(intervals.Replace(q.Expr))
			if err != nil {
				return nil, fmt.Errorf("panel %q: %w", *p.Title, err)
			}
			parser.Inspect(root, func(node parser.Node, _ []parser.Node) error {
				if s, ok := node.(*parser.VectorSelector); ok {
					names[seriesName(s)] = true
					foreign = foreign || !metric.Ours(seriesName(s))
				}
				return nil
			})
		}
	}
	if foreign {
		return nil, nil
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// Queries returns the queries of a panel. A query of another kind of data source is an error.
func Queries(p dashboard.Panel) ([]prometheus.Dataquery, error) {
	queries := make([]prometheus.Dataquery, len(p.Targets))
	for i, target := range p.Targets {
		switch q := target.(type) {
		case prometheus.Dataquery:
			queries[i] = q
		case *prometheus.Dataquery:
			queries[i] = *q
		default:
			return nil, fmt.Errorf("panel %q: unknown kind of query %T", *p.Title, target)
		}
	}
	return queries, nil
}

var grammar = parser.NewParser(parser.Options{})

// intervals puts a duration into what Grafana fills in.
var intervals = strings.NewReplacer("$__rate_interval", "5m", "$__interval", "1m", "$__range", "6h")

// seriesName is the name of the series that a selector selects; empty if it selects several.
func seriesName(s *parser.VectorSelector) string {
	for _, m := range s.LabelMatchers {
		if m.Name == model.MetricNameLabel {
			return m.Value
		}
	}
	return s.Name
}
