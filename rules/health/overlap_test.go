package health_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/health"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// expressionOf returns the expression of a record on health.
func expressionOf(t *testing.T, r *metric.Record) string {
	t.Helper()
	groups, err := health.Subject.Groups(ruletest.Policy(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		for _, rule := range g.Rules {
			if rule.Record == r {
				return rule.Expr
			}
		}
	}
	t.Fatalf("nothing records %s", r.Name)
	return ""
}

// overlaps reports whether two of the outages have 30 s in common.
func overlaps(outages []spell) bool {
	for i, a := range outages {
		for _, b := range outages[:i] {
			if min(a.To(), b.To())-max(a.From(), b.From()) >= 30 {
				return true
			}
		}
	}
	return false
}

// TestOverlap compares the recorded overlap with all pairs of outages, drawn at up to three locations.
func TestOverlap(t *testing.T) {
	t.Parallel()
	random := testkit.Random(t)
	w := ruletest.EmptyWorld(t)
	app := w.Store.AppenderV2(context.Background())
	want, overlapping := map[string]bool{}, 0
	for n := range 3000 {
		check := fmt.Sprint("check-", n)
		var outages []spell
		for l := range 1 + random.IntN(3) {
			from := random.IntN(60)
			o := spell{from, from + 30 + random.IntN(40)}
			outages = append(outages, o)
			for r, at := range map[*metric.Record]int{
				metric.CheckLocationOutageStart: o.From(), metric.CheckLocationOutageEnd: o.To(),
			} {
				ls := labels.FromStrings(model.MetricNameLabel, r.Name,
					metric.LabelEnvironment, "test", metric.LabelAppService, "web", metric.LabelCheck, check,
					metric.LabelTenant, "", metric.LabelLocation, fmt.Sprint("location-", l))
				v := float64(ruletest.At(at).Unix())
				if _, err := app.Append(0, ls, 0, ruletest.Epoch.UnixMilli(), v, nil, nil, storage.AOptions{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if want[check] = overlaps(outages); want[check] {
			overlapping++
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	got := w.ValuesOf(0, "group by (check) ("+expressionOf(t, metric.CheckOutageOverlap)+")")
	for check, overlap := range want {
		if _, ok := got[fmt.Sprintf("{check=%q}", check)]; ok != overlap {
			t.Errorf("%s: recorded %t, want %t", check, ok, overlap)
		}
	}
	if overlapping < 300 || overlapping > 2700 {
		t.Errorf("%d of %d overlap: they prove little", overlapping, len(want))
	}
}
