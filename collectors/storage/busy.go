package storage

import (
	"sync"
	"time"
)

// busy remembers how many operations devices did between the last two readings, beside what they may do.
type busy struct {
	mu     sync.Mutex
	at     time.Time
	counts map[string]uint64  // reads and writes
	rates  map[string]float64 // operations a second
	shares map[string]float64 // of their limit
}

// note records the counters of a reading.
func (b *busy) note(r *reading, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	counts, rates, shares := map[string]uint64{}, map[string]float64{}, map[string]float64{}
	elapsed := now.Sub(b.at).Seconds()
	for i := range r.devices {
		d := &r.devices[i]
		n := d.values[fieldReads] + d.values[fieldWrites]
		counts[d.name] = n
		limit := r.limits[place{r.host, d.name}].iops
		if before, ok := b.counts[d.name]; ok && n >= before && elapsed > 0 {
			rates[d.name] = float64(n-before) / elapsed
			if limit > 0 {
				shares[d.name] = rates[d.name] / limit
			}
		}
	}
	b.at, b.counts, b.rates, b.shares = now, counts, rates, shares
}

// now returns the operations a second of each device between the last two readings. They are not changed later.
func (b *busy) now() map[string]float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rates
}

// scarce reports whether any device of the machine with a limit is near it. It does not ask which of them
// the path lies on: a canary can wait for a quiet moment.
func (b *busy) scarce(string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, share := range b.shares {
		if share > canaryBusyShare {
			return true
		}
	}
	return false
}
