package store

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// However few or many durations an accumulator has, and however often it is used again, its slot gets each in its
// bucket.
func TestDurationsOfAnAccumulator(t *testing.T) {
	random := testkit.Random(t)
	var all Histograms
	var c Accumulator
	for round := range 200 {
		c.Reset(7, &all)
		n, weight := random.IntN(3*maxFew), uint32(1)
		if round%3 == 0 {
			weight = uint32(1 + random.IntN(2))
		}
		want, zero := map[int]uint64{}, uint64(0)
		for range n {
			nanos := random.Uint64N(1 << random.IntN(40))
			c.Observe(nanos, weight, &all)
			if nanos == 0 {
				zero += uint64(weight)
			} else {
				want[Bucket(nanos)] += uint64(weight)
			}
		}
		r := reader{b: c.append(nil, 0, &Histogram{})}
		if number := r.uint(); number != 7 {
			t.Fatalf("slot %d", number)
		}
		s := durations{}
		r.accumulator(&slot{durations: &s}, nil, nil)
		if r.failed || len(r.b) > 0 || s.zero != zero {
			t.Fatalf("round %d: failed %v, %d bytes are left, %d zeros, want %d", round, r.failed, len(r.b), s.zero, zero)
		}
		for i := range s.native {
			bucket := int(s.lo) + i
			if got := s.bucket(i); got != want[bucket] {
				t.Fatalf("round %d of %d: bucket %d has %d, want %d", round, n, bucket, got, want[bucket])
			}
			delete(want, bucket)
		}
		if len(want) > 0 {
			t.Fatalf("round %d of %d: missing %v", round, n, want)
		}
		if many := n > maxFew && weight == 1 && zero == 0; many != (all.Taken == 1) && weight == 1 && zero == 0 {
			t.Errorf("%d durations, %d histograms", n, all.Taken)
		}
	}
	if c.Reset(0, &all); all.Taken != 0 || len(all.free) != 1 {
		t.Errorf("%d histograms are in use, %d are not", all.Taken, len(all.free))
	}
}
