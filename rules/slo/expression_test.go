package slo

import (
	"strings"
	"testing"
)

func TestPerStep(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{
			`sum(rate(x_total[$window]))`,
			`sum(label_replace(copy:thorbis_slo_counter:step{thorbis_copy="web/o/0"}, "thorbis_copy", "", "", ""))`,
		},
		{
			`sum by (a) (increase(x_total{code=~"5.."}[$window])) / 2 # half`,
			`sum by (a) (label_replace(copy:thorbis_slo_counter:step{thorbis_copy="web/o/0"}, "thorbis_copy", "", "", "")) / 2`,
		},
		{
			`sum(rate(a_total[$window])) - sum(rate(b_total[$window]))`,
			`(sum without (side) (label_replace(sum(label_replace(copy:thorbis_slo_counter:step{thorbis_copy="web/o/0"}, ` +
				`"thorbis_copy", "", "", "")), "side", "left", "", "") or label_replace(-1 * ` +
				`(sum(label_replace(copy:thorbis_slo_counter:step{thorbis_copy="web/o/1"}, "thorbis_copy", "", "", ""))), ` +
				`"side", "right", "", "")))`,
		},
		{
			`sum(rate(a_total[$window])) - sum(rate(a_total[$window]))`, // one copy
			`(sum without (side) (label_replace(sum(label_replace(copy:thorbis_slo_counter:step{thorbis_copy="web/o/0"}, ` +
				`"thorbis_copy", "", "", "")), "side", "left", "", "") or label_replace(-1 * ` +
				`(sum(label_replace(copy:thorbis_slo_counter:step{thorbis_copy="web/o/0"}, "thorbis_copy", "", "", ""))), ` +
				`"side", "right", "", "")))`,
		},
		{
			`histogram_count(sum(rate(h[$window])))`,
			`(sum(label_replace(clamp_min(histogram_count(copy:thorbis_slo_counter:seen{thorbis_copy="web/o/0"}) - ` +
				`histogram_count(last_over_time(copy:thorbis_slo_counter:seen{thorbis_copy="web/o/0"}[2h] offset 1ms)), 0), ` +
				`"thorbis_copy", "", "", "")))`,
		},
		{
			`sum_over_time((sum(rate(a[1m])) / sum(rate(b[1m])) > bool 0.1)[$window:15s])`,
			`sum_over_time((sum(rate(a[1m])) / sum(rate(b[1m])) > bool 0.1)[30s:15s])`,
		},
		{
			`count_over_time(up[$window])`,
			`count_over_time(up[30s])`,
		},
		{
			`15 * sum_over_time((max(rate(x[1m])) > bool 5)[$window:15s])`,
			`15 * sum_over_time((max(rate(x[1m])) > bool 5)[30s:15s])`,
		},
	} {
		got, err := perStep(c.text, "", &ownCopies{objective: "web/o"})
		if err != nil || strings.Join(strings.Fields(got), " ") != c.want {
			t.Errorf("%s\n got %s, %v\nwant %s", c.text, got, err, c.want)
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
		if got, err := perStep(text, "", &ownCopies{}); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %s, %v, want an error about %q", text, got, err, why)
		}
	}
}
