package calendar

import (
	"strings"
	"testing"
	"time"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// The days on which the clocks change, as crontab(5) and cron(8) of Debian have them, in zones that go forward at 2:00
// or 24:00 and by an hour or half an hour; leap days; days of months and weekdays.
func TestCron(t *testing.T) {
	for _, c := range []struct{ expr, zone, after, want string }{
		// Skipped in spring: due when the clocks have been put forward. Repeated in autumn: due the first time.
		{
			"30 2 * * *", "Europe/Berlin", "2026-03-28 00:00:00",
			"2026-03-28 01:30:00, 2026-03-29 01:00:00, 2026-03-30 00:30:00",
		},
		{
			"10,40 2 * * *", "Europe/Berlin", "2026-03-28 12:00:00",
			"2026-03-29 01:00:00, 2026-03-30 00:10:00, 2026-03-30 00:40:00",
		},
		{
			"30 2 * * *", "Europe/Berlin", "2026-10-24 12:00:00",
			"2026-10-25 00:30:00, 2026-10-26 01:30:00, 2026-10-27 01:30:00",
		},
		{
			"30 1 * * *", "America/New_York", "2026-10-31 12:00:00",
			"2026-11-01 05:30:00, 2026-11-02 06:30:00, 2026-11-03 06:30:00",
		},
		{
			"30 2 * * *", "America/New_York", "2026-03-07 12:00:00",
			"2026-03-08 07:00:00, 2026-03-09 06:30:00, 2026-03-10 06:30:00",
		},
		{
			"15 2 * * *", "Australia/Lord_Howe", "2026-10-03 00:00:00", // by half an hour
			"2026-10-03 15:30:00, 2026-10-04 15:15:00, 2026-10-05 15:15:00",
		},
		{
			"0 0 * * *", "America/Santiago", "2026-09-05 12:00:00", // at midnight
			"2026-09-06 04:00:00, 2026-09-07 03:00:00, 2026-09-08 03:00:00",
		},
		{
			"0 12 * * *", "Pacific/Apia", "2011-12-29 23:00:00", // a day that never was
			"2011-12-30 10:00:00, 2011-12-30 22:00:00, 2011-12-31 22:00:00",
		},
		// By the clock on the wall.
		{
			"*/30 * * * *", "Europe/Berlin", "2026-10-25 00:00:00",
			"2026-10-25 00:30:00, 2026-10-25 01:00:00, 2026-10-25 01:30:00, 2026-10-25 02:00:00",
		},
		{
			"*/30 * * * *", "Europe/Berlin", "2026-03-29 00:00:00",
			"2026-03-29 00:30:00, 2026-03-29 01:00:00, 2026-03-29 01:30:00",
		},
		{
			"15 * * * *", "Australia/Lord_Howe", "2026-04-04 14:00:00",
			"2026-04-04 14:15:00, 2026-04-04 15:45:00, 2026-04-04 16:45:00",
		},
		{"0 12 29 2 *", "UTC", "2026-01-01 00:00:00", "2028-02-29 12:00:00, 2032-02-29 12:00:00"},
		{"0 12 29 2 *", "UTC", "2096-03-01 00:00:00", "2104-02-29 12:00:00"},
		{"0 0 L * *", "UTC", "2028-01-31 00:00:00", "2028-02-29 00:00:00, 2028-03-31 00:00:00, 2028-04-30 00:00:00"},
		{"0 0 13 * fri", "UTC", "2026-11-11 00:00:00", "2026-11-13 00:00:00, 2026-11-20 00:00:00, 2026-11-27 00:00:00"},
		{"0 0 */10 * 1", "UTC", "2026-11-30 12:00:00", "2026-12-21 00:00:00, 2027-01-11 00:00:00"}, // both, as * is a star
		{"0 8 * * 7", "UTC", "2026-11-28 00:00:00", "2026-11-29 08:00:00, 2026-12-06 08:00:00"},
		{"0 8 * * fri-sun", "UTC", "2026-11-28 09:00:00", "2026-11-29 08:00:00, 2026-12-04 08:00:00"},
		{"0 8 * jan,JUL 1-5/2,6", "UTC", "2026-11-28 00:00:00", "2027-01-01 08:00:00, 2027-01-02 08:00:00"},
		{"5/20 23 31 12 *", "UTC", "2026-12-31 23:05:00", "2026-12-31 23:25:00, 2026-12-31 23:45:00, 2027-12-31 23:05:00"},
		{"@Weekly", "UTC", "2026-11-28 00:00:00", "2026-11-29 00:00:00"},
		{"@hourly", "UTC", "2026-11-28 23:59:59", "2026-11-29 00:00:00"},
	} {
		s, err := ParseCron(c.expr, zone(t, c.zone))
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		at := parse(t, c.after)
		for want := range strings.SplitSeq(c.want, ", ") {
			at = s.Next(at)
			if got := at.UTC().Format(time.DateTime); got != want {
				t.Errorf("%s in %s after %s: %s, want %s", c.expr, c.zone, c.after, got, want)
				break
			}
		}
	}
}

func TestInvalidCron(t *testing.T) {
	for expr, want := range map[string]string{
		"":                             "write minute, hour",
		"* * * *":                      "write minute, hour",
		"* * * * * *":                  "write minute, hour",
		"@reboot":                      "write minute, hour",
		"TZ=0 * * * *":                 `invalid minute "TZ=0"`,
		"60 * * * *":                   `invalid minute "60": write 0 to 59`,
		"* 24 * * *":                   `invalid hour "24"`,
		"* * 0 * *":                    `invalid day of month "0"`,
		"* * * foo *":                  `invalid month "foo"`,
		"* * * * 8":                    `invalid weekday "8"`,
		"*/0 * * * *":                  `invalid step "0"`,
		"*/x * * * *":                  `invalid step "x"`,
		"5-1 * * * *":                  `invalid minute "5-1"`,
		"-1 * * * *":                   `invalid minute "-1"`,
		"1, * * * *":                   `invalid minute ""`,
		"0 0 30 2 *":                   "it is never due",
		"0 0 ? * *":                    `invalid day of month "?"`,
		"0 0 L L *":                    `invalid month "L"`,
		"99999999999999999999 * * * *": "invalid minute",
		strings.Repeat("*", 300):       "too long",
	} {
		if s, err := ParseCron(expr, time.UTC); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want %s", expr, s, err, want)
		}
	}
}

func FuzzCron(f *testing.F) {
	for _, expr := range []string{"30 2 * * *", "*/5 1-5 L jan,2 fri-sun", "@daily", "0 0 13 * 5"} {
		f.Add(expr, int64(1774656000))
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, expr string, at int64) {
		s, err := ParseCron(expr, berlin)
		check(t, s, err, time.Unix(at%4e9, 0))
	})
}
