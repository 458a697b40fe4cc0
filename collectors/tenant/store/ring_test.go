package store

import (
	"math"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// A ring holds any counts, however large they become.
func TestRing(t *testing.T) {
	random := testkit.Random(t)
	for range 200 {
		r, want := newRing(), [ringSize]uint32{}
		for range 300 {
			i, n := random.IntN(ringSize), uint64(1)<<random.IntN(33)+random.Uint64N(3)
			switch random.IntN(3) {
			case 0:
				r.put(i, uint32(n))
				want[i] = uint32(n)
			case 1:
				n >>= random.IntN(33)
				r.add(i, n)
				want[i] = uint32(min(uint64(want[i])+n, math.MaxUint32))
			default:
				l := levels[random.IntN(len(levels))]
				r.empty(l)
				clear(want[l.first : l.first+l.buckets+1])
			}
			from := random.IntN(ringSize)
			to, sum := from+random.IntN(ringSize-from+1), uint64(0)
			for _, n := range want[from:to] {
				sum += uint64(n)
			}
			if got := r.total(from, to); got != sum || r.at(i) != want[i] {
				t.Fatalf("from %d to %d there are %d, want %d; at %d %d, want %d", from, to, got, sum, i, r.at(i), want[i])
			}
		}
		read := (&reader{b: r.append(nil)}).ring()
		for i, n := range want {
			if read.at(i) != n {
				t.Fatalf("at %d %d is read, want %d", i, read.at(i), n)
			}
		}
	}
}

// Small counts take a byte each.
func TestSmallRingsAreSmall(t *testing.T) {
	r := newRing()
	for n, want := range map[uint32]int{0: 1, math.MaxUint8: 1} {
		if r.put(5, n); len(r) != want*ringSize {
			t.Errorf("%d takes %d bytes", n, len(r)/ringSize)
		}
	}
	if r.put(6, math.MaxUint8+1); len(r) != 2*ringSize || r.at(6) != math.MaxUint8+1 {
		t.Errorf("256 takes %d bytes", len(r)/ringSize)
	}
	if r.put(7, math.MaxUint16+1); len(r) != 4*ringSize || r.at(6) != math.MaxUint8+1 {
		t.Errorf("65536 takes %d bytes", len(r)/ringSize)
	}
}
