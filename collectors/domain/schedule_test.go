package domain

import (
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// within reports whether a moment is so far from another, within the jitter.
func within(got, from time.Time, d time.Duration) bool {
	after := float64(got.Sub(from))
	return after >= (1-jitter)*float64(d) && after <= (1+jitter)*float64(d)
}

// A domain is looked up once an interval, and after failures with a pause that doubles up to the interval. What was
// known stays.
func TestRecord(t *testing.T) {
	now, interval := day(2026, 11, 1), 24*time.Hour
	r := &record{}
	r.succeed(now, report{expires: day(2027, 1, 1), statuses: []string{metric.DomainPendingTransfer}}, interval,
		7*24*time.Hour)
	if !within(r.Next, now, interval) || !r.LastSuccess.Equal(now) {
		t.Errorf("after a success %+v", r)
	}
	for i, want := range []time.Duration{
		15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 16 * time.Hour, interval,
		interval,
	} {
		r.fail(now, "timeout", interval)
		if !within(r.Next, now, want) {
			t.Errorf("after %d failures again in %s, want %s", i+1, r.Next.Sub(now), want)
		}
	}
	if !r.Expires.Equal(day(2027, 1, 1)) || len(r.Statuses) != 1 || !r.LastSuccess.Equal(now) {
		t.Errorf("failures have changed what is known: %+v", r)
	}
	r.succeed(now, report{statuses: []string{}}, interval, 7*24*time.Hour)
	if !r.Expires.IsZero() || len(r.Statuses) > 0 || r.Failures != 0 {
		t.Errorf("a report without a date leaves %+v", r)
	}
}

// A domain that is lost, or whose renewal is urgent or overdue, is looked up again within the hour, so that its alert
// ends soon after the mend.
func TestLookedUpAgainSoon(t *testing.T) {
	now, week := day(2026, 11, 1), 7*24*time.Hour
	for name, c := range map[string]struct {
		got            report
		interval, want time.Duration
	}{
		"normal": {
			report{expires: day(2027, 1, 1), statuses: []string{metric.DomainPendingTransfer}}, 24 * time.Hour, 24 * time.Hour,
		},
		"without a date": {report{}, 24 * time.Hour, 24 * time.Hour},
		"on hold": {
			report{expires: day(2027, 1, 1), statuses: []string{metric.DomainClientHold}}, 24 * time.Hour, time.Hour,
		},
		"urgent":           {report{expires: day(2026, 11, 7)}, 24 * time.Hour, time.Hour},
		"expired":          {report{expires: day(2026, 10, 1)}, 24 * time.Hour, time.Hour},
		"a short interval": {report{expires: day(2026, 10, 1)}, 10 * time.Minute, 10 * time.Minute},
	} {
		r := &record{}
		if r.succeed(now, c.got, c.interval, week); !within(r.Next, now, c.want) {
			t.Errorf("%s: again in %s, want %s", name, r.Next.Sub(now), c.want)
		}
	}
	r := &record{}
	r.succeed(now, report{statuses: []string{metric.DomainClientHold}}, 24*time.Hour, week)
	if r.succeed(now, report{}, 24*time.Hour, week); !within(r.Next, now, time.Hour) {
		t.Error("an answer without statuses has a domain on hold looked up in a day")
	}
}

func TestRegistry(t *testing.T) {
	now, spacing := day(2026, 11, 1), 5*time.Second
	r := &registry{}
	for i, want := range []time.Duration{
		30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute,
		time.Hour, time.Hour,
	} {
		r.silent(now, spacing, 0)
		if !within(r.Next, now, want) {
			t.Errorf("after %d failures again in %s, want %s", i+1, r.Next.Sub(now), want)
		}
	}
	r.answered(now, spacing)
	if !r.Next.Equal(now.Add(spacing)) {
		t.Errorf("after an answer again in %s", r.Next.Sub(now))
	}
	r.silent(now, spacing, 3*time.Hour)
	if !r.Next.Equal(now.Add(3 * time.Hour)) {
		t.Errorf("after Retry-After of 3 h again in %s", r.Next.Sub(now))
	}
}
