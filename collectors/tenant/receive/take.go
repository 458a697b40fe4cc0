package receive

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// batch is a post being counted: a share of its events with their tenants found, the ids of all of them, and what
// became of its other records.
type batch struct {
	events   []aggregate.Compact
	ids      []uint64 // of the events, 0 for none
	outcomes [decode.Outcomes]int
	records  int
	fresh    []uint64 // ids that are saved with it
	event    decode.Event
	// unread is the beginning of a duration that cannot be read, and unreadable why.
	unread     []byte
	unreadable decode.Unreadable
}

// share is how many events are held before they are counted.
const share = 4096

var batches = sync.Pool{New: func() any {
	return &batch{events: make([]aggregate.Compact, 0, share), ids: make([]uint64, 0, share)}
}}

// take decodes, counts and saves a body. What is counted of it before it turns out that it cannot be taken is dropped
// with the aggregator that counted it.
func (r *Receiver) take(req *http.Request, body io.Reader) error {
	own := r.InFlight.begin()
	defer r.InFlight.end(own)
	var record []byte
	err := collectors.Guard(func() error {
		return r.Aggregators.With(req.Context(), r.Count, func(agg *aggregate.Aggregator) (err error) {
			record, err = r.count(agg, body, own)
			return err
		})
	})
	switch {
	case err != nil && (collectors.ReasonOf(err) == collectors.ReasonPanic || errors.Is(err, req.Context().Err())):
		collectors.LogPanic(r.Logger, err)
		return errUnavailable
	case err != nil:
		return err
	}
	return r.Store.Commit(req.Context(), record)
}

// count decodes a body, counts it but for the events that were counted before, and returns the record of that. Their
// ids are own until the record is saved.
func (r *Receiver) count(agg *aggregate.Aggregator, body io.Reader, own *idSet) ([]byte, error) {
	b := batches.Get().(*batch)
	defer batches.Put(b)
	*b = batch{events: b.events[:0], ids: b.ids[:0]}
	w := takeWindow(body)
	defer w.free()
	decoder := <-r.decoders
	defer func() { r.decoders <- decoder }()
	settle := func() error { return r.settle(b, agg, own) }
	err := b.decode(decoder, w, func([]byte) error { return b.hold(agg, settle) })
	if err == nil {
		err = settle()
	}
	r.sample(b)
	if err == nil && b.records > 0 && b.outcomes[decode.Syntax] == b.records {
		err = errInvalid
	}
	if err != nil {
		return nil, err
	}
	for v, n := range b.outcomes {
		for range n {
			agg.Skip(decode.Outcome(v))
		}
	}
	agg.Read(uint64(b.records), w.read)
	return agg.Flush(nil, b.fresh), nil
}

// settle counts a share of the events, but for those that were counted before. A copy of one of them that is being
// saved makes the whole post wait: what becomes of that copy is not known yet.
func (r *Receiver) settle(b *batch, agg *aggregate.Aggregator, own *idSet) error {
	defer func() { b.events, b.ids = b.events[:0], b.ids[:0] }()
	m := r.InFlight
	m.mu.Lock()
	defer m.mu.Unlock()
	busy := false
	r.Store.Seen(r.Count.Number, func(seen func(uint64) bool) {
		for i, id := range b.ids {
			switch {
			case id == 0:
			case seen(id) || own.has(id):
				b.outcomes[decode.Duplicate]++
				b.events[i].Slot = skipped
			case m.open(id, own):
				busy = true
				return
			default:
				own.add(id)
				b.fresh = append(b.fresh, id)
			}
		}
	})
	if busy {
		return errBusy
	}
	for i := range b.events {
		if e := &b.events[i]; e.Slot != skipped {
			agg.Count(e)
		}
	}
	return nil
}

// open reports whether an id is in another post whose fate is open. The caller holds the lock.
func (m *InFlight) open(id uint64, own *idSet) bool {
	for other := range m.posts {
		if other != own && other.has(id) {
			return true
		}
	}
	return false
}

// sample logs unreadable records at a bounded rate, without their content.
func (r *Receiver) sample(b *batch) {
	for v := decode.Syntax; v.Rejected(); v++ {
		if b.outcomes[v] > 0 {
			r.Status.Reject(v, nil, func() string { return fmt.Sprintf("%d of %d records of a post", b.outcomes[v], b.records) })
		}
		if b.outcomes[v] > 0 && r.samples.Allow() {
			r.Logger.Warn("Records of a post cannot be read", "source", r.Name, "reason", v.Reason(), "records", b.outcomes[v],
				"of", b.records)
		}
	}
	if b.unreadable != decode.Readable {
		r.Status.Unreadable(r.Logger, b.unreadable, b.unread)
	}
}

// skipped marks an event that is not counted.
const skipped = ^uint32(0)

// decode reads an array of records, one record, or one on each line, and calls each for every request: raw is how it
// was written, and lies where the next one will.
func (b *batch) decode(d *decode.JSON, w *window, each func(raw []byte) error) error {
	if err := b.read(d, w, each); err != nil {
		return err
	}
	return w.err // the body itself cannot be read
}

func (b *batch) read(d *decode.JSON, w *window, each func(raw []byte) error) error {
	if w.space() && w.b[w.at] == '[' {
		w.at++
		return b.array(d, w, each)
	}
	for w.space() {
		ok, err := b.record(d, w, each)
		if err != nil {
			return err
		}
		if !ok { // the next line may be better
			w.line()
		}
	}
	return nil
}

// array reads records between brackets. A broken record spoils the rest, because the start of the next is unknown.
func (b *batch) array(d *decode.JSON, w *window, each func(raw []byte) error) error {
	for first := true; ; first = false {
		if !w.space() {
			return w.broken()
		}
		if c := w.b[w.at]; c == ']' {
			break
		} else if !first {
			if c != ',' {
				return w.broken()
			}
			w.at++
			if !w.space() {
				return w.broken()
			}
		}
		switch ok, err := b.record(d, w, each); {
		case err != nil:
			return err
		case !ok:
			return w.broken()
		}
	}
	if w.at++; w.space() {
		return w.broken()
	}
	return nil
}

// broken is why an array cannot be read: it is too large or cut off, or no array.
func (w *window) broken() error {
	if w.err != nil {
		return w.err
	}
	return errInvalid
}

// record decodes the next record and reports whether it is one.
func (b *batch) record(d *decode.JSON, w *window, each func(raw []byte) error) (bool, error) {
	if b.records++; b.records > MaxRecords {
		return false, errTooLarge
	}
	e := &b.event
	end, outcome := d.Next(w.b, w.at, e)
	for end < 0 && w.more() {
		end, outcome = d.Next(w.b, w.at, e)
	}
	start := w.at
	if end >= 0 {
		w.at = end
	}
	if outcome != decode.Counted {
		b.outcomes[outcome]++
		return end >= 0, nil
	}
	if e.Unreadable != decode.Readable && b.unreadable == decode.Readable {
		b.unreadable, b.unread = e.Unreadable, append([]byte(nil), e.Unread[:min(len(e.Unread), 64)]...)
	}
	return true, each(w.b[start:w.at])
}

// hold keeps the request at hand, and counts what is held when it is a share.
func (b *batch) hold(agg *aggregate.Aggregator, settle func() error) error {
	e := &b.event
	id := uint64(0)
	if len(e.ID) > 0 {
		id = xxhash.Sum64(e.ID) | 1
	}
	c := agg.Compact(e)
	if !e.Probe {
		c.Place = agg.Place(e)
	}
	if b.events, b.ids = append(b.events, c), append(b.ids, id); len(b.events) == share {
		return settle()
	}
	return nil
}
