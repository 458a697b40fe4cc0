package metric

import (
	"slices"
	"testing"
)

// environmentWide are the alerts about all services of an environment: each of their lines may compare the environment
// alone.
var environmentWide = map[*Alert]bool{EnvironmentUnwatchedAlert: true}

// TestHidingsKnown checks that only alerts with something to compare stand in a rule: an empty label on
// both sides counts as equal in Alertmanager.
func TestHidingsKnown(t *testing.T) {
	known := map[*Alert]bool{}
	for _, a := range Alerts() {
		known[a] = true
	}
	for _, c := range Hidings() {
		if !slices.Contains(c.Same, LabelEnvironment) || len(c.Same) < 2 && !environmentWide[c.Source] {
			t.Errorf("%s is compared by %v only", c.Source.Name, c.Same)
		}
		for _, target := range append(slices.Clip(c.Targets), c.Source) {
			if !known[target] {
				t.Errorf("%s is not in the catalogue", target.Name)
			}
		}
	}
}

// TestLevels checks the order of levels, for any alerts.
func TestLevels(t *testing.T) {
	alerts := map[string]*Alert{}
	var all []*Alert
	for _, level := range append(Levels[:4:4], "") {
		for suffix, burn := range map[string]bool{"down": false, "burn": true} {
			if level == "" && !burn {
				continue
			}
			a := &Alert{Name: string(level) + suffix, Level: level, Burn: burn}
			alerts[a.Name], all = a, append(all, a)
		}
	}
	hides := func(source, target string) bool {
		return slices.ContainsFunc(LevelHidings(all), func(c Hiding) bool {
			return c.Source == alerts[source] && slices.Contains(c.Targets, alerts[target])
		})
	}
	order := []string{"service", "many tenants", "tier", "tenant"}
	for i, source := range order {
		for j, target := range order {
			for _, c := range []struct {
				source, target string
				want           bool
			}{
				{source + "down", target + "down", i < j},
				{source + "burn", target + "burn", i < j},
				{source + "down", target + "burn", i <= j},
				{source + "burn", target + "down", false},
			} {
				if got := hides(c.source, c.target); got != c.want {
					t.Errorf("%s hides %s: %t", c.source, c.target, got)
				}
			}
		}
		if got, want := hides(source+"down", "burn"), source == "service" || source == "tenant"; got != want {
			t.Errorf("%sdown hides a burn without a level: %t", source, got)
		}
		if hides(source+"burn", "burn") || hides("burn", source+"down") {
			t.Errorf("%s and a burn without a level hide each other", source)
		}
	}
}
