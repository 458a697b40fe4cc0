// Package review writes what the daily and weekly reviews of the handbook look at, with what changed, and capacity with
// the day on which it runs out.
package review

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/report"
	"github.com/thorbis/thorbis_exporter/report/source"
)

// kind is how the values of a column are written.
type kind int

const (
	number   kind = iota
	share         // 0.85 is 85 %
	attained      // a share that was promised: with three decimals, never rounded up
	length        // seconds
	bytes
)

// column is a value of each row.
type column struct {
	key, title string
	kind       kind
	// expr is PromQL at the end of the review; $env stands for the matcher of the environment, $span for its length.
	expr string
	// compared adds the change against the earlier moments of the review.
	compared bool
}

// table is a section of a review: a row for each set of labels of its first column.
type table struct {
	key, title, none string
	text             string
	labels           []string // of a row, with their titles as they are
	columns          []column
	// least selects the rows whose first value is lowest; without it those whose is highest come first.
	least bool
}

// maxRows bounds a table of a review.
const maxRows = 25

// moment is an earlier time to compare with.
type moment struct {
	key, title string
	back       time.Duration
}

// Row is a row of a section in JSON.
type Row struct {
	Labels map[string]string         `json:"labels"`
	Values map[string]*report.Number `json:"values"`
	// Changes are by column and moment: what the value was less then.
	Changes map[string]map[string]*report.Number `json:"changes,omitempty"`
}

// Section is a section of a review in JSON.
type Section struct {
	Key     string `json:"section"`
	Title   string `json:"title"`
	Rows    []Row  `json:"rows"`
	Omitted int    `json:"rows_omitted"`
}

// reader reads tables at a moment.
type reader struct {
	prometheus  *source.Prometheus
	environment string
	at          time.Time
	span        time.Duration
	moments     []moment
}

// expand fills in an expression.
func (r *reader) expand(expr string) string {
	hours := fmt.Sprintf("%dh", int(r.span.Hours()))
	return strings.NewReplacer("$env", fmt.Sprintf("environment=%q", r.environment), "$span", hours).Replace(expr)
}

// values reads an expression at a moment, by the labels of a row.
func (r *reader) values(ctx context.Context, t *table, expr string, at time.Time,
) (map[string]float64, []source.Series, error) {
	series, err := r.prometheus.At(ctx, r.expand(expr), at)
	if err != nil {
		return nil, nil, err
	}
	values := map[string]float64{}
	for _, s := range series {
		if len(s.Points) > 0 {
			values[t.row(s.Labels)] = s.Points[0].Value
		}
	}
	return values, series, nil
}

// row is the key of a row by its labels.
func (t *table) row(labels map[string]string) string {
	parts := make([]string, len(t.labels))
	for i, name := range t.labels {
		parts[i] = labels[name]
	}
	return strings.Join(parts, "\x00")
}

// read reads a table.
func (r *reader) read(ctx context.Context, t *table) (*Section, error) {
	s := &Section{Key: t.key, Title: t.title, Rows: []Row{}}
	index := map[string]int{}
	for _, c := range t.columns {
		_, series, err := r.values(ctx, t, c.expr, r.at)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.title, err)
		}
		for _, one := range series {
			if len(one.Points) == 0 {
				continue
			}
			key := t.row(one.Labels)
			i, ok := index[key]
			if !ok {
				i = len(s.Rows)
				index[key] = i
				row := Row{Labels: map[string]string{}, Values: map[string]*report.Number{}}
				for _, name := range t.labels {
					row.Labels[name] = one.Labels[name]
				}
				s.Rows = append(s.Rows, row)
			}
			v := report.Number(one.Points[0].Value)
			s.Rows[i].Values[c.key] = &v
		}
		if c.compared {
			if err := r.compare(ctx, t, c, s, index); err != nil {
				return nil, err
			}
		}
	}
	t.order(s)
	return s, nil
}

func (r *reader) compare(ctx context.Context, t *table, c column, s *Section, index map[string]int) error {
	for _, m := range r.moments {
		before, _, err := r.values(ctx, t, c.expr, r.at.Add(-m.back))
		if err != nil {
			return fmt.Errorf("%s, %s: %w", t.title, m.title, err)
		}
		for key, was := range before {
			i, ok := index[key]
			if !ok || s.Rows[i].Values[c.key] == nil {
				continue
			}
			if s.Rows[i].Changes == nil {
				s.Rows[i].Changes = map[string]map[string]*report.Number{}
			}
			if s.Rows[i].Changes[c.key] == nil {
				s.Rows[i].Changes[c.key] = map[string]*report.Number{}
			}
			change := *s.Rows[i].Values[c.key] - report.Number(was)
			s.Rows[i].Changes[c.key][m.key] = &change
		}
	}
	return nil
}

// order puts the rows to look at first, and bounds them.
func (t *table) order(s *Section) {
	first := t.columns[0].key
	slices.SortStableFunc(s.Rows, func(a, b Row) int {
		x, y := a.Values[first], b.Values[first]
		switch {
		case x == nil && y == nil, x != nil && y != nil && *x == *y:
			return strings.Compare(t.row(a.Labels), t.row(b.Labels))
		case x == nil:
			return 1
		case y == nil:
			return -1
		case (*x < *y) == t.least:
			return -1
		}
		return 1
	})
	s.Omitted = max(len(s.Rows)-maxRows, 0)
	s.Rows = s.Rows[:min(len(s.Rows), maxRows)]
}

// labelTitles are those of columns whose labels are not words.
var labelTitles = map[string]string{
	metric.LabelAppService: "Service", metric.LabelSLO: "Objective", metric.LabelMountpoint: "Mounted at",
}

// titleOf is the title of a label's column.
func titleOf(label string) string {
	if title, ok := labelTitles[label]; ok {
		return title
	}
	return strings.ToUpper(label[:1]) + strings.ReplaceAll(label[1:], "_", " ")
}

// document is a section as it is read.
func (t *table) document(s *Section, moments []moment) report.Section {
	out := report.Section{Key: t.key, Title: t.title, None: t.none, Table: &report.Table{}}
	if t.text != "" {
		out.Text = append(out.Text, t.text)
	}
	if s.Omitted > 0 {
		out.Text = append(out.Text, fmt.Sprintf("The first %d of %d.", len(s.Rows), len(s.Rows)+s.Omitted))
	}
	for _, name := range t.labels {
		out.Table.Columns = append(out.Table.Columns, report.Column{Key: name, Title: titleOf(name)})
	}
	for _, c := range t.columns {
		out.Table.Columns = append(out.Table.Columns, report.Column{Key: c.key, Title: c.title})
		if c.compared {
			for _, m := range moments {
				out.Table.Columns = append(out.Table.Columns, report.Column{
					Key: c.key + "_" + m.key, Title: m.title, Optional: true,
				})
			}
		}
	}
	for _, row := range s.Rows {
		var cells []report.Cell
		for _, name := range t.labels {
			cells = append(cells, row.Labels[name])
		}
		for _, c := range t.columns {
			cells = append(cells, c.cell(row.Values[c.key]))
			if c.compared {
				for _, m := range moments {
					cells = append(cells, c.change(row.Changes[c.key][m.key]))
				}
			}
		}
		out.Table.Rows = append(out.Table.Rows, cells)
	}
	return out
}

// cell is a value as it is read.
func (c *column) cell(v *report.Number) report.Cell {
	if v == nil || math.IsNaN(float64(*v)) {
		return nil
	}
	switch c.kind {
	case share:
		return report.Measured(report.Number(*v*100).String() + " %")
	case attained:
		// A binary fraction may be a little less than the decimal one that is meant.
		return report.Measured(strconv.FormatFloat(math.Floor(float64(*v)*1e5+1e-6)/1e3, 'f', 3, 64) + " %")
	case length:
		return report.Length(time.Duration(float64(*v)*1000) * time.Millisecond)
	case bytes:
		return report.Measured(report.Bytes(float64(*v)))
	}
	return *v
}

// change is a difference with its sign.
func (c *column) change(v *report.Number) report.Cell {
	if v == nil || math.IsNaN(float64(*v)) {
		return nil
	}
	sign := "+"
	if *v < 0 {
		sign, *v = "-", -*v
	}
	text := fmt.Sprint(c.cell(v))
	if sign == "-" {
		*v = -*v
	}
	if text == "0" || text == "0 %" || text == "0.000 %" || text == "0s" || text == "0 B" {
		return report.Measured("0")
	}
	return report.Measured(sign + text)
}
