package ruletest

import (
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Simulation is an alert's case over every layout. It holds what makes the alert fire, the near miss, and the behaviour
// while its exporters restart one after the other.
type Simulation struct {
	Alert    *metric.Alert
	Priority string
	Fires    func(l Layout, e *Exporter)
	Misses   func(l Layout, e *Exporter)
	// Steady alerts fire through a rolling restart without a gap; the others are quiet in one.
	Steady bool
	// Copies are further things that each exporter watches.
	Copies int
	Copy   func(i int, e *Exporter)
}

// worlds builds the scenarios of a simulated alert.
func (s Simulation) worlds() []Scenario {
	var out []Scenario
	for _, l := range Layouts {
		for _, kind := range []string{KindFiring, KindQuiet, KindRestart} {
			var all []*Exporter
			for c := range max(1, s.Copies) {
				all = append(all, l.Place(1, func(i int, e *Exporter) {
					if s.Copy != nil {
						s.Copy(c, e)
					}
					switch {
					case kind == KindFiring || kind == KindRestart && s.Steady:
						s.Fires(l, e)
					case kind == KindQuiet:
						s.Misses(l, e)
					}
					if kind == KindRestart {
						e.Off = append(e.Off, Spell{Begin + 3*Minute + i*Minute, Begin + 3*Minute + i*Minute + 35})
					}
				})...)
			}
			out = append(out, Scenario{s.Alert.Name + "/" + kind + "/" + l.Name, all})
		}
	}
	return out
}

// Simulate runs simulated alerts over every layout.
func Simulate(t *testing.T, all []Simulation) {
	Simulates(t)
	for _, s := range all {
		t.Run(s.Alert.Name, func(t *testing.T) {
			worlds := s.worlds()
			w := NewWorld(t, worlds...).OnlyHealth()
			until := Begin + 34*Minute
			if s.Copies > 10 { // slow, so only what it needs
				until = Begin + 8*Minute
				w.GroupsOnly = []string{"thorbis-policy-1", "thorbis-health-down", "thorbis-health-crowds", "thorbis-health-ledger"}
			}
			w.Run(until)
			for _, world := range worlds {
				fired := w.Fired(world.Name, s.Alert.Name)
				want := 0
				if strings.Contains(world.Name, "/"+KindFiring+"/") ||
					strings.Contains(world.Name, "/"+KindRestart+"/") && s.Steady {
					want = 1
				}
				if len(fired) != want || want == 1 && (fired[0].Priority != s.Priority || fired[0].From < Begin) {
					t.Errorf("%s: fired %v, want %d at %s", world.Name, fired, want, s.Priority)
				}
			}
		})
	}
}

// CasesOf returns the names of the cases of simulated alerts.
func CasesOf(all []Simulation) []Case {
	var cases []Case
	for _, s := range all {
		for _, w := range s.worlds() {
			cases = append(cases, Case{Name: w.Name})
		}
	}
	return cases
}
