package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/metric"
)

// refuse saves that n requests of a tenant were refused in a way.
func (d *testStore) refuse(tenant string, way int, n uint32) {
	d.t.Helper()
	slot, ok := d.Lookup(d.web.Service, []byte(tenant))
	if !ok {
		d.t.Fatalf("%s has no slot", tenant)
	}
	d.refuseSlot(slot, way, n, d.Epoch())
}

func (d *testStore) refuseSlot(slot uint32, way int, n uint32, epoch uint64) {
	d.t.Helper()
	batch := d.batch(slot, n)
	batch.Epoch = epoch
	batch.Refused[way] = uint64(n)
	batch.Accumulators[0].Refused[way] = n
	if err := d.save(Encode(batch)); err != nil {
		d.t.Fatal(err)
	}
}

// lately are the tenants with most refused requests, in short.
func (d *testStore) lately(n int, ways ...int) string {
	text := ""
	for _, r := range d.Refused(n, ways...) {
		text += fmt.Sprintf("%s/%s%v", r.Service, r.Tenant, r.Refused)
	}
	return text
}

func TestRefusedRequests(t *testing.T) {
	config := Config{Limit: 10, Thresholds: []uint64{300e6}, Registered: registered(3)}
	d := newTestStore(t, t.TempDir(), config)
	sums := func(when string, want [decode.Refusals]uint64) {
		t.Helper()
		if got := d.Services()[0].Refused; got != want {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
	}
	sums("before the first", [decode.Refusals]uint64{})
	d.refuse("t00000", decode.Unauthorized, 5)
	d.refuse("t00001", decode.Unauthorized, 3)
	d.refuse("t00001", decode.FailedLogin, 9)
	d.refuse("t00002", decode.RateLimited, 1)
	want := [decode.Refusals]uint64{8, 0, 1, 9}
	sums("counted", want)
	for _, tc := range []struct {
		n    int
		ways []int
		want string
	}{
		{2, []int{decode.Unauthorized, decode.Forbidden, decode.RateLimited}, "web/t00000[5 0 0 0]web/t00001[3 0 0 9]"},
		{10, []int{decode.Unauthorized}, "web/t00000[5 0 0 0]web/t00001[3 0 0 9]"},
		{10, []int{decode.FailedLogin}, "web/t00001[3 0 0 9]"},
		{10, []int{decode.Forbidden}, ""},
		{0, []int{decode.Unauthorized}, ""},
	} {
		if got := d.lately(tc.n, tc.ways...); got != tc.want {
			t.Errorf("the %d most of %v: %s, want %s", tc.n, tc.ways, got, tc.want)
		}
	}
	d = d.restarted(config) // from the log
	sums("read from the log", want)
	d.refuse("t00002", decode.Forbidden, 2)
	want[decode.Forbidden] = 2
	d.compactNow()
	d = d.restarted(config) // from a snapshot
	sums("read from a snapshot", want)
	if got := d.lately(10, decode.Unauthorized, decode.Forbidden); got != "" {
		t.Errorf("a restart remembers %s of the hour before it", got)
	}
}

// TestRefusedOfTheLastHour holds that what is an hour old is forgotten, and not before 55 minutes.
func TestRefusedOfTheLastHour(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6}, Registered: registered(2)})
	began := d.clock.now()
	d.refuse("t00000", decode.Forbidden, 7)
	for minute := 1; minute <= 130; minute++ {
		d.clock.add(time.Minute)
		d.forgetRefused()
		if minute == 30 {
			d.refuse("t00000", decode.Forbidden, 1)
			d.refuse("t00001", decode.Forbidden, 2)
		}
		want := ""
		switch {
		case minute < 30:
			want = "web/t00000[0 7 0 0]"
		case minute < 60:
			want = "web/t00000[0 8 0 0]web/t00001[0 2 0 0]"
		case minute < 90:
			want = "web/t00001[0 2 0 0]web/t00000[0 1 0 0]"
		}
		if got := d.lately(10, decode.Forbidden); got != want {
			t.Fatalf("%s: %s, want %s", d.clock.now().Sub(began), got, want)
		}
	}
	if n := len(d.saved.refused.total); n != 0 {
		t.Errorf("%d tenants are remembered after all is forgotten", n)
	}
	d.refuse("t00000", decode.Forbidden, 7)
	d.clock.add(26 * time.Hour) // the machine slept
	d.forgetRefused()
	if got := d.lately(10, decode.Forbidden); got != "" {
		t.Errorf("a day later %s are remembered", got)
	}
	d.refuse("t00001", decode.Forbidden, 1)
	d.clock.add(50 * time.Minute)
	d.forgetRefused()
	if got := d.lately(10, decode.Forbidden); got != "web/t00001[0 1 0 0]" {
		t.Errorf("after the sleep: %s", got)
	}
}

// TestRefusedIsBounded holds that an attack on all tenants of a service takes no more memory than that of some.
func TestRefusedIsBounded(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{
		Limit: maxRefused + 10, Thresholds: []uint64{300e6}, Registered: registered(maxRefused + 10),
	})
	slots := map[string]uint32{}
	for i := range maxRefused + 10 {
		name := fmt.Sprintf("t%05d", i)
		slots[name], _ = d.Lookup(d.web.Service, []byte(name))
	}
	var batch *Batch
	for _, slot := range slots {
		one := d.batch(slot, 1)
		one.Accumulators[0].Refused[decode.Unauthorized] = 1
		if batch == nil {
			batch = one
			batch.Refused[decode.Unauthorized] = maxRefused + 10
			continue
		}
		batch.Accumulators = append(batch.Accumulators, one.Accumulators...)
	}
	if err := d.save(Encode(batch)); err != nil {
		t.Fatal(err)
	}
	if n := len(d.saved.refused.total); n != maxRefused+1 {
		t.Errorf("%d tenants are remembered, want %d and _other", n, maxRefused)
	}
	most := d.Refused(1, decode.Unauthorized)
	if len(most) != 1 || most[0].Tenant != metric.TenantOther || most[0].Refused[decode.Unauthorized] != 10 {
		t.Errorf("most are of %+v, want those that found no place", most)
	}
}

// TestRefusedOfATenantThatLeft holds that what was under way when a tenant left is not said of the next one that has
// its slot.
func TestRefusedOfATenantThatLeft(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6}, Registered: registered(1)})
	slot, _ := d.Lookup(d.web.Service, []byte("t00000"))
	epoch := d.Epoch()
	d.saved.slots[slot].epoch = epoch + 1
	d.refuseSlot(slot, decode.Forbidden, 3, epoch)
	if got, want := d.lately(10, decode.Forbidden), "web/_other[0 3 0 0]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
