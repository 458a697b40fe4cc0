package slo_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestOwnSLORefused checks that the error names the file, the line and the cure.
func TestOwnSLORefused(t *testing.T) {
	p := ruletest.Policy(t)
	p.SLOs = []*config.SLO{{Name: "x", AppService: "web", Bad: "sum(rate(x[$window])", Total: "sum(rate(x[$window]))"}}
	if _, err := rules.Build(p); err == nil || !strings.Contains(err.Error(), "slos[0].bad: invalid PromQL") {
		t.Error(err)
	}
}

// TestOwnSLO checks that an objective over another program's counters is judged by the same rules, through a restart.
func TestOwnSLO(t *testing.T) {
	ruletest.Simulates(t)
	w := ruletest.NewWorld(t, scenario{Name: "own", Exporters: ruletest.OneReceiver.Carry(
		simTenant{Name: "a", Rate: 5, Orders: true, Failing: ruletest.Failing(.2, troubleAt, troubleTo)})}).OnlyRequests()
	w.Scenarios[0].Exporters[0].Off = []spell{{troubleTo, troubleTo + 40}}
	w.Run(troubleTo + 15*minute)
	var got []string
	for _, f := range w.Fired("own") {
		if f.Labels.Get(metric.LabelSLO) == "checkout" {
			got = append(got, f.Alert+"/"+f.Priority+f.Tier)
		}
	}
	if !slices.Equal(got, []string{"ThorbisSLOBurn/P1fast"}) {
		t.Errorf("fired %v", w.Fired("own"))
	}
	const now = troubleTo + 13*minute // the period is summed up every two minutes
	for series, want := range map[string]float64{
		metric.EventsIncrease[rule.Period].Name: 5 * (now - 40),
		metric.BadIncrease[rule.Period].Name:    15 * minute,
	} {
		if v, _ := w.Value(now, series+`{slo="checkout"}`); math.Abs(v-want) > 5*60 {
			t.Errorf("%s is %.0f, want %.0f", series, v, want)
		}
	}
}

// TestOwnSLOErrors checks that each fault in an expression is reported with the policy's file and line.
func TestOwnSLOErrors(t *testing.T) {
	for bad, want := range map[string]string{
		`sum(rate(x[$window])`:                          "thorbis.yaml:9: slos[0].bad: invalid PromQL",
		`sum(rate(x[$window])) / sum(rate(y[$window]))`: "thorbis.yaml:9: slos[0].bad: a ratio",
		`scalar(sum(rate(x[$window])))`:                 "thorbis.yaml:9: slos[0].bad: this yields a scalar",
		`sum(rate(x[$window])) # a comment`:             "",
	} {
		text := `version: 1
channels: {deadman: none}
services: [{name: web, owner: sre}]
slos:
  - name: own
    app_service: web
    objective: 99.9%
    total: 'sum(rate(t[$window])) # all'
    bad: '` + bad + `'
`
		p := policytest.Load(t, t.TempDir(), text)
		if _, err := rules.Build(p); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", bad, err, want)
		}
	}
}
