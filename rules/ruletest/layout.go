package ruletest

import (
	"maps"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// Seconds.
const (
	Minute = 60
	Hour   = 60 * Minute
	Day    = 24 * Hour
)

// Begin is when things go wrong in the simulated cases.
const Begin = 8 * Minute

// Warmup is how long requests are good before the problem begins: long enough for the fast window.
const Warmup = 70 * Minute

// Layout is how many exporters watch, from where, under which jobs.
type Layout struct {
	Name      string
	Exporters []Exporter
}

// Indexes of layouts.
const (
	One = iota
	TwoOneJob
	TwoTwoJobs
	TwoLocations
	twoLocationsTwoJobs
	ThreeLocations
	ThreeLocationsThreeJobs
)

// Layouts are the ways in which up to three exporters watch.
var Layouts = []Layout{
	{"one", []Exporter{{Job: "thorbis", Instance: "a", Location: "fra"}}},
	{
		"two-one-job",
		[]Exporter{{Job: "thorbis", Instance: "a", Location: "fra"}, {Job: "thorbis", Instance: "b", Location: "fra"}},
	},
	{
		"two-two-jobs",
		[]Exporter{{Job: "thorbis", Instance: "a", Location: "fra"}, {Job: "prober", Instance: "b", Location: "fra"}},
	},
	{
		"two-locations",
		[]Exporter{{Job: "thorbis", Instance: "a", Location: "fra"}, {Job: "thorbis", Instance: "b", Location: "nyc"}},
	},
	{
		"two-locations-two-jobs",
		[]Exporter{{Job: "thorbis", Instance: "a", Location: "fra"}, {Job: "prober", Instance: "b", Location: "nyc"}},
	},
	{"three-locations", []Exporter{
		{Job: "thorbis", Instance: "a", Location: "fra"},
		{Job: "thorbis", Instance: "b", Location: "nyc"},
		{Job: "thorbis", Instance: "c", Location: "sin"},
	}},
	{"three-locations-three-jobs", []Exporter{
		{Job: "thorbis", Instance: "a", Location: "fra"},
		{Job: "prober", Instance: "b", Location: "nyc"},
		{Job: "edge", Instance: "c", Location: "sin"},
	}},
}

// Place copies a layout's exporters with phases of a seed and calls each to set them up.
func (l Layout) Place(seed int, each func(i int, e *Exporter)) []*Exporter {
	var out []*Exporter
	for i, e := range l.Exporters {
		e.Interval = 30
		e.Phase = (7 + 13*seed + 11*i) % 30
		e.Scrape = (3 + 4*seed + 7*i) % 15
		e.Check, e.Tier, e.Owner, e.Page = "home", metric.TierNone, "sre", "P1"
		if each != nil {
			each(i, &e)
		}
		out = append(out, &e)
	}
	return out
}

// Discovered is how long after an outage begins the quorum has seen its first failed probe.
func Discovered(exporters []*Exporter, begin int) int {
	first := map[string]int{} // by location
	for _, e := range exporters {
		d := ((e.Phase-begin)%e.Interval + e.Interval) % e.Interval
		if old, ok := first[e.Location]; !ok || d < old {
			first[e.Location] = d
		}
	}
	delays := slices.Sorted(maps.Values(first))
	return delays[min(len(delays), rule.Quorum)-1]
}

// Seen reports how the exporters could see the second t: whether the quorum judged and whether it was down.
func Seen(exporters []*Exporter, t int) (judged, down bool) {
	states := map[string]bool{} // by location that judges: is it down
	for _, e := range exporters {
		if !Within(t, e.Off) {
			states[e.Location] = states[e.Location] || Within(t, e.Broken)
		}
	}
	locationsDown := 0
	for _, d := range states {
		if d {
			locationsDown++
		}
	}
	return len(states) > 0, locationsDown >= rule.Quorum || locationsDown == 1 && len(states) == 1
}

// OnlyHealth restricts a world to the rules on health checks and on exporters. The others have nothing to read in
// worlds without requests, disks and backups.
func (w *World) OnlyHealth() *World {
	for _, g := range w.Groups {
		for _, prefix := range []string{"thorbis-policy", "thorbis-health", "thorbis-uptime", "thorbis-exporter"} {
			if strings.HasPrefix(g.Name(), prefix) && !slices.Contains(w.GroupsOnly, g.Name()) {
				w.GroupsOnly = append(w.GroupsOnly, g.Name())
			}
		}
	}
	return w
}

// Outage returns a setup in which the target does not answer from one second to another.
func Outage(from, to int) func(int, *Exporter) {
	return func(_ int, e *Exporter) { e.Broken = append(e.Broken, Spell{from, to}) }
}

// And returns a setup that does one after the other.
func And(fs ...func(int, *Exporter)) func(int, *Exporter) {
	return func(i int, e *Exporter) {
		for _, f := range fs {
			f(i, e)
		}
	}
}

// Only returns a setup of one exporter alone.
func Only(n int, f func(e *Exporter)) func(int, *Exporter) {
	return func(i int, e *Exporter) {
		if i == n {
			f(e)
		}
	}
}

// Off returns a setup in which the exporters do not run from one second to another.
func Off(from, to int) func(int, *Exporter) {
	return func(_ int, e *Exporter) { e.Off = append(e.Off, Spell{from, to}) }
}
