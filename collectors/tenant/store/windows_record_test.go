package store

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// FuzzWindows reads damaged records of windows. None panics, and one that is accepted is encoded and read again.
func FuzzWindows(f *testing.F) {
	state := func() *State {
		st := newState()
		for _, record := range [][]byte{
			appendThresholds(nil, recordThresholds, []uint64{300e6, 1e9}),
			appendService(nil, "web", 0),
			appendAdmit(nil, recordAdmit, []admission{{special: otherSlot}, {slot: 1, name: "a"}, {slot: 2, name: "b"}}),
			appendPeriod(nil, periodTicks(0)),
			appendTick(nil, uint32(tickOf(time.Unix(1_790_000_000, 0))), nil),
		} {
			if err := st.apply(record); err != nil {
				f.Fatal(err)
			}
		}
		return st
	}
	st, random := state(), rand.New(rand.NewPCG(1, 1))
	f.Add(st.appendWindows(nil, st.windowed()))
	for range 50 {
		st.countWindows(&st.slots[1], &added{requests: 500, failed: random.Uint64N(500)})
		if random.IntN(9) == 0 {
			st.countWindows(&st.slots[2], &added{requests: 1, slow: [MaxThresholds]uint64{1: 1}})
		}
		st.tick += random.Uint32N(300)
	}
	f.Add(st.appendWindows(nil, st.windowed()))
	f.Add([]byte{recordWindows, 1, 1, 0, 0, 0, 81})
	f.Add([]byte{recordWindows, 1, 1, 0, 0, 0, 82})        // a run beyond the end
	f.Add([]byte{recordWindows, 1, 0, 0, 0, 0, 81})        // of no tenant
	f.Add([]byte{recordWindows, 1, 1, 0, 8, 0, 81, 0, 81}) // slow beyond a threshold that is none
	f.Add([]byte{recordWindows, 1, 1, 0, 1, 0, 81, 1, 0, 80})
	f.Fuzz(func(t *testing.T, record []byte) {
		if len(record) == 0 || record[0] != recordWindows {
			return
		}
		st := state()
		if err := st.apply(record); err != nil {
			if !errors.Is(err, errRecord) {
				t.Error(err)
			}
			return
		}
		again := state()
		if err := again.apply(st.appendWindows(nil, st.windowed())); err != nil || !reflect.DeepEqual(st.slots, again.slots) {
			t.Errorf("read back otherwise: %v", err)
		}
		for i := range st.slots {
			if w := st.slots[i].windows; w != nil {
				for window := range Windows {
					if c := w.counts(window, st.now(time.Unix(1_790_000_000, 0))); c.total() < c.requests[4] || c.total() < c.slow[0] {
						t.Errorf("more bad ones than all: %+v", c)
					}
				}
			}
		}
	})
}

func TestDamagedTicks(t *testing.T) {
	st, _ := windowState(t, time.Unix(1_790_000_000, 0), 0)
	for _, record := range [][]byte{
		appendTick(nil, maxTick+1, nil), appendTick(nil, 5, []int{1}),
		{recordTick},
		appendPeriod(nil, 0),
		appendPeriod(nil, maxPeriodTicks+1),
		{recordPeriod},
		{recordWindows, 200, 1, 0},
	} {
		if err := st.apply(record); !errors.Is(err, errRecord) {
			t.Errorf("%v: %v", record, err)
		}
	}
}
