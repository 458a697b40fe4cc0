package perses

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// override is what differs for one column or series. What is nil or empty does not differ.
type override struct {
	unit, noValue *string
	decimals      *float64
	width         int
	hidden        bool
	mappings      []dashboard.ValueMapping
	thresholds    *dashboard.ThresholdsConfig
	link          map[string]any // of a cell
	colour        string
	dashed        bool
	opacity       *float64
}

// overrideOf reads the properties that the dashboards use; every other one is an error.
func overrideOf(properties []dashboard.DynamicConfigValue) (override, error) {
	var o override
	for _, p := range properties {
		known := true
		switch value := p.Value.(type) {
		case string:
			known = p.Id == "unit" || p.Id == "noValue"
			if p.Id == "unit" {
				o.unit = &value
			} else {
				o.noValue = &value
			}
		case int:
			number := float64(value)
			switch p.Id {
			case "decimals":
				o.decimals = &number
			case "custom.width":
				o.width = value
			case "custom.fillOpacity":
				o.opacity = &number
			default:
				known = false
			}
		case bool:
			known = p.Id == "custom.hidden"
			o.hidden = value
		case []dashboard.ValueMapping:
			known = p.Id == "mappings"
			o.mappings = value
		case dashboard.ThresholdsConfig:
			known = p.Id == "thresholds"
			o.thresholds = &value
		case []map[string]any:
			known = p.Id == "links" && len(value) == 1
			if known {
				o.link = value[0]
			}
		case map[string]string:
			// The text of a cell has the colour of its value: Perses has no other way either.
			known = p.Id == "color" && value["mode"] == "fixed" || p.Id == "custom.cellOptions" && value["type"] == "color-text"
			if p.Id == "color" {
				o.colour = value["fixedColor"]
			}
		case map[string]any:
			known = p.Id == "custom.lineStyle" && value["fill"] == "dash"
			o.dashed = true
		default:
			known = false
		}
		if !known {
			return o, fmt.Errorf("the override %s of %v is not written for Perses", p.Id, p.Value)
		}
	}
	return o, nil
}

// byName returns the overrides of columns or series by their name.
func byName(c *dashboard.FieldConfigSource) (map[string]override, error) {
	all := map[string]override{}
	for _, o := range c.Overrides {
		name, err := matched(o.Matcher)
		if err != nil {
			return nil, err
		}
		if o.Matcher.Id != "byName" {
			return nil, fmt.Errorf("the matcher %s of %q is not written for Perses", o.Matcher.Id, name)
		}
		read, err := overrideOf(o.Properties)
		if err != nil {
			return nil, err
		}
		if _, twice := all[name]; twice {
			return nil, fmt.Errorf("two overrides of %q", name)
		}
		all[name] = read
	}
	return all, nil
}

// matched is the text that a matcher compares names with.
func matched(m dashboard.MatcherConfig) (string, error) {
	switch text := m.Options.(type) {
	case string:
		return text, nil
	case *string:
		return *text, nil
	}
	return "", fmt.Errorf("unknown options %v of the matcher %s", m.Options, m.Id)
}
