package store

import (
	"errors"
	"slices"
	"testing"
)

// slow is what a scrape shows of slow requests of a tenant.
func (d *testStore) slow(tenant string) (all []uint64) {
	_ = d.View().Each(func(s *Series) {
		if s.Tenant == tenant {
			all = slices.Clone(s.Slow)
		}
	}, func() error { return nil })
	return all
}

func (d *testStore) late(slot uint32, thresholds ...uint64) {
	c := accumulatorOf(slot, 1, 2e9)
	for i := range thresholds {
		c.Slow[i] = 1
	}
	_ = d.save(
		Encode(&Batch{Source: d.web.Source, Epoch: d.Epoch(), Thresholds: thresholds, Accumulators: []*Accumulator{c}}))
}

// A threshold that a reload adds is seen at 0 by every Prometheus before it counts: who meets it at 5 has lost five.
func TestNewThresholdsAreSeenAtZeroByEveryPrometheus(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{3e8}})
	slot := must(d.Admit(d.web.Service, "acme"))
	d.scrape("a")
	d.scrape("b")
	d.late(slot, 3e8)
	if got := d.slow("acme"); !slices.Equal(got, []uint64{0}) {
		t.Fatalf("the tenant's own first scrape: %v", got)
	}
	d.scrape("a")
	d.scrape("b")
	c := Config{Limit: 10, Thresholds: []uint64{1e9, 3e8}, Sources: []SourceConfig{{Name: "access", Service: "web"}}}
	d.Configure(c)
	_ = d.save()
	d.late(slot, 1e9, 3e8)
	for _, id := range []string{"a", "b"} {
		if got := d.slow("acme"); !slices.Equal(got, []uint64{0, 2}) {
			t.Errorf("before %s saw it: %v", id, got)
		}
		d.scrape(id)
	}
	d.Configure(c) // the same again holds nothing
	_ = d.save()
	if got := d.slow("acme"); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("then %v", got)
	}
}

// A restart neither shows what was held nor holds what was shown.
func TestRestartKeepsWhichThresholdsAreHeld(t *testing.T) {
	path := t.TempDir()
	c := Config{Limit: 10, Thresholds: []uint64{3e8}}
	d := newTestStore(t, path, c)
	slot := must(d.Admit(d.web.Service, "acme"))
	_ = d.save()
	d.scrape("a")
	c.Thresholds = []uint64{3e8, 1e9}
	for _, saved := range []bool{false, true} {
		if saved {
			d.compactNow()
		} else {
			c.Sources = []SourceConfig{{Name: "access", Service: "web"}}
			d.Configure(c)
			d.late(slot, 3e8, 1e9)
		}
		d.close()
		d = newTestStore(t, path, c)
		if got := d.slow("acme"); !slices.Equal(got, []uint64{1, 0}) {
			t.Errorf("snapshot %v: %v", saved, got)
		}
	}
}

// A scrape during which the thresholds change has no answer: it could only show counts under other thresholds'
// names, or a step back to 0.
func TestThresholdsThatChangeDuringAScrapeEndIt(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{3e8}})
	v := d.View()
	d.Configure(Config{Limit: 10, Thresholds: []uint64{1e9}, Sources: []SourceConfig{{Name: "access", Service: "web"}}})
	_ = d.save()
	if err := v.Each(func(*Series) {}, func() error { return nil }); !errors.Is(err, errThresholds) {
		t.Errorf("error %v", err)
	}
	if err := d.View().Each(func(*Series) {}, func() error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestThresholdsThatStayKeepTheirCounts(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6, 1e9}})
	d.scrape("a")
	slot, _ := d.Admit(d.web.Service, "acme")
	c := accumulatorOf(slot, 7, 2e9)
	c.Slow[1] = 3
	_ = d.save(Encode(
		&Batch{Source: d.web.Source, Epoch: d.Epoch(), Thresholds: []uint64{300e6, 1e9}, Accumulators: []*Accumulator{c}}))
	d.Configure(
		Config{Limit: 10, Thresholds: []uint64{1e9, 5e9}, Sources: []SourceConfig{{Name: "access", Service: "web"}}})
	// Counted by the old thresholds, saved after the new ones came into force.
	_ = d.save(Encode(
		&Batch{Source: d.web.Source, Epoch: d.Epoch(), Thresholds: []uint64{300e6, 1e9}, Accumulators: []*Accumulator{c}}))
	d.scrape("a")
	_ = d.View().Each(func(s *Series) {
		if s.Tenant == "acme" && !slices.Equal(s.Slow, []uint64{6, 0}) {
			t.Errorf("slow %v", s.Slow)
		}
	}, func() error { return nil })
}
