package maintenance

import (
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
)

// Between finds each time at which a window is open, by what Active says of every minute, also over the change of
// clocks.
func TestBetweenIsWhenTheWindowIsOpen(t *testing.T) {
	from, to := time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	for name, m := range map[string]*config.Maintenance{
		"once": {
			From: config.Time{Time: from.Add(-time.Hour)}, To: config.Time{Time: from.Add(30 * time.Minute)},
		},
		"never":   {From: config.Time{Time: to}, To: config.Time{Time: to.Add(time.Hour)}},
		"nightly": {Start: "23:30", Duration: config.Duration(2 * time.Hour), TimeZone: "Europe/Berlin"},
		"sundays": {
			Start: "01:30", Duration: config.Duration(3 * time.Hour), TimeZone: "Europe/Berlin",
			Weekdays: []string{"sunday"},
		},
		"last of the month": {
			Start: "02:00", Duration: config.Duration(time.Hour), TimeZone: "America/New_York", DaysOfMonth: []int{-1},
		},
	} {
		w, err := New(m)
		if err != nil {
			t.Fatal(err)
		}
		all := w.Between(from, to)
		for at := from; at.Before(to); at = at.Add(time.Minute) {
			in := false
			for _, o := range all {
				in = in || !at.Before(o.From) && at.Before(o.To)
			}
			if in != w.Active(at) {
				t.Fatalf("%s: %s is in %v, and Active is %v", name, at, all, w.Active(at))
			}
		}
		if len(all) == 0 != (name == "never") {
			t.Errorf("%s: %v", name, all)
		}
	}
}

func TestWindowsOfChecks(t *testing.T) {
	check := &config.Check{Name: "home", AppService: "web"}
	for _, tc := range []struct {
		m      config.Maintenance
		tenant string
		want   bool
	}{
		{config.Maintenance{}, "", true},
		{config.Maintenance{Checks: []string{"home"}}, "", true},
		{config.Maintenance{Checks: []string{"other"}}, "", false},
		{config.Maintenance{AppServices: []string{"web"}}, "acme", true},
		{config.Maintenance{Procedures: []string{"backup"}}, "", false},
		{config.Maintenance{Tenants: []string{"acme"}}, "acme", true},
		{config.Maintenance{Tenants: []string{"acme"}}, "", false},
	} {
		if got := (&Window{Maintenance: &tc.m}).CoversCheck(check, tc.tenant); got != tc.want {
			t.Errorf("%+v, tenant %q: %v", tc.m, tc.tenant, got)
		}
	}
}
