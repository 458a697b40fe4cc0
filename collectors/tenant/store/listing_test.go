package store

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// windowsOf returns the listed windows of a tenant, or of all.
func (d *testStore) windowsOf(t *testing.T, tenant string) []WindowCounts {
	t.Helper()
	all, err := d.View().Windows(func(name string) bool { return tenant == "" || tenant == name })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func names(all []WindowCounts) (names []string) {
	for _, c := range all {
		names = append(names, c.Tenant)
	}
	return names
}

// Three of 1,000 tenants fail: they are listed at once, beside the busiest, and after a restart too.
func TestTenantsInTroubleAreListed(t *testing.T) {
	conf := manyTenants(1000, 100)
	d := newTestStore(t, t.TempDir(), conf)
	all := map[string]requests{}
	for i := range 1000 {
		all[fmt.Sprintf("t%05d", i)] = requests{good: uint32(10 + i%500), late: 3}
	}
	all["t00500"] = requests{good: 1, bad: 2}
	all["t00501"] = requests{good: 1, bad: 9}
	all["t00502"] = requests{good: 10, slow: 11} // more than there are cannot be slow
	d.request(all)
	for range 2 {
		d.relist()
		got := d.windowsOf(t, "")
		if len(got) != maxListed || !slices.Equal(names(got)[:3], []string{"t00502", "t00501", "t00500"}) ||
			got[3].Requests[window1h] != 509 || got[4].Requests[window1h] != 509 {
			t.Fatalf("%d are listed: %v", len(got), names(got))
		}
		for i, want := range []struct{ requests, failed, slow uint64 }{{10, 0, 10}, {10, 9, 0}, {3, 2, 0}, {509, 0, 0}} {
			for w := range Windows {
				c := got[i]
				if c.Requests[w] != want.requests || c.Bad[0] == nil != (want.failed == 0) ||
					c.Bad[1] == nil != (want.slow == 0) || c.Bad[0] != nil && c.Bad[0][w] != want.failed ||
					c.Bad[1] != nil && c.Bad[1][w] != want.slow {
					t.Errorf("%s over %s: %+v", c.Tenant, WindowNames()[w], c)
				}
			}
		}
		if one := d.windowsOf(t, "t00502"); len(one) != 1 || one[0].Tenant != "t00502" {
			t.Errorf("asked for t00502: %v", one)
		}
		d = d.restarted(conf)
	}
}

// Few tenants are all listed, if they had a request in any window.
func TestFewTenantsAreAllListed(t *testing.T) {
	d := newTestStore(t, t.TempDir(), manyTenants(150, 20))
	for i := range 150 {
		d.Admit(d.web.Service, fmt.Sprintf("t%05d", i))
	}
	all := map[string]requests{}
	for i := range 140 {
		all[fmt.Sprintf("t%05d", i)] = requests{good: 1}
	}
	d.request(all)
	d.clock.add(29 * 24 * time.Hour)
	d.beginTick()
	d.tick(false)
	d.relist()
	if got := d.windowsOf(t, ""); len(got) != 140 || got[0].Requests != [Windows]uint64{windowPeriod: 1} {
		t.Errorf("%d are listed", len(got))
	}
}

// All of 5,000 tenants fail: the worst are listed, those of the last minutes as those of days ago.
func TestTheWorstAreListed(t *testing.T) {
	d := newTestStore(t, t.TempDir(), manyTenants(5000, 100))
	all := map[string]requests{}
	for i := range 5000 {
		all[fmt.Sprintf("t%05d", i)] = requests{good: uint32(5000 - i), bad: uint32(1 + i)}
	}
	d.request(all)
	d.relist()
	got := d.windowsOf(t, "")
	if len(got) != maxListed {
		t.Fatalf("%d are listed", len(got))
	}
	for i, c := range got {
		if want := fmt.Sprintf("t%05d", 4999-i); c.Tenant != want {
			t.Fatalf("%s is listed as number %d, want %s", c.Tenant, i, want)
		}
	}
	d.clock.add(48 * time.Hour)
	d.beginTick()
	d.tick(false)
	for i := range all { // now the others are worse
		all[i] = requests{good: all[i].bad, bad: all[i].good}
	}
	delete(all, "t04999")
	d.request(all)
	d.relist()
	got = d.windowsOf(t, "")
	worst := names(got)
	if len(got) != maxListed || worst[0] != "t00000" || worst[1] != "t04999" {
		t.Errorf("%d are listed: %v", len(got), worst)
	}
	for i := range leastListed {
		if name := fmt.Sprintf("t%05d", i); !slices.Contains(worst, name) {
			t.Errorf("%s is not listed", name)
		}
	}
}

// To choose among 100,000 tenants takes less than the 50 ms that keep commits waiting.
func BenchmarkList(b *testing.B) {
	for _, failing := range []int{100, 1} { // one in so many
		b.Run(fmt.Sprintf("1in%d", failing), func(b *testing.B) {
			st := newState()
			at := time.Unix(1_790_000_000, 0)
			st.thresholds, st.services, st.slots = []uint64{300e6}, make([]service, 1), make([]slot, 100_000)
			st.tick, st.ticks[periodLevel] = uint32(tickOf(at)), periodTicks(0)
			for i := range st.slots {
				st.slots[i].life = visible
				a := added{requests: uint64(i % 977)}
				if i%failing == 0 {
					a.failed, a.slow[0] = uint64(i%31), uint64(i%13)
				}
				st.countWindows(&st.slots[i], &a)
			}
			st.tick++
			for b.Loop() {
				st.list(st.now(at))
			}
		})
	}
}
