package sla

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/report"
)

// PlaceKey is a check seen from a location.
type PlaceKey struct{ Check, Tenant, Location string }

// Counter is what a second source has of a check in a month.
type Counter struct {
	Down time.Duration
	// Reset is whether the counter began anew meanwhile, so that it says less than what was.
	Reset bool
}

// Compare holds the seconds down of targets against what another source counted from the same exporters. The two agree
// where they differ by at most one scrape. Days that were rebuilt from the other source are compared in neither.
func (b *Builder) Compare(targets, rebuilt []Target, counters map[PlaceKey]Counter, scrape time.Duration) []Comparison {
	own, taken := downByDay(targets), downByDay(rebuilt)
	keys := slices.SortedFunc(maps.Keys(own), func(a, b PlaceKey) int {
		return cmp.Or(cmp.Compare(a.Check, b.Check), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Location, b.Location))
	})
	list := []Comparison{}
	for _, k := range keys {
		c := Comparison{Check: k.Check, Tenant: k.Tenant, Location: k.Location}
		left := report.Length(0)
		for _, d := range b.days {
			if down, ok := taken[k][d.Date]; ok {
				left += report.Length(down)
				continue
			}
			c.History += report.Length(own[k][d.Date])
		}
		if other, ok := counters[k]; ok && !other.Reset {
			there := max(report.Length(other.Down)-left, 0)
			agrees := (c.History - there).Abs() <= report.Length(scrape)
			c.Prometheus, c.Agrees = &there, &agrees
		}
		list = append(list, c)
	}
	return list
}

func downByDay(targets []Target) map[PlaceKey]map[string]time.Duration {
	all := map[PlaceKey]map[string]time.Duration{}
	for _, t := range targets {
		k := t.Place()
		if all[k] == nil {
			all[k] = map[string]time.Duration{}
		}
		for _, d := range t.Days {
			all[k][d.Date] = max(all[k][d.Date], d.Down)
		}
	}
	return all
}

// maxNamed bounds the places that a note names.
const maxNamed = 20

// RebuiltNote says which days were taken from Prometheus, empty for none.
func (b *Builder) RebuiltNote(rebuilt []Target) string {
	var places []string
	for _, t := range rebuilt {
		var dates []string
		for _, d := range t.Days {
			if slices.ContainsFunc(b.days, func(in Day) bool { return in.Date == d.Date }) {
				dates = append(dates, d.Date)
			}
		}
		if n := len(dates); n > 0 {
			places = append(places, fmt.Sprintf("%s from %s, %d days between %s and %s", t.Check, t.Location, n, dates[0],
				dates[n-1]))
		}
	}
	if len(places) == 0 {
		return ""
	}
	if more := len(places) - maxNamed; more > 0 {
		places = append(places[:maxNamed], fmt.Sprintf("and %d more", more))
	}
	return "Days of which no exporter has all are rebuilt from the counters that Prometheus scraped, to one scrape and " +
		"without the reasons of outages: " + strings.Join(places, "; ") + "."
}

// Disagreements says of which checks two sources disagree.
func Disagreements(all []Comparison) []string {
	var texts []string
	for _, c := range all {
		if c.Agrees != nil && !*c.Agrees {
			texts = append(texts, fmt.Sprintf("Exporter and Prometheus disagree by more than one scrape on check %s from %s: "+
				"%s and %s s down.", c.Check, c.Location, c.History.Seconds(), c.Prometheus.Seconds()))
		}
	}
	return texts
}
