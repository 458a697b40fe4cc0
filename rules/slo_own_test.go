package rules

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

func TestPerStep(t *testing.T) {
	for text, want := range map[string]string{
		`sum(rate(x_total[$window]))`:                                  `sum(clamp_min(x_total - last_over_time(x_total[15m] offset 30s), 0))`,
		`sum by (a) (increase(x_total{code=~"5.."}[$window])) / 2`:     `sum by (a) (clamp_min(x_total{code=~"5.."} - last_over_time(x_total{code=~"5.."}[15m] offset 30s), 0)) / 2`,
		`sum(rate(a_total[$window])) - sum(rate(b_total[$window]))`:    `sum(clamp_min(a_total - last_over_time(a_total[15m] offset 30s), 0)) - sum(clamp_min(b_total - last_over_time(b_total[15m] offset 30s), 0))`,
		`count_over_time(up[$window])`:                                 `count_over_time(up[30s])`,
		`15 * sum_over_time((max(rate(x[1m])) > bool 5)[$window:15s])`: `15 * sum_over_time((max(rate(x[1m])) > bool 5)[30s:15s])`,
	} {
		got, err := perStep(text, "")
		if err != nil || strings.Join(strings.Fields(got), " ") != want {
			t.Errorf("%s\n got %s, %v\nwant %s", text, got, err, want)
		}
	}
	for text, why := range map[string]string{
		`sum(rate(x_total[$window])`:                    "no PromQL",
		`rate(x_total[5m])`:                             "[$window]",
		`sum(rate(a[$window])) / sum(rate(b[$window]))`: "a ratio does not add up",
		`max(rate(x[$window]))`:                         "max does not add up",
		`irate(x[$window])`:                             "irate does not add up",
		`avg_over_time(x[$window])`:                     "avg_over_time does not add up",
		`rate(x[$window] offset 5m)`:                    "offset",
		`vector(1) + scalar(x)`:                         "",
		`x[$window]`:                                    "yields a matrix",
	} {
		if why == "" {
			continue
		}
		if got, err := perStep(text, ""); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %s, %v, want an error about %q", text, got, err, why)
		}
	}
}

// TestOwnSLORefused: the error names the file, the line and the cure.
func TestOwnSLORefused(t *testing.T) {
	p := testPolicy(t)
	p.SLOs = []*config.SLO{{Name: "x", AppService: "web", Bad: "sum(rate(x[$window])", Total: "sum(rate(x[$window]))"}}
	if _, err := Build(p); err == nil || !strings.Contains(err.Error(), "slos[0].bad: this is no PromQL") {
		t.Error(err)
	}
}

// TestOwnSLO: an objective over somebody else's counters is judged by the same rules, through a restart.
func TestOwnSLO(t *testing.T) {
	simulates(t)
	w := newWorld(t, scenario{"own", oneReceiver.carry(simTenant{name: "a", rate: 5, orders: true, failing: failing(.2, troubleAt, troubleTo)})}).onlyRequests()
	w.scenarios[0].exporters[0].off = []spell{{troubleTo, troubleTo + 40}}
	w.run(troubleTo + 15*minute)
	var got []string
	for _, f := range w.fired("own") {
		if f.labels.Get(metric.LabelSLO) == "checkout" {
			got = append(got, f.alert+"/"+f.priority+f.tier)
		}
	}
	if !slices.Equal(got, []string{"ThorbisSLOBurn/P1fast"}) {
		t.Errorf("told %v", w.fired("own"))
	}
	const now = troubleTo + 13*minute // the period is summed up every two minutes
	for series, want := range map[string]float64{
		metric.EventsIncrease[period].Name: 5 * (now - 40),
		metric.BadIncrease[period].Name:    15 * minute,
	} {
		if v, _ := w.value(now, series+`{slo="checkout"}`); math.Abs(v-want) > 5*60 {
			t.Errorf("%s is %.0f, want %.0f", series, v, want)
		}
	}
}
