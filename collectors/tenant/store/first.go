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
	t := top[T]{n: n, compare: compare, kept: make([]T, 0, n)}
	for _, v := range all {
		t.add(v)
	}
	return t.sorted()
}

// top keeps the first n of what is added to it, in an order.
type top[T any] struct {
	n       int // at least 1
	compare func(a, b T) int
	kept    []T // once there are n, a heap with the last one at its root
}

func (t *top[T]) add(v T) {
	switch {
	case len(t.kept) < t.n:
		if t.kept = append(t.kept, v); len(t.kept) == t.n {
			for i := t.n/2 - 1; i >= 0; i-- {
				t.down(i)
			}
		}
	case t.compare(v, t.kept[0]) < 0:
		t.kept[0] = v
		t.down(0)
	}
}

func (t *top[T]) down(i int) {
	for {
		child := 2*i + 1
		if child >= t.n {
			return
		}
		if child+1 < t.n && t.compare(t.kept[child+1], t.kept[child]) > 0 {
			child++
		}
		if t.compare(t.kept[child], t.kept[i]) <= 0 {
			return
		}
		t.kept[i], t.kept[child] = t.kept[child], t.kept[i]
		i = child
	}
}

// sorted returns what is kept, in order. Nothing may be added after it.
func (t *top[T]) sorted() []T {
	slices.SortFunc(t.kept, t.compare)
	return t.kept
}
