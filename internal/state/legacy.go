package state

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// errRepeated is why records of the first format do not continue a log: it holds them already.
var errRepeated = errors.New("its records are a repetition")

// legacyEnd returns where a segment of the first format ends, its size unless what follows repeats it. Its records have
// no sequence numbers, so that a piece that was appended again is known by its content. The checkpoint bounds what was
// written: only behind it can there be a repetition in the last segment. An older one is refused if all of it is there
// twice.
func legacyEnd(f *os.File, size int64, at place) (int64, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	s := &segmentReader{r: bufio.NewReaderSize(f, 1<<20), size: size}
	end := segmentEnd{legacy: true}
	var heads [][legacyHeader]byte // length and checksum of each record
	var ends []int64
	durable := 0 // how many records the checkpoint covers
	for {
		_, n, err := s.record(end)
		if err != nil {
			break // what it means is for who replays it
		}
		end.at += n
		heads, ends = append(heads, [legacyHeader]byte(s.head[:])), append(ends, end.at)
		if end.at <= at.durable {
			durable = len(heads)
		}
	}
	if !at.last {
		if half := len(heads) / 2; half > 0 && slices.Equal(heads[:half], heads[half:]) {
			return 0, fmt.Errorf("%w: %w", ErrCorrupt, errRepeated)
		}
		return size, nil
	}
	repeated := min(longestRepeated(heads), len(heads)-max(durable, 1))
	if repeated <= 0 {
		return size, nil
	}
	return ends[len(ends)-repeated-1], nil
}

// longestRepeated returns how many of the last elements are also elsewhere, in the same order. It is the largest value
// of the Z function of the reversed list.
func longestRepeated[T comparable](all []T) int {
	n := len(all)
	at := func(i int) T { return all[n-1-i] }
	z := make([]int, n)
	longest, left, right := 0, 0, 0
	for i := 1; i < n; i++ {
		if i < right {
			z[i] = min(right-i, z[i-left])
		}
		for i+z[i] < n && at(z[i]) == at(i+z[i]) {
			z[i]++
		}
		if i+z[i] > right {
			left, right = i, i+z[i]
		}
		longest = max(longest, z[i])
	}
	return longest
}
