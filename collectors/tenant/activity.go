package tenant

import (
	"context"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
)

// activityTick is how often the counts of tenants may be copied, activityWindow how old a copy is before the next is
// made. What tenants did lately is the difference to the copy before the newest: between one window and two.
const (
	activityTick   = time.Minute
	activityWindow = 5 * time.Minute
)

// activity remembers the counts of the tenants with series, for the status page.
type activity struct {
	mu            sync.Mutex
	newest, older counted
}

// counted are counts at a moment.
type counted struct {
	at     time.Time
	counts map[tenantKey]lately
}

type tenantKey struct{ service, tenant string }

// lately is what a tenant did in a time.
type lately struct {
	requests, failed, slow uint64
	created                int64 // when its series began, in Unix milliseconds
}

// count reads the counts of all tenants with series.
func count(st *store.Store, now time.Time) counted {
	c := counted{at: now, counts: map[tenantKey]lately{}}
	v := st.View()
	// An error means that the thresholds changed meanwhile: then the slow ones are those of other thresholds.
	_ = v.Each(func(s *store.Series) {
		if s.Special || s.Stale {
			return
		}
		n := lately{failed: s.Requests[4], created: s.Created}
		for _, more := range s.Requests {
			n.requests += more
		}
		if len(s.Slow) > 0 {
			n.slow = s.Slow[0]
		}
		c.counts[tenantKey{v.Services[s.Service], s.Tenant}] = n
	}, func() error { return nil })
	return c
}

// poll copies the counts whenever the newest copy is old enough.
func (a *activity) poll(st *store.Store) collectors.Poll {
	return collectors.Poll{Part: "activity", Interval: activityTick, Round: func(context.Context) error {
		now := time.Now()
		a.mu.Lock()
		due := a.newest.counts == nil || now.Sub(a.newest.at) >= activityWindow
		a.mu.Unlock()
		if !due {
			return nil
		}
		next := count(st, now)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.newest, a.older = next, a.newest
		return nil
	}}
}

// since returns what tenants did since a copy, and its time; zero if there is none yet.
func (a *activity) since(now counted) (map[tenantKey]lately, time.Time) {
	a.mu.Lock()
	before := a.older
	if before.counts == nil {
		before = a.newest
	}
	a.mu.Unlock()
	if before.counts == nil {
		return nil, time.Time{}
	}
	all := map[tenantKey]lately{}
	for key, n := range now.counts {
		b, known := before.counts[key]
		// An admission is saved, and so counted, a moment after it was made.
		if !known && n.created < before.at.Add(-activityTick).UnixMilli() {
			continue // it has older counts, of which it is not known what is new
		}
		if n.requests < b.requests || n.failed < b.failed {
			b = lately{} // it began anew
		}
		if n.requests > b.requests {
			all[key] = lately{
				requests: n.requests - b.requests, failed: n.failed - b.failed, slow: n.slow - min(b.slow, n.slow),
			}
		}
	}
	return all, before.at
}
