package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/table"

	"github.com/thorbis/thorbis_exporter/metric"
)

// key is a label by which the rows of a table differ.
type key struct {
	label, title string
	to           string // uid of the dashboard to which it leads, with all keys of the row
	width        int    // in pixels, 0 for a share of the rest
	texts        []dashboard.ValueMapping
	hidden       bool // to save room; a row has one value of it nevertheless
	last         bool // behind the figures, which are in sight then on a small screen
}

// The keys of tables.
var (
	byEnvironment = key{label: metric.LabelEnvironment, title: "Environment", width: 110}
	byService     = key{label: metric.LabelAppService, title: "Service"}
	byCheck       = key{label: metric.LabelCheck, title: "Check"}
	byTenant      = key{label: metric.LabelTenant, title: "Tenant", to: metric.TenantDashboard}
	byTier        = key{label: metric.LabelTier, title: "Tier"}
	byOwner       = key{label: metric.LabelOwner, title: "Owner"}
	byPage        = key{label: metric.LabelPage, title: "Priority", width: 85, texts: wordsIn(priorityColours)}
	byPriority    = key{label: metric.LabelPriority, title: "Priority", width: 85, texts: wordsIn(priorityColours)}
	byObjective   = key{label: metric.LabelSLO, title: "Objective"}
	byHost        = key{label: metric.LabelHost, title: "Host"}
	byMountpoint  = key{label: metric.LabelMountpoint, title: "Mounted at"}
	byBackup      = key{label: metric.LabelBackup, title: "Backup"}
	byRepository  = key{label: metric.LabelRepository, title: "Repository"}
	byServer      = key{label: metric.LabelServer, title: "Server"}
	byDatabase    = key{label: metric.LabelDatabase, title: "Database"}
	byQuery       = key{label: metric.LabelQueryID, title: "Query"}
)

// leading returns the key with the dashboard to which it leads.
func (k key) leading(uid string) key {
	k.to = uid
	return k
}

// unseen returns the key without a column.
func (k key) unseen() key {
	k.hidden = true
	return k
}

// behind returns the key with its column behind the figures.
func (k key) behind() key {
	k.last = true
	return k
}

// column is one figure of a table.
type column struct {
	title, unit, expr string
	colours           []dashboard.Threshold    // none for no colour
	texts             []dashboard.ValueMapping // shown instead of values
	to                string                   // uid of the dashboard to which it leads
	empty             string                   // shown where there is no value, - if empty
	decimals          int                      // 0 leaves them to Grafana
	width             int                      // in pixels, 0 for a share of the rest
}

// whole shows numbers without decimals.
const whole = -1

// figures is a table with one row for each thing and one column for each query.
func figures(w words, width, height uint32, keys []key, columns ...column) *table.PanelBuilder {
	b := table.NewPanelBuilder().
		Title(w.title).Description(w.description()).Unit(w.unit).NoValue(w.empty).
		Datasource(datasource).Height(height).Span(width).CellHeight(common.TableCellHeightSm).MinWidth(40)
	names, index, variables := map[string]string{}, map[string]int{}, map[string]string{}
	for i, k := range keys {
		names[k.label], index[k.label], variables[k.label] = k.title, i, k.title
		if k.last {
			index[k.label] += len(keys) + len(columns)
		}
	}
	for _, k := range keys {
		b.OverrideByName(k.title, append(k.properties(), layout(k.width, k.to, variables)...))
	}
	for i, c := range columns {
		b.WithTarget(query(letter(i), c.expr, "").Instant().Format(prometheus.PromQueryFormatTable))
		value := "Value #" + letter(i)
		if len(columns) == 1 {
			value = "Value" // Grafana names the only query's values without its letter
		}
		names[value], index[value] = c.title, len(keys)+i
		b.OverrideByName(c.title, c.properties(variables))
	}
	// Filtered first: rows merge only where all shared columns agree, and __name__ would never.
	return b.
		WithTransformation(dashboard.DataTransformerConfig{Id: "filterFieldsByName", Options: map[string]any{
			"include": map[string]any{"names": sortedKeys(names)},
		}}).
		WithTransformation(dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}}).
		WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"renameByName": names, "indexByName": index, "excludeByName": map[string]bool{},
		}})
}

func (k key) properties() []dashboard.DynamicConfigValue {
	properties := []dashboard.DynamicConfigValue{{Id: "noValue", Value: "-"}}
	if len(k.texts) > 0 {
		properties = append(properties, dashboard.DynamicConfigValue{Id: "mappings", Value: k.texts}, colouredText)
	}
	if k.hidden {
		properties = append(properties, dashboard.DynamicConfigValue{Id: "custom.hidden", Value: true})
	}
	return properties
}

// colouredText gives the text of a cell the colour of its value.
var colouredText = dashboard.DynamicConfigValue{
	Id: "custom.cellOptions", Value: map[string]string{"type": "color-text"},
}

func (c column) properties(variables map[string]string) []dashboard.DynamicConfigValue {
	empty := c.empty
	if empty == "" {
		empty = "-"
	}
	properties := []dashboard.DynamicConfigValue{{Id: "unit", Value: c.unit}, {Id: "noValue", Value: empty}}
	if c.decimals != 0 {
		properties = append(properties, dashboard.DynamicConfigValue{Id: "decimals", Value: max(c.decimals, 0)})
	}
	if len(c.texts) > 0 {
		properties = append(properties, dashboard.DynamicConfigValue{Id: "mappings", Value: c.texts})
	}
	if len(c.colours) > 0 {
		// The first colour is that of a cell without a value; what was the first holds from the lowest value on.
		steps := append([]dashboard.Threshold{{Color: grey}, from(Lowest, c.colours[0].Color)}, c.colours[1:]...)
		properties = append(properties, dashboard.DynamicConfigValue{Id: "thresholds", Value: dashboard.ThresholdsConfig{
			Mode: dashboard.ThresholdsModeAbsolute, Steps: steps,
		}})
	}
	if len(c.colours) > 0 || len(c.texts) > 0 {
		properties = append(properties, colouredText)
	}
	return append(properties, layout(c.width, c.to, variables)...)
}

// layout is the width of a column and where its cells lead.
func layout(width int, to string, variables map[string]string) []dashboard.DynamicConfigValue {
	var properties []dashboard.DynamicConfigValue
	if width > 0 {
		properties = append(properties, dashboard.DynamicConfigValue{Id: "custom.width", Value: width})
	}
	if to != "" {
		properties = append(properties, dashboard.DynamicConfigValue{Id: "links", Value: []map[string]any{{
			"title": "Look closer", "targetBlank": false, "url": linkTo(to, variablesOf(to, variables)),
		}}})
	}
	return properties
}
