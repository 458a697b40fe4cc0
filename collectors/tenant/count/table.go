package count

import (
	"sync/atomic"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/ledger"
)

// How many slots, and how many of them with many durations, a table may hold before it should be flushed: it
// bounds the working memory.
const (
	Full           = 16_384
	fullHistograms = 4096
)

// maxMissed bounds the number of distinct tenants without a slot that are counted between two flushes.
const maxMissed = 4096

const cellsPerChunk = 64

// Source is what a table must know of where events come from.
type Source struct {
	Number     int
	Rule       *Rule
	Late       time.Duration
	Thresholds []uint64
	// Weight is how many requests an event stands for, in units of one in 2^16.
	Weight uint64
	// Unreadable counts events whose durations could not be read, by reason. It is nil if the caller does not need them.
	Unreadable *Unreadable
}

// Unreadable counts events by the reason why their durations could not be read.
type Unreadable [decode.Unreadables]atomic.Uint64

// Whole is the weight of an event that stands for itself.
const Whole = 1 << 16

// Table counts the events of one source between two records. It is made once and used for one source after
// the other.
type Table struct {
	book   *ledger.Book
	source *Source

	// What is remembered of where hosts lead holds until a slot is taken away or other names are in force.
	releases uint64
	names    *Names
	caches   map[*Rule]*cache
	cache    *cache

	other, unknown uint32
	index          []uint32 // by slot: its cell, counted from 1
	chunks         [][]ledger.Cell
	cells          []*ledger.Cell // in use
	histograms     ledger.Histograms
	missed         map[string]*uint64
	late           int64 // events before this Unix nanosecond are late
	now            int64
	carry, carried uint64 // of sampled events, now and at the last flush
	scratch        []byte
	fixed          uint32
	fixedKnown     bool
	waiting        []waiting
	keys           []byte // of what waits
	unreadable     [decode.Unreadables]uint64
	touched        uint64 // keeps the compiler from removing a load whose value is unused

	delta ledger.Delta
}

// NewTable returns an empty table.
func NewTable(book *ledger.Book) *Table {
	return &Table{book: book, caches: map[*Rule]*cache{}, missed: map[string]*uint64{}, scratch: make([]byte, 0, 304), waiting: make([]waiting, 0, together)}
}

// Begin prepares the table for a source.
func (t *Table) Begin(s *Source) {
	if releases := t.book.Releases(); releases != t.releases || s.Rule.Names != t.names || len(t.caches) > 64 {
		clear(t.caches)
		t.releases, t.names = releases, s.Rule.Names
	}
	t.source = s
	if t.cache = t.caches[s.Rule]; t.cache == nil {
		t.cache = newCache(1 << 18)
		t.caches[s.Rule] = t.cache
	}
	t.other, t.unknown = t.book.Slots(s.Rule.Service)
	t.fixedKnown = false
	t.Tick()
}

// Tick takes note of the time. Events are judged late by the last one.
func (t *Table) Tick() {
	t.now = time.Now().UnixNano()
	t.late = t.now - int64(t.source.Late)
}

// Full reports whether the table should be flushed.
func (t *Table) Full() bool { return len(t.cells) >= Full || t.histograms.Taken >= fullHistograms }

// Empty reports whether nothing was counted since the last flush.
func (t *Table) Empty() bool { return t.delta.Lines == 0 && t.delta.Bytes == 0 }

// Read counts what was read, whatever becomes of it.
func (t *Table) Read(lines, bytes uint64) {
	t.delta.Lines += lines
	t.delta.Bytes += bytes
}

// Leave counts a record that is no event to count.
func (t *Table) Leave(v decode.Verdict) { t.delta.Verdicts[v]++ }

// Slot finds where an event is counted: the tenant's own slot, or one of ours.
func (t *Table) Slot(e *decode.Event) uint32 {
	key := t.source.Rule.key(e)
	return t.slot(key, hashOf(key))
}

func (t *Table) slot(key []byte, hash uint64) uint32 {
	if t.source.Rule.By == ByFixed {
		if !t.fixedKnown {
			t.fixed, t.fixedKnown = t.slow(nil, 0), true
		}
		return t.fixed
	}
	if len(key) == 0 {
		return t.unknown
	}
	if slot, ok := t.cache.find(key, hash); ok {
		return slot
	}
	return t.slow(key, hash)
}

func (t *Table) slow(key []byte, hash uint64) uint32 {
	r := t.source.Rule
	name := r.name(key, t.scratch)
	if name == nil {
		return t.unknown
	}
	slot, ok := t.book.Lookup(r.Service, name)
	if !ok {
		if p := t.missed[string(name)]; p != nil {
			*p++
			return t.other
		}
		if slot, ok = t.book.Admit(r.Service, string(name)); !ok {
			if len(t.missed) < maxMissed {
				n := uint64(1)
				t.missed[string(name)] = &n
			}
			return t.other
		}
	}
	if len(key) > 0 && r.normal(key) {
		t.cache.put(key, hash, slot)
	}
	return slot
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

// Add counts an event, at the latest when the table is flushed.
func (t *Table) Add(e *decode.Event) {
	c := Compacted(e)
	if e.Probe {
		t.Count(c)
		return
	}
	key := t.source.Rule.key(e)
	if len(key) > maxHost {
		c.Slot = t.unknown
		t.Count(c)
		return
	}
	t.waiting = append(t.waiting, waiting{c, hashOf(key), uint32(len(t.keys)), uint32(len(key))})
	t.keys = append(t.keys, key...) // the decoder will use its memory again
	if len(t.waiting) == together {
		t.drain()
	}
}

// drain counts the events that wait.
func (t *Table) drain() {
	for i := range t.waiting {
		t.touched += t.cache.entries[t.cache.first(t.waiting[i].hash)].hash
	}
	for i := range t.waiting {
		w := &t.waiting[i]
		w.Slot = t.slot(t.keys[w.at:w.at+w.size], w.hash)
	}
	for i := range t.waiting {
		t.touched += t.cell(t.waiting[i].Slot).Bytes
	}
	for i := range t.waiting {
		t.Count(t.waiting[i].Compact)
	}
	t.waiting, t.keys = t.waiting[:0], t.keys[:0]
}

// Compact is an event whose tenant is known.
type Compact struct {
	Slot  uint32
	Class uint8
	Probe bool
	// Unreadable is why there is no duration although there should be one.
	Unreadable decode.Unreadable
	Duration   int64
	Bytes      uint64
	Time       int64
}

// Compacted returns an event without its tenant.
func Compacted(e *decode.Event) Compact {
	return Compact{
		Probe: e.Probe, Class: uint8(e.Class()), Unreadable: e.Unreadable, Duration: e.Duration, Bytes: e.Bytes, Time: e.Time,
	}
}

// Count counts an event whose tenant is known.
func (t *Table) Count(e Compact) {
	n := uint32(1)
	if t.source.Weight != Whole {
		t.carry += t.source.Weight
		n = uint32(t.carry >> 16)
		t.carry &= Whole - 1
	}
	if e.Time > 0 {
		t.delta.Newest = max(t.delta.Newest, min(e.Time, t.now))
	}
	if e.Probe {
		t.delta.Probes[e.Class] += uint64(n)
		return
	}
	t.unreadable[e.Unreadable]++
	c := t.cell(e.Slot)
	if e.Time > 0 && e.Time < t.late {
		c.Late[e.Class] += n
		return
	}
	c.Requests[e.Class] += n
	c.Bytes += e.Bytes * uint64(n)
	if e.Duration >= 0 {
		took := uint64(e.Duration)
		c.Observe(took, n, &t.histograms)
		for i, threshold := range t.source.Thresholds {
			if took > threshold {
				c.Slow[i] += n
			}
		}
	}
}

func (t *Table) cell(slot uint32) *ledger.Cell {
	if int(slot) >= len(t.index) {
		t.index = append(t.index, make([]uint32, int(slot)+1024-len(t.index))...)
	}
	if i := t.index[slot]; i > 0 {
		return t.cells[i-1]
	}
	n := len(t.cells)
	if n/cellsPerChunk >= len(t.chunks) {
		t.chunks = append(t.chunks, make([]ledger.Cell, cellsPerChunk))
	}
	c := &t.chunks[n/cellsPerChunk][n%cellsPerChunk]
	c.Slot = slot
	t.cells = append(t.cells, c)
	t.index[slot] = uint32(len(t.cells))
	return c
}

// Flush returns what was counted as a record to commit and empties the table.
func (t *Table) Flush(files []ledger.File, ids []uint64) []byte {
	t.drain()
	d := &t.delta
	d.Source, d.Epoch, d.Thresholds = t.source.Number, t.book.Epoch(), t.source.Thresholds
	d.Files, d.IDs, d.Cells = files, ids, t.cells
	d.Newest /= int64(time.Millisecond)
	if d.Lines > 0 {
		d.Read = time.Now().UnixMilli()
	}
	record := ledger.Encode(d)
	t.report()
	t.empty()
	if len(t.missed) > 0 {
		counts := make(map[string]uint64, len(t.missed))
		for name, n := range t.missed {
			counts[name] = *n
		}
		clear(t.missed)
		t.book.Missed(t.source.Rule.Service, counts)
	}
	t.trim()
	return record
}

// Discard empties the table as if nothing had been counted since the last flush.
func (t *Table) Discard() {
	t.waiting, t.keys, t.carry = t.waiting[:0], t.keys[:0], t.carried
	t.empty()
	clear(t.missed)
	t.trim()
}

// report adds what could not be read of the events that are about to be saved.
func (t *Table) report() {
	for reason, n := range t.unreadable {
		if n > 0 && t.source.Unreadable != nil {
			t.source.Unreadable[reason].Add(n)
		}
	}
}

func (t *Table) empty() {
	for _, c := range t.cells {
		t.index[c.Slot] = 0
		c.Reset(0, &t.histograms)
	}
	t.cells = t.cells[:0]
	t.delta, t.carried = ledger.Delta{}, t.carry
	t.unreadable = [decode.Unreadables]uint64{}
}

func (t *Table) trim() {
	if len(t.chunks) > 2*Full/cellsPerChunk {
		t.chunks = t.chunks[:2*Full/cellsPerChunk] // a large post came by
		t.cells = make([]*ledger.Cell, 0, Full)
	}
	t.histograms.Trim(fullHistograms)
}
