package slo_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// seriesAt is the value of a user's series at a second of a story, NaN with absent for none.
type seriesAt struct {
	labels labels.Labels
	value  func(t int) float64
	// histogram is what a native histogram holds; value is not asked then.
	histogram func(t int) *histogram.FloatHistogram
	off       []spell // it is not scraped; it is stale from the first of each
}

func series(value func(t int) float64, ls ...string) seriesAt {
	return seriesAt{labels: labels.FromStrings(ls...), value: value}
}

// every is a counter that grows by n a second.
func every(n float64) func(int) float64 { return func(t int) float64 { return n * float64(t) } }

// ownWorld runs the rules of one objective of the policy's own over series of another program.
func ownWorld(t *testing.T, until int, s config.SLO, all ...seriesAt) *ruletest.World {
	t.Helper()
	p := ruletest.Policy(t)
	s.Name, s.AppService, s.Owner, s.Page, s.Objective = "own", "web", "sre", "P1", p.SLOs[0].Objective
	if s.Unit == "" {
		s.Unit = config.UnitEvents
	}
	p.SLOs = []*config.SLO{&s}
	p.Environment = "own"
	b, err := rules.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	w := ruletest.EmptyWorld(t, scenario{Name: "own"})
	w.Load(
		map[string][]byte{"slo.rules.yaml": b.Files()["slo.rules.yaml"], "policy.rules.yaml": b.Files()["policy.rules.yaml"]})
	for _, g := range w.Groups {
		if name := g.Name(); strings.HasPrefix(name, "thorbis-policy") || strings.HasPrefix(name, "thorbis-slo-own") ||
			name == "thorbis-slo-fast" || name == "thorbis-slo-crowds" {
			w.GroupsOnly = append(w.GroupsOnly, name)
		}
	}
	present := make([]bool, len(all))
	for now := 0; now <= until; now += 15 {
		app := w.Store.AppenderV2(context.Background())
		for i, s := range all {
			v, h := 0.0, (*histogram.FloatHistogram)(nil)
			switch here := !ruletest.Within(now, s.off); {
			case here && s.histogram != nil:
				h = s.histogram(now)
			case here:
				v = s.value(now)
			case present[i]:
				v = math.Float64frombits(value.StaleNaN)
			default:
				continue
			}
			present[i] = !ruletest.Within(now, s.off)
			if _, err := app.Append(0, s.labels, 0, ruletest.At(now).UnixMilli(), v, nil, h, storage.AOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
		w.Evaluate(now)
	}
	return w
}

// expectCounts checks what an objective counted until the given second.
func expectCounts(t *testing.T, w *ruletest.World, now int, events, bad float64) {
	t.Helper()
	for name, want := range map[string]float64{metric.EventsTotals.Total.Name: events, metric.BadTotals.Total.Name: bad} {
		if got, ok := w.Value(now, name+`{slo="own"}`); !ok || math.Abs(got-want) > .02*events+1e-6 {
			t.Errorf("%s is %v (there: %t), want %v", name, got, ok, want)
		}
	}
}

// TestOwnCredit checks that a negative difference is no credit for later failures, and that it is reported.
func TestOwnCredit(t *testing.T) {
	const trouble, end = 30 * minute, 45 * minute
	// Good events are counted twice until the problem begins. Then every second request fails.
	w := ownWorld(t, end, config.SLO{
		Total: `sum(rate(requests_total[$window]))`,
		Bad:   `sum(rate(requests_total[$window])) - sum(rate(good_total[$window]))`,
	},
		series(every(10), "__name__", "requests_total"),
		series(func(t int) float64 { return 20*float64(min(t, trouble)) + 5*float64(max(t-trouble, 0)) }, "__name__",
			"good_total"))
	expectCounts(t, w, trouble-30, 10*(trouble-30), 0)
	expectCounts(t, w, end, 10*end, 5*(end-trouble))
	burns := w.Fired("own", metric.SLOBurnAlert.Name)
	if len(burns) == 0 || burns[0].Priority != "P1" || burns[0].From > trouble+3*minute {
		t.Errorf("fired %v, want a P1 within three minutes of %d", burns, trouble)
	}
	if v, _ := w.Value(
		trouble-30, `app_service:thorbis_slo_corrected:step{slo="own",reason="bad_negative"}`,
	); math.Abs(v-300) > 1 {
		t.Errorf("%v negative in a step, want 300", v)
	}
	if f := w.Fired("own", "ThorbisObjectiveImplausible"); len(f) != 1 || f[0].From > trouble || f[0].Priority != "P3" {
		t.Errorf("implausible: %v", f)
	}
}

// TestOwnBounds checks that each step of bad events is at least none and at most all, whatever the values of the
// series.
func TestOwnBounds(t *testing.T) {
	ruletest.Simulates(t)
	const end = 20 * minute
	odd := func(v float64) func(int) float64 {
		return func(t int) float64 {
			if t >= 10*minute && t < 11*minute {
				return v
			}
			return float64(t)
		}
	}
	for name, c := range map[string]struct {
		total, bad, reason string
		events, badEvents  float64
		total1, bad1       func(int) float64
	}{
		"more bad than all": {
			reason: "bad_above_total", events: 10 * end, badEvents: 10 * end, total1: every(10), bad1: every(30),
		},
		"a total below zero": {
			total: `0 - sum(rate(all_total[$window]))`, reason: "total_negative", events: 0, badEvents: 0, total1: every(10),
			bad1: every(0),
		},
		"NaN in bad":        {events: 10 * end, badEvents: end, total1: every(10), bad1: odd(math.NaN())},
		"infinity in bad":   {events: 10 * end, badEvents: end, total1: every(10), bad1: odd(math.Inf(1))},
		"NaN in total":      {events: end, badEvents: 0, total1: odd(math.NaN()), bad1: every(0)},
		"infinity in total": {events: end, badEvents: 0, total1: odd(math.Inf(1)), bad1: every(0)},
		"the counter resets": {
			events: end, badEvents: 0, total1: func(t int) float64 { return float64(t % (10 * minute)) }, bad1: every(0),
		},
		"nothing is good yet": {
			bad: `sum(rate(all_total[$window])) - sum(rate(good_total[$window]))`, events: end, badEvents: end, total1: every(1),
			bad1: every(0),
		},
		"nothing is good, one": {
			bad: `rate(all_total[$window]) - rate(good_total[$window])`, events: end, badEvents: end, total1: every(1),
			bad1: every(0),
		},
		"nothing from another": {
			total: `sum(rate(all_total[$window])) + sum(rate(other_total[$window]))`, events: end, badEvents: 0,
			total1: every(1), bad1: every(0),
		},
		"another alone": {
			total: `sum(rate(other_total[$window])) + sum(rate(all_total[$window]))`, events: end, badEvents: 0,
			total1: every(1), bad1: every(0),
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.total == "" {
				c.total = `sum(rate(all_total[$window]))`
			}
			if c.bad == "" {
				c.bad = `sum(rate(failed_total[$window]))`
			}
			w := ownWorld(t, end, config.SLO{Total: c.total, Bad: c.bad},
				series(c.total1, "__name__", "all_total"), series(c.bad1, "__name__", "failed_total"))
			// What is no number, or came after it, is lost: a minute and a half at most.
			got, _ := w.Value(end, metric.EventsTotals.Total.Name+`{slo="own"}`)
			bad, _ := w.Value(end, metric.BadTotals.Total.Name+`{slo="own"}`)
			if !(math.Abs(got-c.events) <= c.events*.15 && math.Abs(bad-c.badEvents) <= c.badEvents*.15) {
				t.Errorf("%v events, %v bad; want %v and %v", got, bad, c.events, c.badEvents)
			}
			if c.reason == "" {
				return
			}
			if v, _ := w.Value(end, `app_service:thorbis_slo_corrected:step{slo="own",reason="`+c.reason+`"}`); v <= 0 {
				t.Errorf("nothing is reported as %s", c.reason)
			}
		})
	}
}

// native is a native histogram with n observations a second, of which a share is below 1.
func native(n, fast float64) func(int) *histogram.FloatHistogram {
	return func(t int) *histogram.FloatHistogram {
		count := n * float64(t)
		return &histogram.FloatHistogram{
			Schema: 0, ZeroThreshold: 1e-9, Count: count, Sum: 2 * count,
			PositiveSpans:   []histogram.Span{{Offset: 0, Length: 2}},
			PositiveBuckets: []float64{count * fast, count * (1 - fast)},
		}
	}
}

// TestOwnNativeHistogram checks that the functions of native histograms count.
func TestOwnNativeHistogram(t *testing.T) {
	ruletest.Simulates(t)
	const end = 20 * minute
	for name, c := range map[string]struct {
		total, bad        string
		events, badEvents float64
	}{
		"count": {
			total: `histogram_count(sum(rate(seconds[$window])))`, bad: `0 * sum(rate(x_total[$window]))`, events: 10 * end,
		},
		"count of each": {
			total: `sum(histogram_count(rate(seconds[$window])))`, bad: `0 * sum(rate(x_total[$window]))`, events: 10 * end,
		},
		"sum": {
			total: `histogram_sum(sum by (job) (increase(seconds[$window])))`, bad: `0 * sum(rate(x_total[$window]))`,
			events: 20 * end,
		},
		"fraction and count": {
			total:  `histogram_count(sum(rate(seconds[$window])))`,
			bad:    `(1 - histogram_fraction(0, 1, sum(rate(seconds[$window])))) * histogram_count(sum(rate(seconds[$window])))`,
			events: 10 * end, badEvents: 2.5 * end,
		},
		"their difference": {
			total: `histogram_count(sum(rate(seconds[$window])))`,
			bad: `histogram_count(sum(rate(seconds[$window]))) - histogram_fraction(0, 1, ` +
				`sum(rate(seconds[$window]))) * histogram_count(sum(rate(seconds[$window])))`,
			events: 10 * end, badEvents: 2.5 * end,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := seriesAt{labels: labels.FromStrings("__name__", "seconds", "job", "a"), histogram: native(8, .75)}
			other := seriesAt{labels: labels.FromStrings("__name__", "seconds", "job", "b"), histogram: native(2, .75)}
			w := ownWorld(t, end, config.SLO{Total: c.total, Bad: c.bad}, h, other, series(every(1), "__name__", "x_total"))
			expectCounts(t, w, end, c.events, c.badEvents)
			if f := w.Fired("own", "ThorbisObjectiveUnmeasured"); len(f) != 0 {
				t.Errorf("fired %v", f)
			}
		})
	}
}

// TestOwnUnmeasured checks that an objective that counts nothing is reported, and that one with nothing to count is
// not.
func TestOwnUnmeasured(t *testing.T) {
	ruletest.Simulates(t)
	const end = 40 * minute
	ok := series(every(1), "__name__", "all_total", "job", "shop", "result", "done")
	bad := series(every(.0001), "__name__", "failed_total", "job", "shop")
	for name, c := range map[string]struct {
		total, bad string
		series     []seriesAt
		want       string
	}{
		"good":           {series: []seriesAt{ok, bad}},
		"misspelt total": {total: `sum(rate(al_total[$window]))`, series: []seriesAt{ok, bad}, want: "total"},
		"misspelt bad":   {bad: `sum(rate(faild_total[$window]))`, series: []seriesAt{ok, bad}, want: "bad"},
		"misspelt label of bad": {
			bad: `sum(rate(all_total{reslt="failed"}[$window]))`, series: []seriesAt{ok, bad}, want: "bad",
		},
		"no failure so far":      {bad: `sum(rate(all_total{result=~"failed|lost"}[$window]))`, series: []seriesAt{ok, bad}},
		"it says that it may be": {bad: `sum(rate(faild_total[$window])) or vector(0)`, series: []seriesAt{ok, bad}},
		"old name or new": {
			bad: `sum(rate(faild_total[$window])) or sum(rate(failed_total[$window]))`, series: []seriesAt{ok, bad},
		},
		"one of two": {
			bad: `sum(rate(faild_total[$window])) + sum(rate(failed_total[$window]))`, series: []seriesAt{ok, bad}, want: "bad",
		},
		"a native histogram": {
			total:  `sum(rate(seconds[$window]))`,
			series: []seriesAt{{labels: labels.FromStrings("__name__", "seconds"), histogram: native(8, .75)}, bad},
			want:   "total",
		},
		"a histogram that is bad": {
			bad:    `sum(rate(seconds[$window]))`,
			series: []seriesAt{ok, {labels: labels.FromStrings("__name__", "seconds"), histogram: native(8, .75)}}, want: "bad",
		},
		"bad is no number": {
			series: []seriesAt{ok, series(func(int) float64 { return math.NaN() }, "__name__", "failed_total")}, want: "bad",
		},
		"quiet for ten minutes": {series: []seriesAt{
			{labels: ok.labels, value: ok.value, off: []spell{{15 * minute, 25 * minute}}},
			{labels: bad.labels, value: bad.value, off: []spell{{15 * minute, 25 * minute}}},
		}},
		"two, one of them away": {series: []seriesAt{
			ok, bad, {
				labels: labels.FromStrings("__name__", "all_total", "job", "other", "result", "done"), value: every(1),
				off: []spell{{10 * minute, end}},
			},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.total == "" {
				c.total = `sum(rate(all_total[$window]))`
			}
			if c.bad == "" {
				c.bad = `sum(rate(failed_total[$window]))`
			}
			w := ownWorld(t, end, config.SLO{Total: c.total, Bad: c.bad}, c.series...)
			fired := w.Fired("own", "ThorbisObjectiveUnmeasured")
			if c.want == "" {
				if len(fired) != 0 {
					t.Errorf("fired %v", fired)
				}
				return
			}
			if len(fired) != 1 || fired[0].Priority != "P3" || fired[0].Labels.Get(metric.LabelReason) != c.want {
				t.Errorf("fired %v, want one at P3 about %s", fired, c.want)
			}
		})
	}
}
