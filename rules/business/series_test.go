package business_test

import (
	"context"
	"math"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	promstorage "github.com/prometheus/prometheus/storage"

	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

const seriesPolicy = `version: 1
environment: production
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}]
business:
  transactions:
    - name: signups
      app_service: web
      total: sum(increase(signups_total[$window]))
      value: sum(increase(signup_value_total[$window]))
`

// TestTransactionsOfSeries counts transactions of series that exist through an outage of half an hour: twelve a minute
// of 10 EUR each, of which two weeks are recorded. Its revenue is the same whatever the pace of evaluation.
func TestTransactionsOfSeries(t *testing.T) {
	ruletest.Simulates(t)
	const (
		begins, outage, mended, ends = 30, 90, 120, 150 // minutes
		perMinute, each              = 12.0, 10.0
	)
	b, err := rules.Build(policytest.Load(t, t.TempDir(), seriesPolicy))
	if err != nil {
		t.Fatal(err)
	}
	for _, pace := range []int{30, 120} { // seconds
		w := ruletest.EmptyWorld(t)
		w.Load(map[string][]byte{"business.rules.yaml": b.Files()["business.rules.yaml"]})
		app := w.Store.AppenderV2(context.Background())
		add := func(at int, v float64, name string, pairs ...string) {
			t.Helper()
			l := labels.FromStrings(append([]string{"__name__", name}, pairs...)...)
			if _, err := app.Append(0, l, 0, ruletest.At(at).UnixMilli(), v, nil, nil, promstorage.AOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		const week = 7 * 24 * 3600
		for at := 0; at <= (ends+30)*60; at += 60 { // what was recorded one and two weeks ago
			for _, ago := range []int{2 * week, week} {
				add(at-ago, perMinute/60, metric.TransactionRate.Name, "environment", "production", "transaction", "signups",
					"app_service", "web")
			}
		}
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
		sold := 0.0
		for at := 0; at <= ends*60; at += 15 {
			app = w.Store.AppenderV2(context.Background())
			if m := at / 60; m < outage || m >= mended {
				sold += perMinute / 4
			}
			add(at, sold, "signups_total", "job", "app")
			add(at, sold*each, "signup_value_total", "job", "app")
			if m := at / 60; m >= outage+3 && m < mended+8 {
				add(at, 1, metric.IncidentOpen.Name, "environment", "production", "incident", "f00d", "alert",
					"ThorbisCheckDown", "app_service", "web", "priority", "P1")
			}
			if err := app.Commit(); err != nil {
				t.Fatal(err)
			}
			if at >= begins*60 && at%pace == 0 {
				w.Evaluate(at)
			}
		}
		const before, after = (outage - 1) * 60, (mended + 6) * 60
		for _, tc := range []struct {
			at        int
			query     string
			want, off float64
		}{
			{before, metric.TransactionRate.Name, perMinute / 60, .001},
			{before, metric.TransactionUsualRate.Name, perMinute / 60, 1e-9},
			{before, metric.TransactionMeanValue.Name, each, 1e-6},
			{before, metric.TransactionShare.Name, 1, .01},
			{mended * 60, metric.TransactionShare.Name, 0, .01},
			{after, metric.ServiceImpact.Select(`currency="EUR"`), perMinute * each * (mended - outage), 60},
		} {
			if got, ok := w.Value(tc.at, tc.query); !ok || math.Abs(got-tc.want) > tc.off {
				t.Errorf("every %d s: %s at %d s is %v (%t), want %v", pace, tc.query, tc.at, got, ok, tc.want)
			}
		}
	}
}
