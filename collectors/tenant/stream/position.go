package stream

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
)

// progress is how far a stream has been read, as the store keeps it: a position for each partition, and one for the
// stream as a whole.
type progress struct {
	known      bool     // the stream has been read before
	identity   Identity // of the stream
	partitions int      // that it had
	missed     uint64   // messages that were deleted before they were read, since the source exists
	missedAt   int64    // when that was last found, Unix nanoseconds
	next       map[int]int64
	at         map[int]int64 // when the last message before it was written, Unix nanoseconds
	exported   map[int]bool  // partitions that another exporter has gone on with
}

// The positions of a stream are kept as positions in files whose paths are the name of the stream, and that with the
// number of a partition. Their numbers are hashes of the paths: one source may have read several streams, one after the
// other, and goes on where it was when it comes back to one.
func fileID(path string) uint64 { return xxhash.Sum64String(path) | 1<<63 }

func partitionPath(name string, partition int) string { return name + "/" + strconv.Itoa(partition) }

// restore reads what the store has of a stream.
func restore(name string, files []store.File) progress {
	p := progress{next: map[int]int64{}, at: map[int]int64{}, exported: map[int]bool{}}
	for _, f := range files {
		if !f.Stream {
			continue
		}
		if f.Path == name {
			p.known, p.identity = true, Identity{f.Device, f.Inode}
			p.partitions, p.missed, p.missedAt = int(f.HeadSize), f.Offset, f.Modified
		} else if n, ok := partitionOf(name, f.Path); ok && f.Exported {
			p.exported[n] = true
		} else if ok {
			p.next[n], p.at[n] = int64(f.Offset), f.Modified
		}
	}
	return p
}

func partitionOf(name, path string) (int, bool) {
	text, ok := strings.CutPrefix(path, name+"/")
	n, err := strconv.Atoi(text)
	return n, ok && err == nil && n >= 0
}

// whole is the position of the stream as a whole.
func (p *progress) whole(name string) store.File {
	return store.File{
		ID: fileID(name), Stream: true, Path: name, Device: p.identity[0], Inode: p.identity[1],
		HeadSize: uint64(p.partitions), Offset: p.missed, Modified: p.missedAt,
	}
}

// files are the positions of some partitions.
func (p *progress) files(name string, partitions map[int]bool) []store.File {
	var all []store.File
	for _, n := range slices.Sorted(maps.Keys(partitions)) {
		path := partitionPath(name, n)
		all = append(all, store.File{
			ID: fileID(path), Stream: true, Path: path, Offset: uint64(p.next[n]), Modified: p.at[n],
		})
	}
	return all
}

// plan is where to go on in a stream.
type plan struct {
	progress
	missed    uint64 // more than before
	recreated bool   // another stream has the name now
	ended     []int  // partitions that end before the position in them
	// foreign are partitions of this shard that another one has read, whose positions and counters are not here.
	foreign []int
	retired bool // all its partitions went to others
	from    map[int]int64
}

// next decides where to go on: where it was before; in a stream that was never read, at its end or its beginning; in
// partitions that the stream has got since, and in a stream that was created anew, at their beginning.
func (p progress) plan(l Layout, shard collectors.Shard, fromEnd bool) plan {
	to := plan{from: map[int]int64{}}
	to.progress = progress{
		known: true, identity: l.Identity, partitions: max(l.Partitions, p.partitions), missed: p.missed,
		missedAt: p.missedAt, next: map[int]int64{}, at: map[int]int64{}, exported: p.exported,
	}
	to.recreated = p.known && p.identity != Identity{} && l.Identity != Identity{} && p.identity != l.Identity
	if to.recreated {
		to.partitions = l.Partitions
		to.missed = 1 // at least: it cannot be known how many
	}
	// An exporter all of whose partitions went to others keeps what it counted, and reads none that come later.
	if len(p.exported) > 0 && len(p.next) == 0 {
		to.retired = true
		return to
	}
	for n := range l.Partitions {
		if !shard.Owns(n) || p.exported[n] {
			continue
		}
		next, ok := p.next[n]
		switch {
		case to.recreated:
			next = l.First[n]
		case !ok && !p.known && fromEnd:
			next = l.End[n]
		case !ok && (!p.known || n >= p.partitions):
			next = l.First[n]
		case !ok:
			to.foreign = append(to.foreign, n)
			continue
		case next < l.First[n]:
			if missed := uint64(l.First[n] - next); l.Shared {
				to.missed = max(to.missed, missed)
			} else {
				to.missed += missed
			}
			next = l.First[n]
		case next > l.End[n]:
			to.ended = append(to.ended, n)
			next = l.End[n]
		}
		to.from[n], to.next[n] = next, next
		if ok && !to.recreated {
			to.at[n] = p.at[n]
		}
	}
	to.miss(to.missed)
	return to
}

// miss notes messages that were deleted before they were read.
func (p *progress) miss(n uint64) {
	if n > 0 {
		p.missed, p.missedAt = p.missed+n, time.Now().UnixNano()
	}
}
