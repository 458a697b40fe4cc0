package perses

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/dashboards"
)

const kindTable = "Table"

type tableSpec struct {
	Density string `json:"density"`
	// HideOthers hides the columns that are not in the settings.
	HideOthers     bool     `json:"defaultColumnHidden"`
	ColumnSettings []column `json:"columnSettings"`
	Transforms     []any    `json:"transforms,omitempty"`
}

type column struct {
	Name          string         `json:"name"`
	Header        string         `json:"header"`
	Format        *format        `json:"format,omitempty"`
	EnableSorting bool           `json:"enableSorting,omitempty"`
	Sort          string         `json:"sort,omitempty"`
	Width         int            `json:"width,omitempty"`
	Hide          bool           `json:"hide,omitempty"`
	CellSettings  []cellSettings `json:"cellSettings,omitempty"`
	DataLink      *dataLink      `json:"dataLink,omitempty"`
}

// cellSettings are for cells that a condition matches; the first one that does counts.
type cellSettings struct {
	Condition plugin `json:"condition"`
	Text      string `json:"text,omitempty"`
	TextColor string `json:"textColor,omitempty"`
}

type dataLink struct {
	URL        string `json:"url"`
	Title      string `json:"title"`
	OpenNewTab bool   `json:"openNewTab"`
}

type (
	isValue struct {
		Value string `json:"value"`
	}
	// isWithin holds for the bounds too.
	isWithin struct {
		Min float64  `json:"min"`
		Max *float64 `json:"max,omitempty"`
	}
	// mergeIndexed gives the column of a label of several queries, `host #1` and `host #2`, one name.
	mergeIndexed struct {
		Column string `json:"column"`
	}
	// join makes one row of those with equal values in all of the columns.
	join struct {
		Columns []string `json:"columns"`
	}
)

func (m mergeIndexed) transform() any { return plugin{Kind: "MergeIndexedColumns", Spec: m} }
func (j join) transform() any         { return plugin{Kind: "JoinByColumnValue", Spec: j} }

// valueColumn is the name that Perses gives to the values of a query.
func valueColumn(i, queries int) string {
	if queries == 1 {
		return "value"
	}
	return fmt.Sprintf("value #%d", i+1)
}

// organised are the columns of a table by the names of Grafana, with their headings and their order.
type organised struct {
	headings map[string]string
	order    map[string]int
}

// organisedBy reads the transformations that every table has: those columns only, rows merged, renamed and ordered.
func organisedBy(all []dashboard.DataTransformerConfig) (organised, error) {
	if len(all) != 3 || all[0].Id != "filterFieldsByName" || all[1].Id != "merge" || all[2].Id != "organize" {
		return organised{}, errors.New("other transformations than those of figures are not written for Perses")
	}
	options, _ := all[2].Options.(map[string]any)
	headings, named := options["renameByName"].(map[string]string)
	order, ordered := options["indexByName"].(map[string]int)
	if !named || !ordered || len(headings) != len(order) {
		return organised{}, errors.New("unknown options of the transformation organize")
	}
	return organised{headings, order}, nil
}

// tableOf is a table of one row for each thing and one column for each query.
func tableOf(p dashboard.Panel, options *table.Options, queries []prometheus.Dataquery) (plugin, error) {
	from, err := organisedBy(p.Transformations)
	if err != nil {
		return plugin{}, err
	}
	overrides, err := byName(p.FieldConfig)
	if err != nil {
		return plugin{}, err
	}
	values := map[string]string{} // names of Perses by those of Grafana
	for i, q := range queries {
		name := "Value #" + *q.RefId
		if len(queries) == 1 {
			name = "Value"
		}
		values[name] = valueColumn(i, len(queries))
	}
	labels := map[string]string{} // by their headings
	for name, heading := range from.headings {
		if values[name] == "" {
			labels[heading] = name
		}
	}
	spec := tableSpec{Density: "standard", HideOthers: true}
	if options.CellHeight != nil && *options.CellHeight == common.TableCellHeightSm {
		spec.Density = "compact"
	}
	var joined []string
	for _, name := range slices.SortedFunc(maps.Keys(from.order), func(a, b string) int {
		return cmp.Compare(from.order[a], from.order[b])
	}) {
		heading := from.headings[name]
		o := overrides[heading]
		delete(overrides, heading)
		if values[name] == "" {
			joined = append(joined, name)
		} else {
			o.unit = either(o.unit, p.FieldConfig.Defaults.Unit)
		}
		c, err := columnOf(cmp.Or(values[name], name), heading, o, labels)
		if err != nil {
			return plugin{}, fmt.Errorf("column %q: %w", heading, err)
		}
		c.EnableSorting, c.Sort = true, sortOf(options.SortBy, heading)
		spec.ColumnSettings = append(spec.ColumnSettings, c)
	}
	for name := range overrides {
		return plugin{}, fmt.Errorf("the override of %q is not written for Perses: no column has that name", name)
	}
	if len(queries) > 1 {
		for _, label := range joined {
			spec.Transforms = append(spec.Transforms, mergeIndexed{label}.transform())
		}
		spec.Transforms = append(spec.Transforms, join{joined}.transform())
	}
	return plugin{Kind: kindTable, Spec: spec}, nil
}

// sortOf is how rows are ordered by a column at first; empty for not at all.
func sortOf(by []common.TableSortByFieldState, heading string) string {
	for _, s := range by {
		switch {
		case s.DisplayName != heading:
		case s.Desc != nil && *s.Desc:
			return "desc"
		default:
			return "asc"
		}
	}
	return ""
}

// columnOf is a column with its texts and colours. Labels are the names of columns by their headings, for links.
func columnOf(name, heading string, o override, labels map[string]string) (column, error) {
	c := column{Name: name, Header: heading, Width: o.width, Hide: o.hidden}
	var err error
	if c.Format, err = formatOf(o.unit, o.decimals); err != nil {
		return c, err
	}
	if o.noValue != nil {
		c.CellSettings = append(c.CellSettings, cellSettings{
			Condition: plugin{Kind: "Misc", Spec: isValue{"null"}}, Text: *o.noValue,
		})
	}
	texts, err := textsOf(o.mappings)
	if err != nil {
		return c, err
	}
	if o.unit != nil && *o.unit == units.BoolYesNo {
		answers, err := yesAndNo(o.thresholds)
		if err != nil {
			return c, err
		}
		texts = append(texts, answers...)
	}
	for _, t := range texts {
		c.CellSettings = append(c.CellSettings, cellSettings{
			Condition: plugin{Kind: "Value", Spec: isValue{t.value}}, Text: t.text, TextColor: t.colour,
		})
	}
	ranges, err := rangesOf(o.thresholds)
	if err != nil {
		return c, err
	}
	c.CellSettings = append(c.CellSettings, ranges...)
	if o.link == nil {
		return c, nil
	}
	to, err := translated(fmt.Sprint(o.link["url"]), labels)
	if err != nil {
		return c, err
	}
	c.DataLink = &dataLink{URL: to, Title: fmt.Sprint(o.link["title"])}
	return c, nil
}

// yesAndNo are the texts of 1 and 0 with their colours.
func yesAndNo(config *dashboard.ThresholdsConfig) ([]valueText, error) {
	t, err := thresholdsOf(config)
	if err != nil {
		return nil, err
	}
	answers := []valueText{{value: "0", text: "No"}, {value: "1", text: "Yes"}}
	for i := range answers {
		if t != nil {
			answers[i].colour = t.at(float64(i))
		}
	}
	return answers, nil
}

// rangesOf are the colours of thresholds, the highest first.
func rangesOf(config *dashboard.ThresholdsConfig) ([]cellSettings, error) {
	t, err := thresholdsOf(config)
	if t == nil || err != nil {
		return nil, err
	}
	steps := append([]step{{Value: dashboards.Lowest, Color: t.DefaultColor}}, t.Steps...)
	var settings []cellSettings
	for _, s := range slices.Backward(steps) {
		settings = append(settings, cellSettings{
			Condition: plugin{Kind: "Range", Spec: isWithin{Min: s.Value}}, TextColor: strings.ToLower(s.Color),
		})
	}
	return settings, nil
}
