package store

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Every Prometheus that scrapes must see a new series at 0 before it sees counts. Otherwise the first requests of the
// series would be missing from increase().
const (
	// scraperMemory is how long a Prometheus is waited for that no longer scrapes.
	scraperMemory = 5 * time.Minute
	maxScrapers   = 63
	// scrapersSaved is the interval at which the known scrapers are saved while none comes or goes.
	scrapersSaved = time.Minute
	// anyone is the bit of a scrape by a client that does not identify itself as a Prometheus.
	anyone = 1 << 63
)

// scrapers are the known Prometheus servers, by a hash of their identity. The hashes are saved: after a restart the
// first server that scrapes does not release what the others have not seen.
type scrapers struct {
	mu    sync.Mutex
	seen  map[uint64]scraper
	saved time.Time
}

type scraper struct {
	bit  uint64
	last time.Time
}

// savedScraper identifies a scraper and the time it was last saved, in Unix milliseconds.
type savedScraper struct {
	hash uint64
	last int64
}

// remember restores the scrapers that were saved before a restart.
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

// note records a scrape. It returns the bit of the scraper, those of all scrapers that are waited for, and a record to
// save, if any.
func (s *scrapers) note(id string, now time.Time) (bit, active uint64, record []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bit = anyone
	changed := len(s.seen) > 0 && now.Sub(s.saved) >= scrapersSaved
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
		s.saved = now
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

func (st *State) applyScrapers(r *reader) error {
	st.scraped = nil
	for n := r.count(2); n > 0; n-- {
		st.scraped = append(st.scraped, savedScraper{r.uint(), int64(r.uint())})
	}
	if len(st.scraped) > maxScrapers {
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

// Scraped records that a scrape of a version was delivered whole to a Prometheus; the scraper is unknown if id is
// empty. New tenants and new thresholds are first exported at 0. Once every Prometheus has seen that, the next commit
// exports their counts.
func (s *Store) Scraped(id string, version uint64) {
	bit, active, record := s.scrapers.note(id, s.now())
	var release []uint32
	s.saved.mu.Lock()
	for slot, seen := range s.saved.pending {
		if s.saved.slots[slot].admitted > version {
			continue
		}
		seen |= bit
		s.saved.pending[slot] = seen
		if seen&active == active {
			release = append(release, slot)
		}
	}
	thresholds := s.saved.seeColumns(version, bit, active)
	s.saved.mu.Unlock()
	s.index.mu.Lock()
	defer s.index.mu.Unlock()
	if record != nil {
		s.index.records = append(s.index.records, record)
	}
	if len(release) > 0 {
		s.index.records = append(s.index.records, appendLife(nil, recordVisible, release))
	}
	if len(thresholds) > 0 {
		s.index.records = append(s.index.records, appendThresholds(nil, recordVisibleThresholds, thresholds))
	}
}
