package store

import (
	"encoding/binary"
	"time"
)

// Ticks divide the time of windows by records of the log. They are numbered from the beginning of the Unix epoch.
const (
	tickLength = 30 * time.Second
	tickMillis = int64(tickLength / time.Millisecond)
	maxTick    = 1 << 31
	// tickBack is by how much time may go backwards without an effect; after more, windows begin anew.
	tickBack = int64(10 * time.Minute / tickLength)
)

// defaultPeriod is the period of a policy without one.
const defaultPeriod = 30 * 24 * time.Hour

// maxPeriodTicks bounds the length of a bucket of the period: 366 days have 30 of them.
const maxPeriodTicks = 40_000

// tickOf returns the tick at a time, the first for a clock that is not set.
func tickOf(t time.Time) int64 { return min(max(t.UnixMilli()/tickMillis, 1), maxTick) }

// periodTicks returns how many ticks a bucket of a period has.
func periodTicks(period time.Duration) uint32 {
	if period <= 0 {
		period = defaultPeriod
	}
	length := time.Duration(levels[periodLevel].buckets) * tickLength
	return uint32(min((period+length-1)/length, maxPeriodTicks))
}

// now returns the moment of a time within the tick at hand.
func (st *State) now(t time.Time) *moment {
	elapsed := t.UnixMilli() - int64(st.tick)*tickMillis
	return newMoment(st.tick, min(max(elapsed, 0), tickMillis), &st.ticks)
}

// beginTick begins the next tick when it is due.
func (s *Store) beginTick() {
	if s.saved.immediate && s.log == nil {
		return // what is read once has no windows
	}
	now := s.now()
	tick := tickOf(now)
	ix := &s.index
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if back := int64(ix.tick) - tick; back >= 0 && back <= tickBack {
		return
	}
	ix.tick = uint32(tick)
	var planned, counted []int
	for i, t := range ix.services {
		if t.counting {
			counted = append(counted, i)
		}
		if ix.planned != nil && ix.planned(t.name, now) {
			planned = append(planned, i)
		}
	}
	ix.records = append(ix.records, appendTick(nil, ix.tick, planned), appendCounted(nil, now.UnixMilli(), counted))
}

// appendTick encodes a tick with the numbers of the services in planned work.
func appendTick(b []byte, tick uint32, planned []int) []byte {
	b = binary.AppendUvarint(append(b, recordTick), uint64(tick))
	b = binary.AppendUvarint(b, uint64(len(planned)))
	for _, service := range planned {
		b = binary.AppendUvarint(b, uint64(service))
	}
	return b
}

func (st *State) applyTick(r *reader) error {
	tick := r.uint()
	if r.failed || tick > maxTick {
		return errRecord
	}
	switch back := int64(st.tick) - int64(tick); {
	case back > tickBack:
		for i := range st.slots {
			st.slots[i].windows = nil
		}
		st.restartCounted(uint32(tick))
		fallthrough
	case back <= 0:
		st.tick = uint32(tick)
	}
	for i := range st.services {
		st.services[i].planned = false
	}
	for n := r.count(1); n > 0; n-- {
		service := r.uint()
		if service >= uint64(len(st.services)) {
			return errRecord
		}
		st.services[service].planned = true
	}
	return nil
}

// planned are the numbers of the services in planned work.
func (st *State) planned() (all []int) {
	for i := range st.services {
		if st.services[i].planned {
			all = append(all, i)
		}
	}
	return all
}

func appendPeriod(b []byte, ticks uint32) []byte {
	return binary.AppendUvarint(append(b, recordPeriod), uint64(ticks))
}

// applyPeriod changes the period. What was counted over another one says nothing of it.
func (st *State) applyPeriod(r *reader) error {
	ticks := r.uint()
	if ticks == 0 || ticks > maxPeriodTicks {
		return errRecord
	}
	if st.ticks[periodLevel] == uint32(ticks) {
		return nil
	}
	st.ticks[periodLevel] = uint32(ticks)
	for i := range st.slots {
		if w := st.slots[i].windows; w != nil {
			w.restartPeriod()
		}
	}
	for i := range st.services {
		if counted := st.services[i].counted; counted != nil {
			counted.restartPeriod()
		}
	}
	return nil
}
