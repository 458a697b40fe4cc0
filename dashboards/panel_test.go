package dashboards

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

// TestWhatToDo holds that every panel that can be red says what to do then, and none that cannot.
func TestWhatToDo(t *testing.T) {
	for file, d := range parsed(t) {
		for _, p := range panels(d) {
			text, err := json.Marshal(p.FieldConfig.Overrides)
			if err != nil {
				t.Fatal(err)
			}
			red := reds.Match(text) || reds.Match(p.raw)
			says := strings.Contains(p.Description, "**When red:**")
			if red != says {
				t.Errorf("%s: %q can be red: %v; says what to do: %v", file, p.Title, red, says)
			}
		}
	}
}

// reds match thresholds and mappings that are red, not fixed colours of lines: 5xx are always red.
var reds = regexp.MustCompile(`"color": ?"red"`)

// TestNothingToShow holds that every panel says what it means that there is nothing to show.
func TestNothingToShow(t *testing.T) {
	for file, d := range parsed(t) {
		for _, p := range panels(d) {
			says := p.FieldConfig.Defaults.NoValue
			if len(says) < 4 && says != "none" || strings.EqualFold(says, "no data") {
				t.Errorf("%s: %q says %q of nothing", file, p.Title, says)
			}
		}
	}
}

// TestScales holds that every graph has a least value, so that a small change does not look like a great one.
func TestScales(t *testing.T) {
	for file, d := range parsed(t) {
		for _, p := range panels(d) {
			if p.Type == "timeseries" && p.FieldConfig.Defaults.Min == nil {
				t.Errorf("%s: %q has no minimum", file, p.Title)
			}
		}
	}
}

// TestGrid holds that panels fill their lines and do not overlap.
func TestGrid(t *testing.T) {
	for file, d := range parsed(t) {
		taken := map[[2]int]string{}
		lines := map[int]int{}
		for _, p := range panels(d) {
			g := p.GridPos
			lines[g.Y] += g.W
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other, ok := taken[[2]int{x, y}]; ok {
						t.Errorf("%s: %q and %q overlap", file, other, p.Title)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
		for y, width := range lines {
			if width != 24 {
				t.Errorf("%s: the panels at line %d are %d wide, not 24", file, y, width)
			}
		}
	}
}

// TestOneScreen holds that the overview needs no scrolling at 1920x1080: a line of the grid takes 38 pixels, Grafana's
// head 120.
func TestOneScreen(t *testing.T) {
	bottom := 0
	for _, p := range panels(parsed(t)[metric.OverviewDashboard+".json"]) {
		bottom = max(bottom, p.GridPos.Y+p.GridPos.H)
	}
	if pixels := 38*bottom + 120; pixels > 1080 {
		t.Errorf("the overview is %d pixels high", pixels)
	}
}

// wordColours matches a word that stands for a value, with its colour.
var wordColours = regexp.MustCompile(`"text": ?"([^"]+)",\s*"color": ?"([^"]+)"`)

// TestSameColours holds that a word has the same colour on every dashboard.
func TestSameColours(t *testing.T) {
	seen := map[string]string{}
	for file, d := range parsed(t) {
		for _, p := range panels(d) {
			for _, m := range wordColours.FindAllStringSubmatch(string(p.raw), -1) {
				if was, ok := seen[m[1]]; ok && was != m[2] {
					t.Errorf("%s: %q: %q is %s here and %s elsewhere", file, p.Title, m[1], m[2], was)
				}
				seen[m[1]] = m[2]
			}
		}
	}
	if seen[metric.StateDown] != red || seen[metric.StateUp] != green {
		t.Errorf("up and down are %v", seen)
	}
}

var linkURL = regexp.MustCompile(`^/d/([a-z-]+)\?(.*)$`)

// TestLinks holds that every link leads to a dashboard of the bundle, keeps the time, and sets only variables that the
// dashboard has; and that the table of these variables is right.
func TestLinks(t *testing.T) {
	all := parsed(t)
	has := map[string][]string{}
	for _, d := range all {
		for _, v := range d.Templating.List {
			has[d.UID] = append(has[d.UID], v.Name)
		}
		own := slices.DeleteFunc(slices.Clone(has[d.UID]), func(name string) bool {
			return slices.Contains([]string{"datasource", metric.LabelEnvironment, "job", "instance"}, name)
		})
		if d.UID != metric.OverviewDashboard && !slices.Equal(own, variablesOn[d.UID]) {
			t.Errorf("%s has the variables %v, the table of links says %v", d.UID, own, variablesOn[d.UID])
		}
	}
	links := 0
	for file, d := range all {
		for _, p := range panels(d) {
			for _, m := range regexp.MustCompile(`"url": ?"([^"\\]*(?:\\.[^"\\]*)*)"`).FindAllStringSubmatch(string(p.raw), -1) {
				var url string
				if err := json.Unmarshal([]byte(`"`+m[1]+`"`), &url); err != nil {
					t.Fatal(err)
				}
				links++
				parts := linkURL.FindStringSubmatch(url)
				if parts == nil || has[parts[1]] == nil || !strings.Contains(url, "${__url_time_range}") {
					t.Errorf("%s: %q leads to %s", file, p.Title, url)
					continue
				}
				for _, v := range regexp.MustCompile(`var-(\w+)=`).FindAllStringSubmatch(parts[2], -1) {
					if !slices.Contains(has[parts[1]], v[1]) {
						t.Errorf("%s: %q sets %s, which %s does not have", file, p.Title, v[1], parts[1])
					}
				}
			}
		}
		if len(d.Links) == 0 || !slices.Contains(d.Tags, Tags[0]) {
			t.Errorf("%s does not lead to the others", file)
		}
		for _, l := range d.Links {
			if !l.KeepTime || !l.IncludeVars {
				t.Errorf("%s: a link loses the time or the variables", file)
			}
		}
	}
	if links < 50 {
		t.Errorf("%d links", links)
	}
}

// TestAnnotations holds that every dashboard marks the same things, and that each can be switched off.
func TestAnnotations(t *testing.T) {
	for file, d := range parsed(t) {
		names := map[string]bool{}
		for _, a := range d.Annotations.List {
			if _, err := grammar.ParseExpr(interpolate(a.Expr)); err != nil {
				t.Errorf("%s: %s: %v", file, a.Name, err)
			}
			if !a.Enable || a.Datasource.UID != "$datasource" {
				t.Errorf("%s: %s: %+v", file, a.Name, a)
			}
			names[a.Name] = true
		}
		for _, want := range []string{"Outages", "Maintenance", "Deployments", "Policy reloads"} {
			if !names[want] {
				t.Errorf("%s has the annotations %v, not %s", file, slices.Sorted(maps.Keys(names)), want)
			}
		}
	}
}
