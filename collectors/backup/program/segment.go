package program

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
)

// defaultSegment is the size of a segment unless a cluster was made with another.
const defaultSegment = 16 << 20

// segment is the name of a write-ahead log file: 24 hexadecimal digits.
type segment struct {
	timeline, log, number uint32
}

// parseSegment reads the name of a segment from the beginning of a file's name. What follows it may only be a
// checksum or a compression: .partial, .history and .backup files are no segments.
func parseSegment(name string) (segment, bool) {
	if len(name) < 24 {
		return segment{}, false
	}
	var parts [3]uint32
	for i := range parts {
		n, err := strconv.ParseUint(name[8*i:8*i+8], 16, 32)
		if err != nil || strings.ToUpper(name[8*i:8*i+8]) != name[8*i:8*i+8] {
			return segment{}, false
		}
		parts[i] = uint32(n)
	}
	rest := name[24:]
	if rest != "" && (rest[0] != '-' && rest[0] != '.' || strings.HasSuffix(rest, ".partial") ||
		strings.HasSuffix(rest, ".backup")) {
		return segment{}, false
	}
	return segment{parts[0], parts[1], parts[2]}, true
}

func (s segment) String() string { return fmt.Sprintf("%08X%08X%08X", s.timeline, s.log, s.number) }

// position is where the segment begins.
func (s segment) position(size uint64) uint64 { return uint64(s.log)<<32 + uint64(s.number)*size }

func compareSegments(a, b segment) int {
	switch {
	case a.log != b.log:
		return int(int64(a.log) - int64(b.log))
	case a.number != b.number:
		return int(int64(a.number) - int64(b.number))
	}
	return int(int64(a.timeline) - int64(b.timeline))
}

// parseLSN reads a log position as PostgreSQL writes it: two hexadecimal numbers.
func parseLSN(text string) (uint64, error) {
	high, low, ok := strings.Cut(text, "/")
	h, errHigh := strconv.ParseUint(high, 16, 32)
	l, errLow := strconv.ParseUint(low, 16, 32)
	if err := errors.Join(errHigh, errLow); !ok || err != nil {
		return 0, fmt.Errorf("%w: invalid log position %q", document.ErrMalformed, document.Short(text))
	}
	return h<<32 | l, nil
}

// segmentSize finds the size of segments from a position and the segment that holds it, the default if several sizes
// fit.
func segmentSize(position uint64, s segment) uint64 {
	sizes := []uint64{defaultSegment}
	for size := uint64(1 << 20); size <= 1<<30; size *= 2 {
		sizes = append(sizes, size)
	}
	for _, size := range sizes {
		if position>>32 == uint64(s.log) && (position&0xFFFFFFFF)/size == uint64(s.number) {
			return size
		}
	}
	return defaultSegment
}

// maxMissing bounds how many missing segments are named to people.
const maxMissing = 20

// continuity counts the segments missing between the first and the last, but for gaps that are meant (nil: none is). A
// timeline that ends is continued by a later one, so each position needs a segment of any timeline.
func continuity(segments []segment, meant func(before, after segment) bool) (missing int, named []string) {
	if len(segments) == 0 {
		return 0, nil
	}
	slices.SortFunc(segments, compareSegments)
	perLog := segmentsPerLog(segments)
	index := func(s segment) uint64 { return uint64(s.log)*perLog + uint64(s.number) }
	for i, s := range segments[1:] {
		before := segments[i]
		if gap := index(s) - index(before); gap > 1 && (meant == nil || !meant(before, s)) {
			missing += int(gap - 1)
			for k := uint64(1); k < gap && len(named) < maxMissing; k++ {
				at := index(before) + k
				named = append(named, segment{before.timeline, uint32(at / perLog), uint32(at % perLog)}.String())
			}
		}
	}
	return missing, named
}

// segmentsPerLog is how many segments make 4 GiB, from the highest number seen in a log that is not the last.
func segmentsPerLog(sorted []segment) uint64 {
	highest := uint32(0)
	last := sorted[len(sorted)-1].log
	for _, s := range sorted {
		if s.log != last {
			highest = max(highest, s.number)
		}
	}
	if highest == 0 {
		return 256
	}
	n := uint64(4)
	for n <= uint64(highest) {
		n *= 2
	}
	return n
}
