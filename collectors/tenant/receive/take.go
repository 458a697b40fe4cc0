package receive

import (
	"bytes"
	"net/http"
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/count"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// Memory is which requests are in posts that are being saved. It outlives a reload of the policy.
type Memory struct {
	mu    sync.Mutex
	posts uint64
	ids   map[uint64]uint64 // the post that each is in
}

// batch is a post decoded: its events with their tenants found, and what became of its other records.
type batch struct {
	events   []count.Compact
	ids      []uint64 // of the events, 0 for none
	verdicts [decode.Verdicts]int
	records  int
}

var batches = sync.Pool{New: func() any { return &batch{} }}

// take decodes, counts and saves a body.
func (r *Receiver) take(req *http.Request, body []byte) error {
	table, err := r.Tables.Take(req.Context())
	if err != nil {
		return errUnavailable
	}
	table.Begin(r.Count)
	b := batches.Get().(*batch)
	defer batches.Put(b)
	*b = batch{events: b.events[:0], ids: b.ids[:0]}
	decoder := <-r.decoders
	err = b.decode(decoder, table, body)
	r.decoders <- decoder
	r.sample(b)
	if err == nil && b.records > 0 && b.verdicts[decode.Syntax] == b.records {
		err = errInvalid
	}
	if err != nil {
		table.Flush(nil, nil)
		r.Tables.Give(table)
		return err
	}
	post, fresh, ok := r.remember(b)
	defer r.forget(post, fresh)
	if !ok {
		table.Flush(nil, nil)
		r.Tables.Give(table)
		return errBusy // a copy of a request in it is being saved: what becomes of that is not known yet
	}
	for _, e := range b.events {
		if e.Slot != left {
			table.Count(e)
		}
	}
	for v, n := range b.verdicts {
		for range n {
			table.Leave(decode.Verdict(v))
		}
	}
	table.Read(uint64(b.records), uint64(len(body)))
	record := table.Flush(nil, fresh)
	r.Tables.Give(table)
	return r.Book.Commit(req.Context(), record)
}

// sample tells of records that cannot be read, now and then, and nothing of what they hold.
func (r *Receiver) sample(b *batch) {
	for v := decode.Syntax; v.Rejected(); v++ {
		if b.verdicts[v] > 0 && r.samples.Allow() {
			r.Logger.Warn("Records of a post cannot be read", "source", r.Name, "reason", v.Reason(), "records", b.verdicts[v], "of", b.records)
		}
	}
}

// left marks an event that is not counted.
const left = ^uint32(0)

// decode reads an array of records, one record, or one on each line.
func (b *batch) decode(d *decode.JSON, t *count.Table, body []byte) error {
	i := skipSpace(body, 0)
	if i < len(body) && body[i] == '[' {
		return b.array(d, t, body, i+1)
	}
	for i < len(body) {
		end, err := b.record(d, t, body, i)
		if err != nil {
			return err
		}
		if end < 0 { // the next line may be better
			n := bytes.IndexByte(body[i:], '\n')
			if n < 0 {
				return nil
			}
			end = i + n + 1
		}
		i = skipSpace(body, end)
	}
	return nil
}

// array reads records between brackets. A broken one spoils all: nobody can tell where the next begins.
func (b *batch) array(d *decode.JSON, t *count.Table, body []byte, i int) error {
	if i = skipSpace(body, i); i < len(body) && body[i] == ']' {
		i++
	} else {
		for {
			var err error
			if i, err = b.record(d, t, body, i); err != nil {
				return err
			}
			if i < 0 {
				return errInvalid
			}
			if i = skipSpace(body, i); i >= len(body) || body[i] != ',' && body[i] != ']' {
				return errInvalid
			}
			if i++; body[i-1] == ']' {
				break
			}
			i = skipSpace(body, i)
		}
	}
	if skipSpace(body, i) != len(body) {
		return errInvalid
	}
	return nil
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

func (b *batch) record(d *decode.JSON, t *count.Table, body []byte, i int) (int, error) {
	if b.records++; b.records > MaxRecords {
		return 0, errTooLarge
	}
	var e decode.Event
	end, verdict := d.Next(body, i, &e)
	if verdict != decode.Counted {
		b.verdicts[verdict]++
		return end, nil
	}
	id := uint64(0)
	if len(e.ID) > 0 {
		id = xxhash.Sum64(e.ID) | 1
	}
	c := count.Compact{Probe: e.Probe, Class: uint8(e.Class()), Duration: e.Duration, Bytes: e.Bytes, Time: e.Time}
	if !e.Probe {
		c.Slot = t.Slot(&e)
	}
	b.events, b.ids = append(b.events, c), append(b.ids, id)
	return end, nil
}

// remember leaves out what was counted before and holds the ids of the rest until they are saved. It is
// false if one of them is in another post whose fate is open.
func (r *Receiver) remember(b *batch) (post uint64, fresh []uint64, ok bool) {
	m := r.Memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ids == nil {
		m.ids = map[uint64]uint64{}
	}
	m.posts++
	post, ok = m.posts, true
	fresh = make([]uint64, 0, len(b.ids))
	r.Book.Seen(r.Count.Number, func(seen func(uint64) bool) {
		for i, id := range b.ids {
			if id == 0 {
				continue
			}
			other, open := m.ids[id]
			switch {
			case seen(id), open && other == post:
				b.events[i].Slot = left
				b.verdicts[decode.Duplicate]++
			case open:
				ok = false
				return
			default:
				m.ids[id] = post
				fresh = append(fresh, id)
			}
		}
	})
	return post, fresh, ok
}

// forget lets go of the ids of a post whose fate is known.
func (r *Receiver) forget(post uint64, ids []uint64) {
	r.Memory.mu.Lock()
	defer r.Memory.mu.Unlock()
	for _, id := range ids {
		if r.Memory.ids[id] == post {
			delete(r.Memory.ids, id)
		}
	}
}
