package ledger

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
)

// A new series must be seen at 0 before it is seen to count, by every Prometheus that scrapes, or the one
// that met it late would never learn of its first requests.
const (
	// scraperMemory is for how long a Prometheus that does not come back is waited for.
	scraperMemory = 5 * time.Minute
	maxScrapers   = 63
	// tellEvery is how often it is saved who scrapes, when nobody comes or goes.
	tellEvery = time.Minute
	// anyone is the bit of a scrape by something that does not say it is a Prometheus.
	anyone = 1 << 63
)

// scrapers are known by a hash of what tells them apart: it is saved, so that after a restart the first that comes does
// not release what the others have not seen.
type scrapers struct {
	mu   sync.Mutex
	seen map[uint64]scraper
	told time.Time
}

type scraper struct {
	bit  uint64
	last time.Time
}

// savedScraper is who scraped, and when it was last told of, in Unix milliseconds.
type savedScraper struct {
	hash uint64
	last int64
}

// remember waits for those that scraped before a restart as if they had just been told of.
func (s *scrapers) remember(all []savedScraper, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, old := range all {
		ago := max(now.UnixMilli()-old.last, 0)
		if bit := s.unused(); bit != 0 && ago <= scraperMemory.Milliseconds() {
			s.seen[old.hash] = scraper{bit, now.Add(-time.Duration(ago) * time.Millisecond)}
		}
	}
}

// note remembers a scraper and returns its bit and those of all that are waited for, and what to save of it, if anything.
func (s *scrapers) note(id string, now time.Time) (bit, active uint64, record []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bit = anyone
	changed := len(s.seen) > 0 && now.Sub(s.told) >= tellEvery
	if id != "" {
		hash := xxhash.Sum64String(id)
		old, ok := s.seen[hash]
		if !ok {
			old.bit = s.unused()
		}
		if old.bit != 0 {
			bit = old.bit
			s.seen[hash] = scraper{bit, now}
			changed = changed || !ok
		}
	}
	for hash, other := range s.seen {
		if now.Sub(other.last) > scraperMemory {
			delete(s.seen, hash)
			changed = true
			continue
		}
		active |= other.bit
	}
	if changed {
		s.told = now
		all := make([]savedScraper, 0, len(s.seen))
		for hash, other := range s.seen {
			all = append(all, savedScraper{hash, other.last.UnixMilli()})
		}
		record = appendScrapers(nil, all)
	}
	return bit, active, record
}

func appendScrapers(b []byte, all []savedScraper) []byte {
	b = binary.AppendUvarint(append(b, recordScrapers), uint64(len(all)))
	for _, s := range all {
		b = binary.AppendUvarint(b, s.hash)
		b = binary.AppendUvarint(b, uint64(s.last))
	}
	return b
}

func (l *Ledger) applyScrapers(r *reader) error {
	l.scraped = nil
	for n := r.count(2); n > 0; n-- {
		l.scraped = append(l.scraped, savedScraper{r.uint(), int64(r.uint())})
	}
	if len(l.scraped) > maxScrapers {
		return errRecord
	}
	return nil
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
	bit, active, record := b.scrapers.note(id, b.now())
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
	if record != nil {
		b.pending = append(b.pending, record)
	}
	if len(release) > 0 {
		b.pending = append(b.pending, appendLife(nil, recordRelease, release))
	}
	if len(thresholds) > 0 {
		b.pending = append(b.pending, appendThresholds(nil, recordReleaseThresholds, thresholds))
	}
}
