package aggregate

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
)

func TestNames(t *testing.T) {
	registered := map[string]string{"acme": "", "Big.Co": "", "shop": "", "Beta": "", "TWIN": "", "Twin": "", "Shop": ""}
	names := NewNames("{tenant}.thorbis.app", "/t/{tenant}/",
		map[string]string{"shop.example.com": "shop", "gone.example.com": "gone"}, registered)
	host := &Rule{Names: names}
	path := &Rule{By: ByPath, Names: names}
	field := &Rule{By: ByField, Names: names}
	scratch := make([]byte, 0, 304)
	for _, tc := range []struct {
		rule *Rule
		e    decode.Event
		want string
	}{
		{host, decode.Event{Host: []byte("acme.thorbis.app")}, "acme"},
		{host, decode.Event{Host: []byte("ACME.Thorbis.App.:8443")}, "acme"},
		{host, decode.Event{Host: []byte("shop.example.com:443")}, "shop"},
		{host, decode.Event{Host: []byte("gone.example.com")}, ""},
		{host, decode.Event{Host: []byte("unknown.thorbis.app")}, ""},
		{host, decode.Event{Host: []byte("beta.thorbis.app")}, "Beta"},
		{host, decode.Event{Host: []byte("BETA.thorbis.app")}, "Beta"},
		{host, decode.Event{Host: []byte("twin.thorbis.app")}, ""}, // two tenants match
		{host, decode.Event{Host: []byte("shop.thorbis.app")}, "shop"},
		{host, decode.Event{Host: []byte("a.acme.thorbis.app")}, ""},
		{host, decode.Event{Host: []byte(".thorbis.app")}, ""},
		{host, decode.Event{Host: []byte("thorbis.app")}, ""},
		{host, decode.Event{Host: []byte("_other.thorbis.app")}, ""},
		{host, decode.Event{Host: []byte("[2001:db8::1]:80")}, ""},
		{host, decode.Event{Host: []byte(strings.Repeat("a", 400) + ".thorbis.app")}, ""},
		{path, decode.Event{Path: []byte("/t/acme/orders")}, "acme"},
		{path, decode.Event{Path: []byte("/t/acme")}, "acme"},
		{path, decode.Event{Path: []byte("/x/acme")}, ""},
		{path, decode.Event{Path: []byte("/t/")}, ""},
		{field, decode.Event{Tenant: []byte("Big.Co")}, "Big.Co"},
		{field, decode.Event{Tenant: []byte("big.co")}, ""},
		{&Rule{By: ByFixed, Tenant: "acme", Names: names}, decode.Event{}, "acme"},
	} {
		if got := string(tc.rule.name(tc.rule.key(&tc.e), scratch)); got != tc.want {
			t.Errorf("%q %q %q: %q, want %q", tc.e.Host, tc.e.Path, tc.e.Tenant, got, tc.want)
		}
	}
}

// testStore is an aggregator with its store.
type testStore struct {
	*Aggregator
	t      *testing.T
	store  *store.Store
	source *CountSource
}

func newTestStore(t *testing.T, limit int, registered map[string]string, change func(*CountSource)) *testStore {
	t.Helper()
	st, err := store.Open(store.Options{Logger: slog.New(slog.DiscardHandler), Immediate: true})
	if err != nil {
		t.Fatal(err)
	}
	n := st.Configure(store.Config{
		Limit: limit, Thresholds: []uint64{300e6}, Registered: registered,
		Sources: []store.SourceConfig{{Name: "log", Service: "web"}},
	})["log"]
	s := &CountSource{
		Number: n.Source, Late: 10 * time.Minute, Thresholds: []uint64{300e6}, Weight: Whole,
		Rule: &Rule{Service: n.Service, Names: NewNames("{tenant}.thorbis.app", "", nil, registered)},
	}
	if change != nil {
		change(s)
	}
	go func() { _ = st.Run(t.Context()) }()
	d := &testStore{NewAggregator(st), t, st, s}
	d.Begin(s)
	return d
}

func (d *testStore) add(host string, e decode.Event) {
	e.Host = []byte(host)
	if e.Status == 0 {
		e.Status = 200
	}
	d.Add(&e)
	d.Read(1, 100)
}

// rows are the requests by tenant after a commit: on time, late, slow and bytes.
func (d *testStore) rows() map[string][4]uint64 {
	d.t.Helper()
	if err := d.store.Commit(d.t.Context(), d.Flush(nil, nil)); err != nil {
		d.t.Fatal(err)
	}
	all := map[string][4]uint64{}
	_ = d.store.View().Each(func(s *store.Series) {
		var r [4]uint64
		for i := range s.Requests {
			r[0] += s.Requests[i]
			r[1] += s.Late[i]
		}
		r[2], r[3] = s.Slow[0], s.Bytes
		all[s.Tenant] = r
	}, func() error { return nil })
	d.Begin(d.source)
	return all
}

func TestEventsAreCountedForTheirTenants(t *testing.T) {
	d := newTestStore(t, 10, map[string]string{"acme": "", "idle": ""}, nil)
	for range 3 {
		d.add("acme.thorbis.app", decode.Event{Duration: 300e6, Bytes: 5})
		d.add("Acme.thorbis.app:443", decode.Event{Duration: 300e6 + 1, Bytes: 5})
		d.add("unknown.thorbis.app", decode.Event{Duration: -1})
		d.add("", decode.Event{Duration: -1})
		d.add("acme.thorbis.app", decode.Event{Probe: true})
	}
	want := map[string][4]uint64{"acme": {6, 0, 3, 30}, "idle": {}, "_unknown": {6}, "_other": {}}
	if got := d.rows(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	if probes := d.store.Services()[0].Probes; probes[1] != 3 {
		t.Errorf("probes %v", probes)
	}
}

// A million invented hosts add no series, with a registry and without.
func TestInventedHostsAddNoSeries(t *testing.T) {
	for name, registered := range map[string]map[string]string{"registry": {"acme": ""}, "open": nil} {
		t.Run(name, func(t *testing.T) {
			d := newTestStore(t, 100, registered, nil)
			n := 1_000_000
			if testing.Short() {
				n = 20_000
			}
			for i := range n {
				d.add(fmt.Sprintf("h%d.thorbis.app", i), decode.Event{Duration: -1})
				if d.Full() {
					d.rows()
				}
			}
			rows := d.rows()
			total := uint64(0)
			for _, r := range rows {
				total += r[0]
			}
			if len(rows) > 102 || total != uint64(n) {
				t.Errorf("%d series, %d requests", len(rows), total)
			}
		})
	}
}

func TestTimes(t *testing.T) {
	d := newTestStore(t, 10, nil, nil)
	now := time.Now()
	// the last by a clock that jumps
	for _, at := range []time.Time{now, now.Add(-9 * time.Minute), now.Add(-11 * time.Minute), now.Add(time.Hour)} {
		d.add("acme.thorbis.app", decode.Event{Duration: 1e9, Bytes: 1, Time: at.UnixNano()})
	}
	d.add("acme.thorbis.app", decode.Event{Duration: -1, Bytes: 1}) // without a time
	if got := d.rows()["acme"]; got != [4]uint64{4, 1, 3, 4} {
		t.Errorf("%v", got)
	}
	if s, _ := d.store.Source(0); s.Newest > time.Now().UnixMilli() || s.Newest < now.UnixMilli() {
		t.Errorf("newest event %s", time.UnixMilli(s.Newest))
	}
}

// While the clock is wrong requests may be counted as late, but each is counted, and none makes the newest event
// newer than the clock.
func TestNothingIsLostWhileTheClockIsWrong(t *testing.T) {
	d := newTestStore(t, 10, nil, nil)
	real := time.Now()
	for _, ahead := range []time.Duration{
		0, time.Hour, -time.Hour, 0, 100 * 365 * 24 * time.Hour, -30 * 365 * 24 * time.Hour,
	} {
		d.now = real.Add(ahead).UnixNano()
		d.late = d.now - int64(d.source.Late)
		for _, stamped := range []time.Duration{ahead, 0} { // by the same clock, and by one that is right
			d.add("acme.thorbis.app", decode.Event{Duration: -1, Time: real.Add(stamped).UnixNano()})
		}
		d.drain()
		if d.batch.Newest > d.now {
			t.Errorf("ahead by %s: the newest event is %s newer than the clock", ahead, time.Duration(d.batch.Newest-d.now))
		}
		d.batch.Newest = 0
	}
	if got := d.rows()["acme"]; got[0]+got[1] != 12 {
		t.Errorf("%d on time, %d late of 12", got[0], got[1])
	}
}

func TestSamplingScalesCounts(t *testing.T) {
	d := newTestStore(t, 10, nil, func(s *CountSource) { s.Weight = Whole * 10 / 3 })
	for range 3000 {
		d.add("acme.thorbis.app", decode.Event{Duration: 1, Bytes: 1})
	}
	if got := d.rows()["acme"][0]; got < 9998 || got > 10_000 {
		t.Errorf("3000 of 30 %% are %d", got)
	}
}

// Who lost its slot is looked up again, though its host is remembered: its requests are not those of a series that
// has ended.
func TestSlotsThatAreTakenAwayAreForgotten(t *testing.T) {
	d := newTestStore(t, 10, nil, nil)
	d.add("acme.thorbis.app", decode.Event{Duration: -1})
	d.rows()
	d.store.Configure(store.Config{
		Limit: 10, Thresholds: []uint64{300e6}, Registered: map[string]string{"beta": ""},
		Sources: []store.SourceConfig{{Name: "log", Service: "web"}},
	})
	d.Begin(d.source)
	d.add("acme.thorbis.app", decode.Event{Duration: -1}) // it has a slot again
	if got := d.rows(); got["_other"][0] != 1 {           // the first one, which no scrape has seen
		t.Errorf("%v", got)
	}
}

// Each reload has other names; what was remembered under those before is let go.
func TestNamesThatAreNoMoreInForceAreForgotten(t *testing.T) {
	d := newTestStore(t, 10, nil, nil)
	for range 10 {
		s := *d.source
		s.Rule = &Rule{Service: s.Rule.Service, Names: NewNames("{tenant}.thorbis.app", "", nil, nil)}
		d.Begin(&s)
	}
	if len(d.caches) != 1 {
		t.Errorf("%d caches", len(d.caches))
	}
}

// A key that is too long for any tenant takes no memory.
func TestLongHosts(t *testing.T) {
	d := newTestStore(t, 10, nil, nil)
	long := strings.Repeat("a", 1<<20)
	for range 100 {
		d.add(long, decode.Event{Duration: -1})
	}
	if cap(d.keys) > 1<<16 {
		t.Errorf("%d bytes of keys are kept", cap(d.keys))
	}
	if got := d.rows()["_unknown"][0]; got != 100 {
		t.Errorf("%d are counted", got)
	}
}

// Counting a line of a known tenant allocates nothing.
func TestNothingIsAllocatedForALine(t *testing.T) {
	d := newTestStore(t, 10, nil, nil)
	e := decode.Event{Host: []byte("acme.thorbis.app"), Status: 200, Duration: 5e6, Bytes: 7, Time: time.Now().UnixNano()}
	d.Add(&e)
	if n := testing.AllocsPerRun(1000, func() { d.Add(&e) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzNames(f *testing.F) {
	f.Add([]byte("acme.thorbis.app:443"))
	f.Add([]byte("[::1]:80"))
	names := NewNames("{tenant}.thorbis.app", "/t/{tenant}/", nil, nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, r := range []*Rule{{Names: names}, {By: ByPath, Names: names}, {By: ByField, Names: names}} {
			name := r.name(r.key(&decode.Event{Host: b, Path: b, Tenant: b}), nil)
			if len(name) > maxName || strings.ContainsAny(string(name), "\"\\\n /") || strings.HasPrefix(string(name), "_") {
				t.Errorf("%q is a tenant", name)
			}
		}
	})
}

// A refused request is counted for its service and its tenant by the way in which it was refused, a failed log-in as
// both, unless it is late or a probe of ours. A sample counts as much as it stands for.
func TestRefusedRequests(t *testing.T) {
	d := newTestStore(t, 10, map[string]string{"acme": ""}, func(s *CountSource) {
		s.Logins, s.Weight = [][]byte{[]byte("/login")}, 2*Whole
	})
	now := time.Now().UnixNano()
	for _, e := range []decode.Event{
		{Status: 401},
		{Status: 403},
		{Status: 403},
		{Status: 404},
		{Status: 429, Path: []byte("/orders")},
		{Status: 401, Path: []byte("/login")},
		{Status: 422, Path: []byte("/login/sso")},
		{Path: []byte("/login")},
		{Status: 401, Path: []byte("/login"), Probe: true},
		{Status: 401, Path: []byte("/login"), Time: now - int64(time.Hour)},
	} {
		e.Duration = -1
		d.add("acme.thorbis.app", e)
	}
	d.add("somebody.example.com", decode.Event{Status: 403, Duration: -1})
	d.add(strings.Repeat("a", 300)+".example.com", decode.Event{Status: 403, Duration: -1})
	d.rows()
	want := [decode.Refusals]uint64{4, 8, 2, 4}
	if got := d.store.Services()[0].Refused; got != want {
		t.Errorf("%v, want %v", got, want)
	}
	got := fmt.Sprint(d.store.Refused(10, decode.Unauthorized, decode.Forbidden))
	if want := "[{web acme [4 4 2 4]} {web _unknown [0 4 0 0]}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
