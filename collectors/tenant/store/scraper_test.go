package store

import (
	"testing"
	"time"
)

func TestNewSeriesAreSeenAtZeroByEveryPrometheus(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6}})
	d.scrape("a")
	d.scrape("b")
	d.count("acme", 5)
	for _, id := range []string{"a", "b"} {
		if got := d.scrape(id)["acme"]; got != 0 {
			t.Errorf("%s saw %d first", id, got)
		}
	}
	if got := d.scrape("a")["acme"]; got != 5 {
		t.Errorf("then %d, want 5", got)
	}
	// A Prometheus that went away is not waited for.
	d.count("late", 3)
	d.scrape("a")
	if got := d.scrape("a")["late"]; got != 0 {
		t.Errorf("shown to b for the first time with %d", got)
	}
	d.clock.add(scraperMemory + time.Second)
	d.scrape("a")
	if got := d.scrape("a")["late"]; got != 3 {
		t.Errorf("still waiting for b: %d", got)
	}
}

// After a restart, the first Prometheus that scrapes does not release what the others have not seen. One that never
// returns is waited for as long as without the restart, however many there are.
func TestRestartWaitsForEveryPrometheus(t *testing.T) {
	path := t.TempDir()
	config := Config{Limit: 10, Thresholds: []uint64{300e6}}
	d := newTestStore(t, path, config)
	d.scrape("a")
	d.scrape("b")
	d.count("acme", 5)
	restart := func(compact bool) {
		if compact {
			d.compactNow()
		}
		now := d.clock.now()
		d.close()
		d = newTestStore(t, path, config)
		d.clock.t = now
	}
	restart(false)
	for range 3 {
		if got := d.scrape("a")["acme"]; got != 0 {
			t.Fatalf("b has not come back, and a saw %d", got)
		}
	}
	restart(true)
	for _, id := range []string{"a", "b"} {
		if got := d.scrape(id)["acme"]; got != 0 {
			t.Errorf("%s saw %d first", id, got)
		}
	}
	for _, id := range []string{"a", "b"} {
		if got := d.scrape(id)["acme"]; got != 5 {
			t.Errorf("then %s saw %d, want 5", id, got)
		}
	}
	d.count("late", 3)
	for waited := time.Duration(0); waited <= scraperMemory+scrapersSaved; waited += time.Minute {
		d.clock.add(time.Minute)
		restart(false)
		d.scrape("a")
	}
	if got := d.scrape("a")["late"]; got != 3 {
		t.Errorf("still waiting for b: %d", got)
	}
}
