package rules

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

func TestPerStep(t *testing.T) {
	for text, want := range map[string]string{
		`sum(rate(x_total[$window]))`:                                                  `sum(clamp_min(x_total - last_over_time(x_total[15m] offset 30s), 0))`,
		`sum by (a) (increase(x_total{code=~"5.."}[$window])) / 2 # half`:              `sum by (a) (clamp_min(x_total{code=~"5.."} - last_over_time(x_total{code=~"5.."}[15m] offset 30s), 0)) / 2`,
		`sum(rate(a_total[$window])) - sum(rate(b_total[$window]))`:                    `(sum without (side) (label_replace(sum(clamp_min(a_total - last_over_time(a_total[15m] offset 30s), 0)), "side", "left", "", "") or label_replace(-1 * (sum(clamp_min(b_total - last_over_time(b_total[15m] offset 30s), 0))), "side", "right", "", "")))`,
		`histogram_count(sum(rate(h[$window])))`:                                       `(sum(clamp_min(histogram_count(h) - histogram_count(last_over_time(h[15m] offset 30s)), 0)))`,
		`sum_over_time((sum(rate(a[1m])) / sum(rate(b[1m])) > bool 0.1)[$window:15s])`: `sum_over_time((sum(rate(a[1m])) / sum(rate(b[1m])) > bool 0.1)[30s:15s])`,
		`count_over_time(up[$window])`:                                                 `count_over_time(up[30s])`,
		`15 * sum_over_time((max(rate(x[1m])) > bool 5)[$window:15s])`:                 `15 * sum_over_time((max(rate(x[1m])) > bool 5)[30s:15s])`,
	} {
		got, err := perStep(text, "")
		if err != nil || strings.Join(strings.Fields(got), " ") != want {
			t.Errorf("%s\n got %s, %v\nwant %s", text, got, err, want)
		}
	}
	for text, why := range map[string]string{
		`sum(rate(x_total[$window])`:                              "invalid PromQL",
		`rate(x_total[5m])`:                                       "[$window]",
		`sum(rate(a[$window])) / sum(rate(b[$window]))`:           "a ratio does not add up",
		`max(rate(x[$window]))`:                                   "max does not add up",
		`irate(x[$window])`:                                       "irate does not add up",
		`avg_over_time(x[$window])`:                               "avg_over_time does not add up",
		`rate(x[$window] offset 5m)`:                              "offset",
		`vector(1) + scalar(x)`:                                   "counts nothing over $window",
		`scalar(sum(rate(x[$window])))`:                           "yields a scalar",
		`5`:                                                       "yields a scalar",
		`rate(x[$window]) * rate(y[$window])`:                     "a product",
		`1 / rate(x[$window])`:                                    "divided by a rate",
		`rate(x[$window]) ^ 2`:                                    "^ does not add up",
		`histogram_fraction(0, 1, rate(x[$window]))`:              "multiply it by histogram_count",
		`histogram_avg(rate(x[$window]))`:                         "histogram_avg does not add up",
		`histogram_quantile(0.9, sum by (le) (rate(x[$window])))`: "histogram_quantile does not add up",
		`sum_over_time(x[$window:15s] offset 5m)`:                 "offset",
		`x[$window]`:                                              "yields a matrix",
	} {
		if got, err := perStep(text, ""); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %s, %v, want an error about %q", text, got, err, why)
		}
	}
}

// TestOwnSLORefused checks that the error names the file, the line and the cure.
func TestOwnSLORefused(t *testing.T) {
	p := testPolicy(t)
	p.SLOs = []*config.SLO{{Name: "x", AppService: "web", Bad: "sum(rate(x[$window])", Total: "sum(rate(x[$window]))"}}
	if _, err := Build(p); err == nil || !strings.Contains(err.Error(), "slos[0].bad: invalid PromQL") {
		t.Error(err)
	}
}

// TestOwnSLO checks that an objective over another program's counters is judged by the same rules, through a restart.
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

// TestOwnSLOErrors checks that each fault in an expression is reported with the policy's file and line.
func TestOwnSLOErrors(t *testing.T) {
	for bad, want := range map[string]string{
		`sum(rate(x[$window])`:                          "p.yaml:9: slos[0].bad: invalid PromQL",
		`sum(rate(x[$window])) / sum(rate(y[$window]))`: "p.yaml:9: slos[0].bad: a ratio",
		`scalar(sum(rate(x[$window])))`:                 "p.yaml:9: slos[0].bad: this yields a scalar",
		`sum(rate(x[$window])) # a comment`:             "",
	} {
		file := filepath.Join(t.TempDir(), "p.yaml")
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
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := config.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Build(p); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", bad, err, want)
		}
	}
}
