package aggregate

import (
	"sync/atomic"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
)

// How many slots, and how many of them with many durations, an aggregator may hold before it should be flushed: it
// bounds the working memory.
const (
	Full           = 16_384
	fullHistograms = 4096
)

// maxMissed bounds the number of distinct tenants without a slot that are counted between two flushes.
const maxMissed = 4096

const accumulatorsPerChunk = 64

// CountSource is what an aggregator must know of the source of events.
type CountSource struct {
	Number     int
	Rule       *Rule
	Late       time.Duration
	Thresholds []uint64
	// Weight is how many requests an event stands for, in units of one in 2^16.
	Weight uint64
	// Logins are the paths at which users log in.
	Logins [][]byte
	// Unreadable counts events whose durations could not be read, by reason. It is nil if the caller does not need them.
	Unreadable *Unreadable
}

// Unreadable counts events by the reason why their durations could not be read.
type Unreadable [decode.Unreadables]atomic.Uint64

// Whole is the weight of an event that stands for itself.
const Whole = 1 << 16

// missed are the requests of a tenant without a slot.
type missed struct {
	requests uint64
	pool     uint32
}

// Aggregator counts the events of one source between two records. It is made once and used for one source after
// the other.
type Aggregator struct {
	store  *store.Store
	source *CountSource

	// The caches of hosts are valid until a slot is taken away or other names are in force.
	revocations uint64
	names       *Names
	caches      map[*Rule]*cache
	cache       *cache

	other, unknown uint32
	index          []uint32 // by slot: its accumulator, counted from 1
	chunks         [][]store.Accumulator
	accumulators   []*store.Accumulator // in use
	histograms     store.Histograms
	missed         map[string]*missed
	late           int64 // events before this Unix nanosecond are late
	now            int64
	carry, carried uint64 // of sampled events, now and at the last flush
	scratch        []byte
	fixed          Place
	fixedKnown     bool
	waiting        []waiting
	keys           []byte // of what waits
	unreadable     [decode.Unreadables]uint64
	touched        uint64 // keeps the compiler from removing a load whose value is unused

	batch store.Batch
}

// NewAggregator returns an empty aggregator.
func NewAggregator(st *store.Store) *Aggregator {
	return &Aggregator{
		store: st, caches: map[*Rule]*cache{}, missed: map[string]*missed{}, scratch: make([]byte, 0, 304),
		waiting: make([]waiting, 0, together),
	}
}

// Begin prepares the aggregator for a source.
func (a *Aggregator) Begin(s *CountSource) {
	if revocations := a.store.Revocations(); revocations != a.revocations || s.Rule.Names != a.names ||
		len(a.caches) > 64 {
		clear(a.caches)
		a.revocations, a.names = revocations, s.Rule.Names
	}
	a.source = s
	if a.cache = a.caches[s.Rule]; a.cache == nil {
		a.cache = newCache(1 << 18)
		a.caches[s.Rule] = a.cache
	}
	a.other, a.unknown = a.store.Slots(s.Rule.Service)
	a.fixedKnown = false
	a.Tick()
}

// Tick records the present time, by which events are late.
func (a *Aggregator) Tick() {
	a.now = time.Now().UnixNano()
	a.late = a.now - int64(a.source.Late)
}

// Full reports whether the aggregator should be flushed.
func (a *Aggregator) Full() bool {
	return len(a.accumulators) >= Full || a.histograms.Taken >= fullHistograms
}

// Empty reports whether nothing was counted since the last flush.
func (a *Aggregator) Empty() bool { return a.batch.Lines == 0 && a.batch.Bytes == 0 }

// Read counts lines and bytes that were read, whatever their outcome.
func (a *Aggregator) Read(lines, bytes uint64) {
	a.batch.Lines += lines
	a.batch.Bytes += bytes
}

// Skip counts a record that is not counted as a request, by its outcome.
func (a *Aggregator) Skip(v decode.Outcome) { a.batch.Outcomes[v]++ }

// Place is where an event is counted: the slot of its tenant, of _other or of _unknown. What is counted for _other
// counts for a pool, too; all other slots are of a pool themselves, which the store knows.
type Place struct{ Slot, Pool uint32 }

// Place finds where an event is counted.
func (a *Aggregator) Place(e *decode.Event) Place {
	key := a.source.Rule.key(e)
	return a.place(key, hashOf(key))
}

func (a *Aggregator) place(key []byte, hash uint64) Place {
	if a.source.Rule.By == ByFixed {
		if !a.fixedKnown {
			a.fixed, a.fixedKnown = a.slow(nil, 0), true
		}
		return a.fixed
	}
	if len(key) == 0 {
		return Place{Slot: a.unknown}
	}
	if slot, ok := a.cache.find(key, hash); ok {
		return Place{Slot: slot}
	}
	return a.slow(key, hash)
}

func (a *Aggregator) slow(key []byte, hash uint64) Place {
	r := a.source.Rule
	name := r.name(key, a.scratch)
	if name == nil {
		return Place{Slot: a.unknown}
	}
	slot, ok := a.store.Lookup(r.Service, name)
	if !ok {
		if m := a.missed[string(name)]; m != nil {
			m.requests++
			return Place{a.other, m.pool}
		}
		if slot, ok = a.store.Admit(r.Service, string(name)); !ok {
			pool := a.store.Pool(r.Service, string(name))
			if len(a.missed) < maxMissed {
				a.missed[string(name)] = &missed{1, pool}
			}
			return Place{a.other, pool}
		}
	}
	if len(key) > 0 && r.normal(key) {
		a.cache.put(key, hash, slot)
	}
	return Place{Slot: slot}
}

// together is how many events are counted at once: with many tenants each needs memory that is far away, and a
// processor fetches for several of them at a time what it would else wait for one by one.
const together = 64

// waiting is an event that will be counted with others.
type waiting struct {
	Compact
	hash     uint64
	at, size uint32 // of its key
}

// Add counts an event, at the latest when the aggregator is flushed.
func (a *Aggregator) Add(e *decode.Event) {
	if e.Probe {
		c := a.Compact(e)
		a.Count(&c)
		return
	}
	key := a.source.Rule.key(e)
	if len(key) > maxHost {
		c := a.Compact(e)
		c.Slot = a.unknown
		a.Count(&c)
		return
	}
	// An event is written where it waits: a copy of what has just been written in parts waits for all of them.
	a.waiting = append(a.waiting, waiting{})
	w := &a.waiting[len(a.waiting)-1]
	w.take(e, a.source.Logins)
	w.hash, w.at, w.size = hashOf(key), uint32(len(a.keys)), uint32(len(key))
	a.keys = append(a.keys, key...) // the decoder will use its memory again
	if len(a.waiting) == together {
		a.drain()
	}
}

// drain counts the events that wait.
func (a *Aggregator) drain() {
	for i := range a.waiting {
		a.touched += a.cache.entries[a.cache.first(a.waiting[i].hash)].hash
	}
	for i := range a.waiting {
		w := &a.waiting[i]
		w.Place = a.place(a.keys[w.at:w.at+w.size], w.hash)
	}
	for i := range a.waiting {
		a.touched += a.accumulator(a.waiting[i].Slot).Touch(a.waiting[i].Duration)
	}
	for i := range a.waiting {
		a.Count(&a.waiting[i].Compact)
	}
	a.waiting, a.keys = a.waiting[:0], a.keys[:0]
}

// Count counts an event whose tenant is known.
func (a *Aggregator) Count(e *Compact) {
	n := uint32(1)
	if a.source.Weight != Whole {
		a.carry += a.source.Weight
		n = uint32(a.carry >> 16)
		a.carry &= Whole - 1
	}
	if e.Time > 0 {
		a.batch.Newest = max(a.batch.Newest, min(e.Time, a.now))
	}
	if e.Probe {
		a.batch.Probes[e.Class] += uint64(n)
		return
	}
	if e.Refusal != 0 {
		a.refuse(e, n)
	}
	a.unreadable[e.Unreadable]++
	a.add(e.Slot, e, n)
	if e.Pool != 0 {
		a.add(e.Pool, e, n)
	}
}

// add counts n events as one that a slot has.
func (a *Aggregator) add(slot uint32, e *Compact, n uint32) {
	c := a.accumulator(slot)
	if e.late(a.late) {
		c.Late[e.Class] += n
		return
	}
	c.Requests[e.Class] += n
	c.Bytes += e.Bytes * uint64(n)
	if e.Duration >= 0 {
		took := uint64(e.Duration)
		c.Observe(took, n, &a.histograms)
		for i, threshold := range a.source.Thresholds {
			if took > threshold {
				c.Slow[i] += n
			}
		}
	}
}

func (a *Aggregator) accumulator(slot uint32) *store.Accumulator {
	if int(slot) >= len(a.index) {
		a.index = append(a.index, make([]uint32, int(slot)+1024-len(a.index))...)
	}
	if i := a.index[slot]; i > 0 {
		return a.accumulators[i-1]
	}
	n := len(a.accumulators)
	if n/accumulatorsPerChunk >= len(a.chunks) {
		a.chunks = append(a.chunks, make([]store.Accumulator, accumulatorsPerChunk))
	}
	c := &a.chunks[n/accumulatorsPerChunk][n%accumulatorsPerChunk]
	c.Slot = slot
	a.accumulators = append(a.accumulators, c)
	a.index[slot] = uint32(len(a.accumulators))
	return c
}

// Flush returns what was counted as a record to commit and empties the aggregator.
func (a *Aggregator) Flush(files []store.File, ids []uint64) []byte {
	a.drain()
	d := &a.batch
	d.Source, d.Epoch, d.Thresholds = a.source.Number, a.store.Epoch(), a.source.Thresholds
	d.Files, d.IDs, d.Accumulators = files, ids, a.accumulators
	d.Newest /= int64(time.Millisecond)
	if d.Lines > 0 {
		d.Read = time.Now().UnixMilli()
	}
	record := store.Encode(d)
	a.report()
	a.empty()
	if len(a.missed) > 0 {
		counts := make(map[string]uint64, len(a.missed))
		for name, n := range a.missed {
			counts[name] = n.requests
		}
		clear(a.missed)
		a.store.Missed(a.source.Rule.Service, counts)
	}
	a.trim()
	return record
}

// Discard empties the aggregator as if nothing had been counted since the last flush.
func (a *Aggregator) Discard() {
	a.waiting, a.keys, a.carry = a.waiting[:0], a.keys[:0], a.carried
	a.empty()
	clear(a.missed)
	a.trim()
}

// report adds what could not be read of the events that are about to be saved.
func (a *Aggregator) report() {
	for reason, n := range a.unreadable {
		if n > 0 && a.source.Unreadable != nil {
			a.source.Unreadable[reason].Add(n)
		}
	}
}

func (a *Aggregator) empty() {
	for _, c := range a.accumulators {
		a.index[c.Slot] = 0
		c.Reset(0, &a.histograms)
	}
	a.accumulators = a.accumulators[:0]
	a.batch, a.carried = store.Batch{}, a.carry
	a.unreadable = [decode.Unreadables]uint64{}
}

func (a *Aggregator) trim() {
	if len(a.chunks) > 2*Full/accumulatorsPerChunk {
		a.chunks = a.chunks[:2*Full/accumulatorsPerChunk] // a large post came by
		a.accumulators = make([]*store.Accumulator, 0, Full)
	}
	a.histograms.Trim(fullHistograms)
}
