package ledger

import (
	"sync"
	"time"
)

// A new series must be seen at 0 before it is seen to count, by every Prometheus that scrapes, or the one
// that met it late would never learn of its first requests.
const (
	// scraperMemory is for how long a Prometheus that does not come back is waited for.
	scraperMemory = 5 * time.Minute
	maxScrapers   = 63
	// anyone is the bit of a scrape by something that does not say it is a Prometheus.
	anyone = 1 << 63
)

type scrapers struct {
	mu   sync.Mutex
	seen map[string]scraper
}

type scraper struct {
	bit  uint64
	last time.Time
}

// note remembers a scraper and returns its bit and those of all that are waited for.
func (s *scrapers) note(id string, now time.Time) (bit, active uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bit = anyone
	if id != "" {
		old, ok := s.seen[id]
		if !ok {
			old.bit = s.unused()
		}
		if old.bit != 0 {
			bit = old.bit
			s.seen[id] = scraper{bit, now}
		}
	}
	for name, other := range s.seen {
		if now.Sub(other.last) > scraperMemory {
			delete(s.seen, name)
			continue
		}
		active |= other.bit
	}
	return bit, active
}

func (s *scrapers) unused() uint64 {
	var used uint64
	for _, other := range s.seen {
		used |= other.bit
	}
	for bit := uint64(1); bit < anyone && len(s.seen) < maxScrapers; bit <<= 1 {
		if used&bit == 0 {
			return bit
		}
	}
	return 0
}

// Scraped tells that a scrape of a version was delivered whole to a Prometheus, or to someone unknown if id
// is empty. Series that every Prometheus has now seen at 0, of new tenants and beyond new thresholds, are shown
// with their counts from the next commit on.
func (b *Book) Scraped(id string, version uint64) {
	bit, active := b.scrapers.note(id, b.now())
	var release []uint32
	b.Ledger.mu.Lock()
	for slot, seen := range b.held {
		if b.slots[slot].admitted > version {
			continue
		}
		seen |= bit
		b.held[slot] = seen
		if seen&active == active {
			release = append(release, slot)
		}
	}
	thresholds := b.seeColumns(version, bit, active)
	b.Ledger.mu.Unlock()
	b.directory.mu.Lock()
	defer b.directory.mu.Unlock()
	if len(release) > 0 {
		b.pending = append(b.pending, appendLife(nil, recordRelease, release))
	}
	if len(thresholds) > 0 {
		b.pending = append(b.pending, appendThresholds(nil, recordReleaseThresholds, thresholds))
	}
}
