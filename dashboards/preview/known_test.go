package preview

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// known is what the preview draws, by kind: panels, units, transformations and so on.
func known(t *testing.T) map[string][]string {
	t.Helper()
	text, err := fs.ReadFile(web, "js/known.js")
	if err != nil {
		t.Fatal(err)
	}
	all := string(text)
	all = all[strings.Index(all, "{") : strings.LastIndex(all, "}")+1]
	var k map[string][]string
	if err := json.Unmarshal([]byte(all), &k); err != nil {
		t.Fatalf("known.js: %v", err)
	}
	return k
}

// The parts of a dashboard whose kinds the preview must know.
type (
	usedPanel struct {
		Title, Type     string
		Panels          []usedPanel
		Targets         []struct{ Format string }
		Transformations []struct{ ID string }
		FieldConfig     struct {
			Defaults  usedField
			Overrides []struct {
				Matcher    struct{ ID string }
				Properties []struct {
					ID    string
					Value json.RawMessage
				}
			}
		}
		Options struct {
			Legend        struct{ Calcs []string }
			ReduceOptions struct{ Calcs []string }
		}
	}
	usedField struct {
		Unit     string
		Color    struct{ Mode string }
		Mappings []struct{ Type string }
		Custom   struct{ CellOptions struct{ Type string } }
	}
	usedDashboard struct {
		Panels     []usedPanel
		Templating struct {
			List []struct {
				Name, Type string
				Query      json.RawMessage
			}
		}
	}
)

// use calls found for each kind that a dashboard uses, with what it is a kind of.
func (d usedDashboard) use(found func(kind, name, where string)) {
	for _, v := range d.Templating.List {
		found("variables", v.Type, "$"+v.Name)
		if v.Type == "query" {
			found("queries", queryRE.FindString(queryText(v.Query)), "$"+v.Name)
		}
	}
	for _, p := range d.Panels {
		p.use(found)
	}
}

var queryRE = regexp.MustCompile(`^\w+`)

// queryText is the query of a variable, which is a string or an object.
func queryText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var object struct{ Query string }
	_ = json.Unmarshal(raw, &object)
	return object.Query
}

func (p usedPanel) use(found func(kind, name, where string)) {
	where := "panel " + p.Title
	if p.Type == "row" {
		for _, inner := range p.Panels {
			inner.use(found)
		}
		return
	}
	found("panels", p.Type, where)
	for _, t := range p.Targets {
		found("formats", t.Format, where)
	}
	for _, t := range p.Transformations {
		found("transformations", t.ID, where)
	}
	for _, c := range slices.Concat(p.Options.Legend.Calcs, p.Options.ReduceOptions.Calcs) {
		found("calcs", c, where)
	}
	p.FieldConfig.Defaults.use(found, where)
	for _, o := range p.FieldConfig.Overrides {
		found("matchers", o.Matcher.ID, where)
		for _, property := range o.Properties {
			var f usedField
			switch property.ID {
			case "unit":
				_ = json.Unmarshal(property.Value, &f.Unit)
			case "color":
				_ = json.Unmarshal(property.Value, &f.Color)
			case "mappings":
				_ = json.Unmarshal(property.Value, &f.Mappings)
			case "custom.cellOptions":
				_ = json.Unmarshal(property.Value, &f.Custom.CellOptions)
			}
			f.use(found, where)
			if !strings.HasPrefix(property.ID, "custom.") {
				found("properties", property.ID, where)
			}
		}
	}
}

func (f usedField) use(found func(kind, name, where string), where string) {
	found("units", f.Unit, where)
	found("colors", f.Color.Mode, where)
	found("cells", f.Custom.CellOptions.Type, where)
	for _, m := range f.Mappings {
		found("mappings", m.Type, where)
	}
}

// unknown lists what a dashboard uses and the preview does not draw.
func unknown(t *testing.T, k map[string][]string, text []byte) []string {
	t.Helper()
	var d usedDashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	var missing []string
	d.use(func(kind, name, where string) {
		if name != "" && !slices.Contains(k[kind], name) {
			missing = append(missing, kind+" "+name+" of "+where)
		}
	})
	return missing
}

// TestDrawsWhatTheBundleUses fails when a dashboard of the bundle uses what the preview does not draw.
func TestDrawsWhatTheBundleUses(t *testing.T) {
	k := known(t)
	names, err := filepath.Glob("../*.json")
	if err != nil || len(names) == 0 {
		t.Fatal("no dashboards", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range unknown(t, k, text) {
			t.Errorf("%s: %s is not in web/js/known.js", name, m)
		}
	}
}

func TestUnknownKindsAreFound(t *testing.T) {
	const text = `{
	 "templating": {"list": [
	  {"name": "a", "type": "adhoc"}, {"name": "b", "type": "query", "query": {"query": "tag_values(x)"}}
	 ]},
	 "panels": [{"type": "row", "panels": [{
	  "title": "P", "type": "candlestick", "targets": [{"format": "logs"}], "transformations": [{"id": "extractFields"}],
	  "options": {"legend": {"calcs": ["median2"]}, "reduceOptions": {"calcs": ["last2"]}},
	  "fieldConfig": {
	   "defaults": {
	    "unit": "parsecs", "color": {"mode": "rainbow"}, "mappings": [{"type": "guess"}],
	    "custom": {"cellOptions": {"type": "geo"}}
	   },
	   "overrides": [{"matcher": {"id": "byMagic"}, "properties": [
	    {"id": "unit", "value": "furlongs"}, {"id": "actions", "value": 1}, {"id": "custom.width", "value": 3},
	    {"id": "color", "value": {"mode": "sunset"}}, {"id": "mappings", "value": [{"type": "fuzzy"}]},
	    {"id": "custom.cellOptions", "value": {"type": "map"}}
	   ]}]
	  }
	 }]}]
	}`
	got := unknown(t, known(t), []byte(text))
	for _, want := range []string{
		"adhoc", "tag_values", "candlestick", "logs", "extractFields", "median2", "last2", "parsecs", "rainbow", "guess",
		"geo", "byMagic", "furlongs", "actions", "sunset", "fuzzy", "map",
	} {
		if !slices.ContainsFunc(got, func(m string) bool { return strings.Contains(m, " "+want+" of ") }) {
			t.Errorf("%s is not found to be unknown", want)
		}
	}
	if len(got) != 17 {
		t.Errorf("%d kinds are unknown, want 17: %q", len(got), got)
	}
}
