package store

import "testing"

// However many ids come, no more are held than the window has room for, and the newest half of it is always known.
func TestWindowOfIDs(t *testing.T) {
	s := newIDs()
	s.capacity = 1000
	for id := uint64(1); id <= 10_000; id++ {
		if s.has(id) {
			t.Fatalf("%d is known before it came", id)
		}
		s.add(id)
		if n := len(s.current) + len(s.previous); n > s.capacity {
			t.Fatalf("%d ids are held after %d", n, id)
		}
		for _, ago := range []uint64{0, 1, uint64(s.capacity)/2 - 1} {
			if ago < id && !s.has(id-ago) {
				t.Fatalf("%d is forgotten after %d", id-ago, id)
			}
		}
	}
	if s.has(1) {
		t.Error("the first is still known after ten times as many")
	}
	n := 0
	newest := uint64(0)
	s.all(func(id uint64) { n, newest = n+1, id })
	if n != len(s.current)+len(s.previous) || newest <= 10_000-uint64(s.capacity) {
		t.Errorf("%d ids returned, the last is %d", n, newest)
	}
}
