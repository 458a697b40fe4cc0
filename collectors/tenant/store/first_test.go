package store

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestFirstIsTheBeginningOfAllSorted(t *testing.T) {
	for range 2000 {
		all := make([]int, rand.IntN(60))
		for i := range all {
			all[i] = rand.IntN(40)
		}
		want := slices.Sorted(slices.Values(all))
		n := rand.IntN(70) - 5
		want = want[:max(0, min(n, len(want)))]
		if got := first(all, n, cmp.Compare[int]); !slices.Equal(got, want) {
			t.Fatalf("first %d: %v, want %v", n, got, want)
		}
	}
}
