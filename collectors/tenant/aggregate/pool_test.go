package aggregate

import (
	"reflect"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/metric"
)

// pools are the requests, late ones and slow ones of each tier.
func (d *testStore) pools() map[string][3]uint64 {
	d.rows()
	all := map[string][3]uint64{}
	_ = d.store.View().EachPool(func(s *store.Series) {
		var r [3]uint64
		for i := range s.Requests {
			r[0] += s.Requests[i]
			r[1] += s.Late[i]
		}
		r[2] = s.Slow[0]
		all[s.Tenant] = r
	}, func() error { return nil })
	return all
}

// Requests count for the tier of their tenant, whether the tenant has series or not; those of no tenant for one of
// their own.
func TestRequestsCountForTheirTier(t *testing.T) {
	registered := map[string]string{"a": "pro", "b": "pro", "c": "enterprise", "d": "", "e": "pro"}
	d := newTestStore(t, 2, registered, nil)
	const host = ".thorbis.app"
	for tenant := range registered {
		for range 2 { // the second is found in the cache, or among those without series
			d.add(tenant+host, decode.Event{Duration: 400e6})
			d.add(tenant+host, decode.Event{Time: 1, Duration: 400e6})
			d.add(tenant+host, decode.Event{Probe: true})
		}
	}
	d.add("elsewhere.example.com", decode.Event{Duration: 1})
	d.add("", decode.Event{Duration: 1})
	want := map[string][3]uint64{
		"pro": {6, 6, 6}, "enterprise": {2, 2, 2}, metric.TierNone: {2, 2, 2}, metric.TenantUnknown: {2, 0, 0},
	}
	if got := d.pools(); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	fixed := *d.source
	rule := *fixed.Rule
	rule.By, rule.Tenant, fixed.Rule = ByFixed, "e", &rule
	d.source = &fixed
	d.Begin(d.source)
	d.add("", decode.Event{Duration: -1})
	d.add("", decode.Event{Duration: -1})
	want["pro"] = [3]uint64{8, 6, 6}
	if got := d.pools(); !reflect.DeepEqual(got, want) {
		t.Errorf("of one tenant: %v, want %v", got, want)
	}
	// Without a registry all tenants are of no tier.
	open := newTestStore(t, 1, nil, nil)
	open.add("x"+host, decode.Event{Duration: -1})
	open.add("y"+host, decode.Event{Duration: -1})
	want = map[string][3]uint64{metric.TierNone: {2, 0, 0}, metric.TenantUnknown: {}}
	if got := open.pools(); !reflect.DeepEqual(got, want) {
		t.Errorf("without a registry: %v, want %v", got, want)
	}
}
