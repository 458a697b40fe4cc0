package history

import "time"

// trouble is a time in which the platform, or one tenant, was not as usual.
type trouble struct {
	before  time.Duration // from its begin to the end of the records
	lasts   time.Duration
	tenant  string  // empty for all
	failing float64 // share of requests that failed
	slow    float64 // share of requests that were slow
	down    bool    // for health checks too
}

const (
	hour = time.Hour
	day  = 24 * hour
)

// usuallySlow is the share of requests that are slow on a good day.
const usuallySlow = 0.004

// troubles spend a fifth to two thirds of the service's budget, which depends on the traffic at their hours.
var troubles = []trouble{
	{before: 12*day + 7*hour, lasts: 25 * time.Minute, slow: .4},
	{before: 9*day + 5*hour, lasts: 3 * time.Minute, tenant: "initech", failing: 1, down: true},
	{before: 6*day + 4*hour, lasts: time.Minute, failing: 1, down: true},
	{before: 4*day + 9*hour, lasts: 15 * time.Minute, failing: .005},
	{before: 3*day + 2*hour, lasts: 5 * time.Minute, tenant: "globex", failing: 1, down: true},
	{before: day + 6*hour, lasts: 40 * time.Minute, slow: .3},
	{before: 12 * hour, lasts: 2 * hour, tenant: "wonka", slow: .6},
}

// concerns reports whether a tenant, or the service if it is empty, is affected.
func (t trouble) concerns(tenant string) bool { return t.tenant == "" || t.tenant == tenant }

// within returns how much of it is between two times.
func (t trouble) within(end, from, to time.Time) time.Duration {
	begin := end.Add(-t.before)
	until := begin.Add(t.lasts)
	if begin.Before(from) {
		begin = from
	}
	if until.After(to) {
		until = to
	}
	return max(0, until.Sub(begin))
}

// shares returns the shares of a tenant's requests that fail and that are slow.
func (w *world) shares(tenant string, from, to time.Time) (failing, slow float64) {
	slow = usuallySlow
	for _, t := range troubles {
		if t.concerns(tenant) {
			part := float64(t.within(w.end, from, to)) / float64(to.Sub(from))
			failing += part * t.failing
			slow += part * t.slow
		}
	}
	return failing, slow
}

// down returns for how long the health check of a tenant, or of the service if it is empty, was down.
func (w *world) down(tenant string, from, to time.Time) time.Duration {
	var sum time.Duration
	for _, t := range troubles {
		if t.down && t.concerns(tenant) {
			sum += t.within(w.end, from, to)
		}
	}
	return sum
}

// begun returns how many outages of the check began.
func (w *world) begun(tenant string, from, to time.Time) float64 {
	n := 0.0
	for _, t := range troubles {
		if begin := w.end.Add(-t.before); t.down && t.concerns(tenant) && !begin.Before(from) && begin.Before(to) {
			n++
		}
	}
	return n
}
