package health

import (
	"encoding/binary"
	"errors"
	"time"
)

// Bounds of what can be decoded: moments until the year 5138, and lengths of a thousand days.
const (
	maxMillis   = 100_000_000_000_000
	maxDuration = 1000 * dayLength
	maxMonth    = 12 * 10_000
)

// reader decodes an archive. After an error it returns zeros.
type reader struct {
	data []byte
	err  error
}

var errTruncated = errors.New("cut short or out of bounds")

func (r *reader) fail() { r.err, r.data = errTruncated, nil }

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.data)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.data = r.data[n:]
	return v
}

// below returns a number that must be smaller than a bound.
func (r *reader) below(bound uint64) uint64 {
	v := r.uint()
	if v >= bound {
		r.fail()
		return 0
	}
	return v
}

// count returns how many things follow, each of at least a byte.
func (r *reader) count(most int) int { return int(r.below(uint64(min(most, len(r.data))) + 1)) }

func (r *reader) duration() time.Duration {
	return time.Duration(r.below(uint64(maxDuration/time.Millisecond))) * time.Millisecond
}

func (r *reader) bytes(most int) []byte {
	n := r.below(uint64(most) + 1)
	if n > uint64(len(r.data)) {
		r.fail()
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *reader) skipPlace() {
	for range 3 {
		r.bytes(maxArchiveName)
	}
}

func (r *reader) place() place {
	return place{string(r.bytes(maxArchiveName)), string(r.bytes(maxArchiveName)), string(r.bytes(maxArchiveName))}
}
