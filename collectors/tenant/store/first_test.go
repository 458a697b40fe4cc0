package store

import (
	"cmp"
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

func TestFirstIsTheBeginningOfAllSorted(t *testing.T) {
	random := testkit.Random(t)
	for range 2000 {
		all := make([]int, random.IntN(60))
		for i := range all {
			all[i] = random.IntN(40)
		}
		want := slices.Sorted(slices.Values(all))
		n := random.IntN(70) - 5
		want = want[:max(0, min(n, len(want)))]
		if got := first(all, n, cmp.Compare[int]); !slices.Equal(got, want) {
			t.Fatalf("first %d: %v, want %v", n, got, want)
		}
	}
}
