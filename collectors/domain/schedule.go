package domain

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// firstRetry is the pause after the first failure of a domain, which doubles with each further one up to the
	// interval.
	firstRetry = 15 * time.Minute
	// soonAgain is how long after a report a domain is looked up again that is lost, or whose renewal is urgent, so that
	// its alert ends soon after the mend.
	soonAgain = time.Hour
	// firstPause is the pause of a registry after it did not answer at all, which doubles up to maxPause.
	firstPause = 30 * time.Second
	maxPause   = time.Hour
	// jitter is the share by which a pause is longer or shorter, so that exporters and domains do not keep in step.
	jitter = 0.1
)

// record is what is known of a domain. It is saved.
type record struct {
	Expires     time.Time `json:"expires,omitzero"`  // zero if the registry publishes no date
	Statuses    []string  `json:"statuses"`          // those that the registration has, nil if never reported
	LastSuccess time.Time `json:"last_success"`      // zero if the registry never reported
	Next        time.Time `json:"next"`              // not looked up before
	Failures    int       `json:"failures,omitzero"` // since the last success
	Reason      string    `json:"reason,omitempty"`  // of the last failure
}

// succeed notes a report. One without statuses, where they were reported before, leaves them and their age as they
// were. urgent is the time before the expiry by which the renewal is urgent.
func (r *record) succeed(now time.Time, got report, interval, urgent time.Duration) {
	next := record{Expires: got.expires, Statuses: got.statuses, LastSuccess: now}
	if got.statuses == nil && r.Statuses != nil {
		next.Statuses, next.LastSuccess = r.Statuses, r.LastSuccess
	}
	if next.lost() || !next.Expires.IsZero() && next.Expires.Sub(now) < urgent {
		interval = min(interval, soonAgain)
	}
	next.Next = now.Add(spread(interval))
	*r = next
}

// lost reports whether the domain does not resolve or is about to be lost.
func (r *record) lost() bool {
	return slices.ContainsFunc(r.Statuses, func(s string) bool { return slices.Contains(metric.DomainLostStatuses, s) })
}

// fail notes a failure. What was known before stays.
func (r *record) fail(now time.Time, reason string, interval time.Duration) {
	r.Failures++
	r.Reason = reason
	r.Next = now.Add(spread(doubled(firstRetry, r.Failures, interval)))
}

// registry is one RDAP server. It is asked one thing at a time, and not before Next.
type registry struct {
	Next     time.Time `json:"next"`
	Failures int       `json:"failures,omitzero"` // in a row, of look-ups that it did not answer
}

// answered notes a look-up that the registry answered, well or not.
func (r *registry) answered(now time.Time, spacing time.Duration) {
	r.Failures, r.Next = 0, now.Add(spacing)
}

// silent notes a look-up that the registry did not answer, or refused for now. wait is for how long it asked to be
// left alone.
func (r *registry) silent(now time.Time, spacing, wait time.Duration) {
	r.Failures++
	r.Next = now.Add(max(spacing, wait, spread(doubled(firstPause, r.Failures, maxPause))))
}

// doubled returns a pause after so many failures, at most the longest.
func doubled(first time.Duration, failures int, longest time.Duration) time.Duration {
	pause := first
	for i := 1; i < failures && pause < longest; i++ {
		pause *= 2
	}
	return min(pause, longest)
}

func spread(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (1 - jitter + 2*jitter*rand.Float64()))
}
