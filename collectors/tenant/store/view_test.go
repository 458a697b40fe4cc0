package store

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

// A tenant that left the registry and comes back while a scrape is under way: no part of its series may step back.
func TestReturnDuringAScrapeIsNoReset(t *testing.T) {
	acme := Config{
		Limit: 10, Thresholds: []uint64{300e6}, Sources: []SourceConfig{{Name: "access", Service: "web"}},
		Registered: map[string]string{"acme": "", "globex": ""},
	}
	globex := acme
	globex.Registered = map[string]string{"globex": ""}
	d := newTestStore(t, t.TempDir(), acme)
	d.scrape("a")
	d.count("acme", 7)
	d.scrape("a")

	observed := func(v *View) (requests, durations uint64) {
		_ = v.Each(func(s *Series) {
			if s.Tenant != "acme" {
				return
			}
			requests = s.Requests[1]
			for _, n := range s.Classic {
				durations += n
			}
		}, func() error { return nil })
		return requests, durations
	}
	for _, step := range []struct {
		what string
		do   func()
	}{
		{"counted", func() {}},
		{"left", func() { d.Configure(globex); d.commit(nil) }},
		{"back", func() { d.Configure(acme); d.commit(nil) }},
		{"left again, and back", func() { d.Configure(globex); d.commit(nil); d.Configure(acme); d.commit(nil) }},
	} {
		v := d.View()
		step.do()
		for name, v := range map[string]*View{"begun before": v, "begun after": d.View()} {
			if requests, durations := observed(v); requests != 7 || durations != 7 {
				t.Errorf("%s, a scrape %s: %d %s and %d durations, want 7 of both", step.what, name, requests,
					metric.TenantRequests.Name, durations)
			}
		}
	}
}
