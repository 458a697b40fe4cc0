package dashboards

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/dashboardtest"
	"github.com/thorbis/thorbis_exporter/metric"
)

// nothingToShow are the queries that return nothing in a simulation, as uid/panel/letter or uid/panel for all of them,
// with the reason. A query that is listed and returns data fails.
type nothingToShow map[string]string

func (n nothingToShow) reason(uid, panel, letter string) (string, string) {
	for _, name := range []string{uid + "/" + panel + "/" + letter, uid + "/" + panel} {
		if reason, ok := n[name]; ok {
			return name, reason
		}
	}
	return "", ""
}

const (
	young      = 30 // two evaluations after the first scrape
	atPeace    = 25 * 60
	inOutage   = 37 * 60
	outageFrom = 27 * 60
)

// TestEveryQueryReturnsData holds that every query of every panel, with its variables filled in, returns data from what
// the rules record of a whole installation: in peace, and in an outage of nearly everything.
func TestEveryQueryReturnsData(t *testing.T) {
	if testing.Short() {
		t.Skip("minutes of simulated time")
	}
	p := newPlatform(t, outageFrom)
	p.run(0, young)
	empty := p.checkFirstMinutes()
	p.run(young+scrapeEvery, atPeace)
	check := func(when string, at int, known nothingToShow) {
		used := map[string]bool{}
		asked := 0
		for _, d := range p.boards {
			for _, panel := range panels(d) {
				for _, q := range panel.Targets {
					asked++
					series, _ := p.ask(dashboardtest.Fill(q.Expr), at)
					name, reason := known.reason(d.UID, panel.Title, q.RefID)
					used[name] = used[name] || series == 0
					if series == 0 && reason == "" {
						t.Errorf("%s: %s/%s/%s returns nothing: %s", when, d.UID, panel.Title, q.RefID, dashboardtest.Fill(q.Expr))
					}
					if series > 0 && reason != "" {
						t.Errorf("%s: %s: query %s returns data; take it off the list", when, name, q.RefID)
					}
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(known)) {
			if !used[name] {
				t.Errorf("%s: %s returns data or is no query any more; take it off the list", when, name)
			}
		}
		if asked < 200 {
			t.Errorf("%d queries were asked", asked)
		}
	}
	check("in peace", atPeace, emptyInPeace)
	for name, says := range empty {
		if !slices.Contains(fireLater, name) && p.returns(name, atPeace) && !notYetMeasured.MatchString(says) {
			t.Errorf("%s shows nothing after two evaluations and says %q, as if it stayed like that", name, says)
		}
	}
	p.run(atPeace+scrapeEvery, inOutage)
	check("in an outage", inOutage, emptyInOutage)
}

// fireLater are lists of alerts, which wait before they fire.
var fireLater = []string{
	metric.IncidentDashboard + "/Alerts that fire", metric.DailyDashboard + "/What was noisy",
	metric.WeeklyDashboard + "/What was noisy",
}

// notYetMeasured matches what a panel says whose first value is on its way.
var notYetMeasured = regexp.MustCompile(`(?i)\byet\b|first value|\bsince\b|a moment`)

// checkFirstMinutes holds that after two evaluations every variable has values and the first line of the overview its
// figures, and returns what the panels say that show nothing, by dashboard and title.
func (p *platform) checkFirstMinutes() map[string]string {
	empty := map[string]string{}
	for _, d := range p.boards {
		for _, v := range d.Templating.List {
			var query string
			if err := json.Unmarshal(v.Query, &query); err != nil {
				p.t.Fatal(err)
			}
			if m := labelValues.FindStringSubmatch(query); m != nil {
				if n, _ := p.ask(dashboardtest.Fill(m[1]), young); n == 0 {
					p.t.Errorf("%s: $%s has no value after two evaluations", d.UID, v.Name)
				}
			}
		}
		for _, panel := range panels(d) {
			name := d.UID + "/" + panel.Title
			if p.returns(name, young) {
				continue
			}
			empty[name] = panel.FieldConfig.Defaults.NoValue
			if d.UID == metric.OverviewDashboard && panel.GridPos.Y == 0 && !notYetMeasured.MatchString(empty[name]) {
				p.t.Errorf("%s shows nothing after two evaluations", name)
			}
		}
	}
	return empty
}

// returns reports whether some query of a panel returns data.
func (p *platform) returns(name string, at int) bool {
	for _, d := range p.boards {
		for _, panel := range panels(d) {
			for _, q := range panel.Targets {
				if d.UID+"/"+panel.Title == name {
					if n, _ := p.ask(dashboardtest.Fill(q.Expr), at); n > 0 {
						return true
					}
				}
			}
		}
	}
	return false
}
