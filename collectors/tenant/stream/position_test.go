package stream

import (
	"maps"
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
)

// exported are positions beside which other exporters have gone on with a partition.
func exported(p progress, partition int) progress {
	p.exported = map[int]bool{partition: true}
	return p
}

// Where reading goes on, in whatever way the stream differs from what was left.
func TestPlan(t *testing.T) {
	one, other := Identity{1}, Identity{2}
	four := func(first, end int64) Layout {
		return Layout{
			Identity: one, Partitions: 4, First: slices.Repeat([]int64{first}, 4), End: slices.Repeat([]int64{end}, 4),
		}
	}
	left := func(partitions int, next map[int]int64) progress {
		return progress{known: true, identity: one, partitions: partitions, next: next, at: map[int]int64{}}
	}
	half := collectors.Shard{Number: 1, Of: 2}
	for name, tc := range map[string]struct {
		left    progress
		now     Layout
		shard   collectors.Shard
		fromEnd bool
		from    map[int]int64
		missed  uint64
		foreign []int
		ended   []int
	}{
		"never read":             {now: four(5, 9), from: map[int]int64{0: 5, 1: 5, 2: 5, 3: 5}},
		"never read, a shard":    {now: four(5, 9), shard: half, from: map[int]int64{1: 5, 3: 5}},
		"never read, at the end": {now: four(5, 9), shard: half, fromEnd: true, from: map[int]int64{1: 9, 3: 9}},
		"as it was left": {
			left: left(4, map[int]int64{1: 7, 3: 9}), now: four(5, 9), shard: half, from: map[int]int64{1: 7, 3: 9},
		},
		"the end does not return": {
			left: left(4, map[int]int64{1: 7, 3: 6}), now: four(5, 9), shard: half, fromEnd: true,
			from: map[int]int64{1: 7, 3: 6},
		},
		"new partitions": {
			left: left(2, map[int]int64{1: 7}), now: four(5, 9), shard: half, fromEnd: true, from: map[int]int64{1: 7, 3: 5},
		},
		"deleted before it was read": {
			left: left(4, map[int]int64{1: 2, 3: 4}), now: four(5, 9), shard: half, from: map[int]int64{1: 5, 3: 5}, missed: 4,
		},
		"deleted from a stream with one sequence": {
			left: left(4, map[int]int64{1: 2, 3: 4}), shard: half, from: map[int]int64{1: 5, 3: 5}, missed: 3,
			now: Layout{Identity: one, Partitions: 4, First: []int64{5, 5, 5, 5}, End: []int64{9, 9, 9, 9}, Shared: true},
		},
		"another shard's": {
			left: left(4, map[int]int64{1: 7, 3: 9}), now: four(5, 9), from: map[int]int64{1: 7, 3: 9}, foreign: []int{0, 2},
		},
		"what the engine lost": {
			left: left(4, map[int]int64{1: 70, 3: 9}), now: four(5, 9), shard: half, from: map[int]int64{1: 9, 3: 9},
			ended: []int{1},
		},
		"created anew": {
			left: progress{known: true, identity: other, partitions: 4, next: map[int]int64{1: 7, 3: 900}}, now: four(0, 9),
			shard: half, fromEnd: true, from: map[int]int64{1: 0, 3: 0}, missed: 1,
		},
		"exported": {
			left: exported(left(4, map[int]int64{1: 7}), 3), now: four(5, 9), shard: half, from: map[int]int64{1: 7},
		},
		"exported, and created anew": {
			left: exported(progress{known: true, identity: other, partitions: 4, next: map[int]int64{1: 7}}, 3),
			now:  four(0, 9), shard: half, from: map[int]int64{1: 0}, missed: 1,
		},
		"all exported, new partitions": {
			left: exported(left(2, nil), 1), now: four(5, 9), shard: half, from: map[int]int64{},
		},
		"more shards than partitions": {now: four(5, 9), shard: collectors.Shard{Number: 6, Of: 8}, from: map[int]int64{}},
	} {
		to := tc.left.plan(tc.now, tc.shard, tc.fromEnd)
		if !maps.Equal(to.from, tc.from) || to.missed != tc.missed || !slices.Equal(to.foreign, tc.foreign) ||
			!slices.Equal(to.ended, tc.ended) {
			t.Errorf("%s: %+v", name, to)
		}
		// What is saved of it leads to the same place.
		all := map[int]bool{}
		for n := range to.next {
			all[n] = true
		}
		kept := append(to.files("kafka:requests", all), to.whole("kafka:requests"))
		for n := range tc.left.exported {
			kept = append(kept, store.File{
				ID: uint64(100 + n), Stream: true, Exported: true, Path: partitionPath("kafka:requests", n), Offset: 8,
			})
		}
		saved := restore("kafka:requests", append(kept,
			store.File{ID: 1, Path: "kafka:requests/3", Offset: 44},
			store.File{ID: 7, Stream: true, Path: "kafka:requests-2/3", Offset: 44}))
		again := saved.plan(tc.now, tc.shard, tc.fromEnd)
		if !maps.Equal(again.from, tc.from) || again.missed != 0 || again.progress.missed != to.progress.missed {
			t.Errorf("%s, saved: %+v", name, again)
		}
	}
}
