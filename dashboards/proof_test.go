package dashboards

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

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
	p.run(0, atPeace)
	check := func(when string, at int, known nothingToShow) {
		used := map[string]bool{}
		asked := 0
		for _, d := range parsed(t) {
			for _, panel := range panels(d) {
				for _, q := range panel.Targets {
					asked++
					series, _ := p.ask(fill(q.Expr), at)
					name, reason := known.reason(d.UID, panel.Title, q.RefID)
					used[name] = used[name] || series == 0
					if series == 0 && reason == "" {
						t.Errorf("%s: %s/%s/%s returns nothing: %s", when, d.UID, panel.Title, q.RefID, fill(q.Expr))
					}
					if series > 0 && reason != "" && strings.Count(name, "/") == 2 {
						t.Errorf("%s: %s returns data; take it off the list", when, name)
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
	p.run(atPeace+scrapeEvery, inOutage)
	check("in an outage", inOutage, emptyInOutage)
}

var filled = regexp.MustCompile(`\$\{?(\w+)(:\w+)?\}?`)

// fill puts into a query what Grafana does where everything is picked, and one tenant.
func fill(expr string) string {
	return filled.ReplaceAllStringFunc(expr, func(v string) string {
		switch name := filled.FindStringSubmatch(v)[1]; name {
		case "__rate_interval", "__interval":
			return "1m"
		case "__range":
			return "20m"
		case metric.LabelTenant:
			return "acme"
		default:
			return ".*"
		}
	})
}
