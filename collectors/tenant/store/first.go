package store

import "slices"

// first returns the first n of all in an order, sorted, without sorting all: of 100,000 tenants a few hundred are
// needed.
func first[T any](all []T, n int, compare func(a, b T) int) []T {
	if n <= 0 {
		return nil
	}
	if len(all) <= 2*n {
		slices.SortFunc(all, compare)
		return all[:min(n, len(all))]
	}
	kept := slices.Clone(all[:n]) // a heap with the last one at its root
	down := func(i int) {
		for {
			child := 2*i + 1
			if child >= n {
				return
			}
			if child+1 < n && compare(kept[child+1], kept[child]) > 0 {
				child++
			}
			if compare(kept[child], kept[i]) <= 0 {
				return
			}
			kept[i], kept[child] = kept[child], kept[i]
			i = child
		}
	}
	for i := n/2 - 1; i >= 0; i-- {
		down(i)
	}
	for _, v := range all[n:] {
		if compare(v, kept[0]) < 0 {
			kept[0] = v
			down(0)
		}
	}
	slices.SortFunc(kept, compare)
	return kept
}
