package rules_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// shardTenants are tenants in every kind of trouble. Whatever happens to one in a second is a whole number of requests,
// so that sums over them are exact.
func shardTenants() []simTenant {
	all := ruletest.Tenants(24, "standard", 10, func(i int, t *simTenant) {
		t.Failing = ruletest.Failing(.1, 40*minute, 46*minute) // the platform
		switch i {
		case 1: // the noisy one
			t.Failing = ruletest.Failing(.5, 12*minute, 24*minute)
		case 2:
			t.Slow = ruletest.Failing(.8, 14*minute, 30*minute)
		case 3:
			t.Late = ruletest.Failing(.2, 10*minute, 30*minute)
		case 4:
			t.Silent = []spell{{20 * minute, 25 * minute}}
		case 5:
			t.Left = 35 * minute
		case 6, 7, 8, 9, 10, 11, 12, 13:
			t.Tier = "enterprise"
			t.Failing = append(t.Failing, ruletest.Failing(.2, 60*minute, 66*minute)...) // the tier
		}
	})
	return append(all, ruletest.UnknownHosts(2, nil))
}

// sharded are the exporters of so many shards. Each knows every tenant and counts those whose partition is of its
// shard, from reshard on by twice as many shards.
func sharded(shards, reshard int) []*simExporter {
	of := shards
	if reshard > 0 {
		of *= 2
	}
	var all []*simExporter
	for n := range of {
		e := &simExporter{Job: "thorbis", Instance: fmt.Sprint("shard-", n), Location: "fra", Interval: 30, Scrape: 3}
		if n >= shards {
			// Its series are shown at 0 until they are scraped, before it counts.
			e.Off, e.CountsSince = []spell{{0, reshard - 30}}, reshard
		}
		for i, t := range shardTenants() {
			t.Service = "web"
			switch before, after := i%shards == n, i%of == n; {
			case before && !after:
				t.Silent = append(t.Silent, spell{reshard, 1 << 30})
			case !before && after:
				t.Silent = append(t.Silent, spell{0, reshard})
			case !before:
				t.Rate = 0
			}
			e.Traffic = append(e.Traffic, &t)
		}
		all = append(all, e)
	}
	return all
}

// perExporter are the records that have series for each exporter, from which the others sum them up.
var perExporter = []string{
	"app_service_tenant:thorbis_requests:hourly",
	"app_service_tier:thorbis_late_requests:scraped", "app_service_tier:thorbis_late_requests:seen",
	"app_service_tier:thorbis_requests:scraped", "app_service_tier:thorbis_requests:seen",
	"app_service_tier:thorbis_slo_bad:scraped", "app_service_tier:thorbis_slo_bad:seen",
	"app_service_tier:thorbis_slo_late_bad:scraped", "app_service_tier:thorbis_slo_late_bad:seen",
	"instance:thorbis_exporter:last_seen", "instance_tenant:thorbis_tenant:seen",
}

// extrapolated are the records of rate(), which extrapolates each series by itself: sums of more series differ a
// little.
var extrapolated = []string{
	"app_service_tenant:thorbis_requests:rate5m", "app_service:thorbis_requests:rate5m",
	"app_service:thorbis_requests_by_class:rate5m", "app_service:thorbis_unknown_hosts:ratio",
}

// TestShardsAddUp checks that every rule that requests reach gives the same at each evaluation, whether one exporter
// counts them, four do, or four do that become eight.
func TestShardsAddUp(t *testing.T) {
	ruletest.Simulates(t)
	const until = 80 * minute
	worlds := []scenario{
		{Name: "nothing"}, // the first one has constants of the bundle that the others have not
		{Name: "one", Exporters: sharded(1, 0)},
		{Name: "four", Exporters: sharded(4, 0)},
		{Name: "eight", Exporters: sharded(4, 43*minute)},
	}
	w := ruletest.NewWorld(t, worlds...)
	w.Run(until)
	recorded := map[string]map[string]series{}
	apart := map[string]bool{}
	for _, s := range worlds[1:] {
		recorded[s.Name] = recordedOf(t, w, s.Name, until, apart)
	}
	one := recorded["one"]
	fired := func(name string) (all []string) {
		for _, f := range w.Fired(name) {
			all = append(all, f.String())
		}
		return all
	}
	for _, alert := range []*metric.Alert{metric.SLOBurnAlert, metric.TenantBurnAlert} {
		if len(w.Fired("one", alert.Name)) == 0 {
			t.Errorf("%s has not fired", alert.Name)
		}
	}
	names := map[string]bool{}
	for _, name := range []string{"four", "eight"} {
		if got, want := fired(name), fired("one"); !slices.Equal(got, want) {
			t.Errorf("%s: fired %v, want %v", name, got, want)
		}
		differ := map[string]bool{}
		for key, want := range one {
			names[want.name] = true
			if problem := want.differs(recorded[name][key]); problem != "" && !differ[want.name] {
				differ[want.name] = true
				t.Errorf("%s: %s: %s", name, key, problem)
			}
		}
		for key, got := range recorded[name] {
			if _, ok := one[key]; !ok && !differ[got.name] {
				differ[got.name] = true
				t.Errorf("%s: %s is there, and not of one exporter", name, key)
			}
		}
	}
	if got := slices.Sorted(maps.Keys(apart)); !slices.Equal(got, perExporter) {
		t.Errorf("records with series for each exporter: %v, want %v", got, perExporter)
	}
	t.Logf("%d records and alerts, %d series", len(names), len(one))
}

// series is what was recorded of one series by time.
type series struct {
	name   string
	values map[int64]float64
}

func (s series) differs(o series) string {
	for at, want := range s.values {
		got, ok := o.values[at]
		if !ok {
			return fmt.Sprintf("nothing at %d s, want %v", second(at), want)
		}
		tolerance := 1e-9
		if slices.Contains(extrapolated, s.name) {
			tolerance = .05
		}
		if math.Abs(got-want) > tolerance*math.Abs(want) {
			return fmt.Sprintf("%v at %d s, want %v", got, second(at), want)
		}
	}
	for at := range o.values {
		if _, ok := s.values[at]; !ok {
			return fmt.Sprintf("%v at %d s, want nothing", o.values[at], second(at))
		}
	}
	return ""
}

func second(millis int64) int64 { return (millis - timestamp.FromTime(ruletest.Epoch)) / 1000 }

// recordedOf reads what rules have recorded in a world by labels without the world's name, and the names of the records
// that have series for each exporter.
func recordedOf(t *testing.T, w *ruletest.World, name string, until int, apart map[string]bool) map[string]series {
	t.Helper()
	q, err := w.Store.Querier(timestamp.FromTime(ruletest.Epoch), timestamp.FromTime(ruletest.At(until)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = q.Close() }()
	all := map[string]series{}
	set := q.Select(t.Context(), false, nil,
		labels.MustNewMatcher(labels.MatchEqual, metric.LabelEnvironment, name))
	for set.Next() {
		ls := set.At().Labels()
		record := ls.Get(model.MetricNameLabel)
		if !strings.Contains(record, ":") && record != "ALERTS" {
			continue
		}
		if ls.Has(metric.LabelStore) || ls.Has("instance") {
			apart[record] = true
			continue
		}
		one := series{record, map[int64]float64{}}
		for it := set.At().Iterator(nil); it.Next() == chunkenc.ValFloat; {
			if at, v := it.At(); !value.IsStaleNaN(v) {
				one.values[at] = v
			}
		}
		all[labels.NewBuilder(ls).Del(metric.LabelEnvironment).Labels().String()] = one
	}
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
