package store

import (
	"encoding/binary"
	"slices"
)

// Name and version of the snapshot, and of the log beside it.
const (
	snapshotName    = "tenant"
	snapshotVersion = 1
	snapshotBytes   = 1 << 30
)

// slotsPerRecord bounds the records of a snapshot.
const slotsPerRecord = 10_000

// snapshot encodes the whole state as the records that lead to it from nothing. segment is where the log
// goes on. The caller is the only one who changes the state.
func (st *State) snapshot(segment uint64) []byte {
	u := binary.AppendUvarint
	out := u(nil, segment)
	var b []byte
	put := func() {
		out = u(out, uint64(len(b)))
		out = append(out, b...)
		b = b[:0]
	}
	if st.identity != "" {
		b = appendIdentity(b, st.identity)
		put()
	}
	if st.lostAt > 0 {
		b = appendLost(b, st.lostAt)
		put()
	}
	if len(st.scraped) > 0 {
		b = appendScrapers(b, st.scraped)
		put()
	}
	b = appendThresholds(b, recordThresholds, st.thresholds)
	put()
	b = appendThresholds(b, recordVisibleThresholds, st.visibleColumns())
	put()
	b = appendSpan(b, st.span, st.spanAt)
	put()
	b = appendObjectives(b, st.objectives.failed, st.thresholds, st.objectives.slow[:len(st.thresholds)])
	put()
	for _, s := range st.services {
		b = appendService(b, s.name, s.created)
		put()
	}
	for i, s := range st.sources {
		b = appendSource(b, s.name, s.service, s.created)
		put()
		if s.removed {
			b = appendRemoveSource(b, i)
			put()
			continue
		}
		d := Batch{Source: i, Lines: s.lines, Bytes: s.bytes, Outcomes: s.outcomes, Newest: s.newest, Read: s.read}
		for _, f := range s.files {
			d.Files = append(d.Files, f)
		}
		if s.ids != nil {
			s.ids.all(func(id uint64) { d.IDs = append(d.IDs, id) })
		}
		b = appendBatch(b, &d)
		put()
	}
	admissions := map[byte][]admission{}
	var visibles, stales []uint32
	for i := range st.slots {
		s := &st.slots[i]
		if s.life == free {
			continue
		}
		kind := byte(recordAdmit)
		switch s.life {
		case hidden:
			kind = recordCount
		case stale:
			stales = append(stales, uint32(i))
			fallthrough
		case visible:
			visibles = append(visibles, uint32(i))
		}
		admissions[kind] = append(admissions[kind],
			admission{uint32(i), int(s.service), s.special, s.created, s.epoch, s.name})
	}
	for _, kind := range []byte{recordAdmit, recordCount} {
		for part := range slices.Chunk(admissions[kind], slotsPerRecord) {
			b = appendAdmit(b, kind, part)
			put()
			b = st.appendTotals(b, part)
			put()
		}
	}
	for part := range slices.Chunk(st.memberships(), slotsPerRecord) {
		b = appendMemberships(b, part)
		put()
	}
	b = appendProbes(b, st.services)
	put()
	if b = st.appendRefused(b); len(b) > 0 {
		put()
	}
	b = appendLife(b, recordVisible, visibles)
	put()
	b = appendLife(b, recordStale, stales)
	put()
	b = st.appendDays(b)
	put()
	for part := range slices.Chunk(st.detailed(), slotsPerRecord) {
		b = st.appendDetails(b, part)
		put()
	}
	if st.tick == 0 {
		return out
	}
	b = appendTick(b, st.tick, st.planned())
	put()
	if ticks := st.ticks[periodLevel]; ticks > 0 {
		b = appendPeriod(b, ticks)
		put()
	}
	for part := range slices.Chunk(st.windowed(), slotsPerRecord) {
		b = st.appendWindows(b, part)
		put()
	}
	for i := range st.services {
		if st.services[i].counted != nil {
			b = st.appendCountedRing(b, i)
			put()
		}
	}
	return out
}

// restore replays a snapshot and returns the segment at which the log goes on.
func (st *State) restore(payload []byte) (uint64, error) {
	r := &reader{b: payload}
	segment := r.uint()
	for len(r.b) > 0 && !r.failed {
		record := r.take(r.count(1))
		if r.failed {
			break
		}
		if err := st.apply(record); err != nil {
			return 0, err
		}
	}
	if r.failed {
		return 0, errRecord
	}
	return segment, nil
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendService(b []byte, name string, created int64) []byte {
	return binary.AppendUvarint(appendText(append(b, recordService), name), uint64(created))
}

func appendSource(b []byte, name string, service int, created int64) []byte {
	b = appendText(append(b, recordSource), name)
	b = binary.AppendUvarint(b, uint64(service))
	return binary.AppendUvarint(b, uint64(created))
}

func appendRemoveSource(b []byte, source int) []byte {
	return binary.AppendUvarint(append(b, recordRemoveSource), uint64(source))
}

func appendAdmit(b []byte, kind byte, all []admission) []byte {
	u := binary.AppendUvarint
	b = u(append(b, kind), uint64(len(all)))
	for _, a := range all {
		b = u(b, uint64(a.slot))
		b = u(b, uint64(a.service))
		b = append(b, byte(a.special))
		b = u(b, uint64(a.created))
		b = u(b, a.epoch)
		b = appendText(b, a.name)
	}
	return b
}

func appendLife(b []byte, kind byte, slots []uint32) []byte {
	b = binary.AppendUvarint(append(b, kind), uint64(len(slots)))
	for _, s := range slots {
		b = binary.AppendUvarint(b, uint64(s))
	}
	return b
}

// A record of totals adds counters to slots as they are, whatever their state: only a snapshot has them.
func (st *State) appendTotals(b []byte, all []admission) []byte {
	b = append(b, recordTotals, 0)
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, a := range all {
		b = st.slots[a.slot].append(b, a.slot, len(st.thresholds))
	}
	return b
}

func appendProbes(b []byte, services []service) []byte {
	b = binary.AppendUvarint(append(b, recordTotals), uint64(len(services)))
	for _, s := range services {
		for _, n := range s.probes {
			b = binary.AppendUvarint(b, n)
		}
	}
	return append(b, 0)
}

func (st *State) applyTotals(r *reader) error {
	for i := range r.count(5) {
		if i >= len(st.services) {
			return errRecord
		}
		for j := range st.services[i].probes {
			st.services[i].probes[j] += r.uint()
		}
	}
	columns := make([]int, len(st.thresholds))
	for i := range columns {
		columns[i] = i
	}
	for n := r.count(2); n > 0; n-- {
		number := r.uint()
		if number >= uint64(len(st.slots)) {
			return errRecord
		}
		r.accumulator(&st.slots[number], nil, columns)
	}
	return nil
}
