package decode

import (
	"bytes"
	"math"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Unreadable says why a duration that a record has cannot be read. A duration that is missing, empty, null or -
// is not unreadable.
type Unreadable uint8

// Readable, or why not. The order is that of metric.UnreadableReasons.
const (
	Readable Unreadable = iota
	NotADuration
	Negative
	WholeSeconds
	Unreadables // how many there are, Readable included
)

// Reason is the label value of a reason other than Readable.
func (u Unreadable) Reason() string { return metric.UnreadableReasons[u-NotADuration] }

// setDuration reads a duration as the record has it.
func (e *Event) setDuration(b []byte, u unit) {
	if e.Duration, e.Unreadable = duration(b, u); e.Unreadable != Readable {
		e.Unread = b
	}
}

// maxDuration bounds a text that is read as a duration.
const maxDuration = 1024

// duration reads how long a request took, in nanoseconds; it is -1 without one. A list, as nginx writes for several
// upstreams (0.002, 0.010 : 0.003), is the sum of its parts.
func duration(b []byte, u unit) (int64, Unreadable) {
	if n, ok := scaled(b, int(u)); ok {
		return int64(n), Readable
	}
	if len(b) > maxDuration {
		return -1, NotADuration
	}
	sum := int64(-1)
	for rest := b; ; {
		i := bytes.IndexAny(rest, ",:")
		part := rest
		if i >= 0 {
			part, rest = rest[:i], rest[i+1:]
		}
		n, reason := durationItem(bytes.TrimSpace(part), u)
		if reason != Readable {
			return -1, reason
		}
		if n >= 0 {
			sum = max(sum, 0)
			sum += min(n, math.MaxInt64-sum)
		}
		if i < 0 {
			return sum, Readable
		}
	}
}

// durationItem reads a number of a unit, or one that names its units as Caddy's duration_format string does: 1.234ms.
func durationItem(b []byte, u unit) (int64, Unreadable) {
	if len(b) == 0 || string(b) == "-" {
		return -1, Readable
	}
	if n, ok := scaled(b, int(u)); ok {
		return int64(n), Readable
	}
	if n, ok := withUnits(b); ok {
		return n, Readable
	}
	if b[0] == '-' {
		switch n, reason := durationItem(b[1:], u); {
		case reason != Readable || n < 0:
		case n == 0:
			return 0, Readable
		default:
			return -1, Negative
		}
	}
	return -1, NotADuration
}

// withUnits reads 1h2m3.5s, as time.ParseDuration does, without allocating.
func withUnits(b []byte) (int64, bool) {
	sum := uint64(0)
	if len(b) > 1 && b[0] == '+' {
		b = b[1:]
	}
	for len(b) > 0 {
		number := 0
		for number < len(b) && (b[number]-'0' <= 9 || b[number] == '.') {
			number++
		}
		end := number
		for end < len(b) && b[end]-'0' > 9 && b[end] != '.' {
			end++
		}
		scale, times := 0, uint64(1)
		switch string(b[number:end]) {
		case "ns":
		case "us", "\u00b5s", "\u03bcs":
			scale = int(microseconds)
		case "ms":
			scale = int(milliseconds)
		case "s":
			scale = int(seconds)
		case "m":
			scale, times = int(seconds), 60
		case "h":
			scale, times = int(seconds), 3600
		default:
			return -1, false
		}
		n, ok := scaled(b[:number], scale)
		if !ok {
			return -1, false
		}
		sum = min(sum+min(n, maxScaled/times)*times, maxScaled)
		b = b[end:]
	}
	return int64(sum), true
}

// Shape returns how the first so many bytes of a text are written, without what they say: each letter as a, each digit
// as 0, each byte that cannot be printed as a question mark.
func Shape(text []byte, longest int) string {
	shape := make([]byte, 0, min(len(text), longest))
	for _, c := range text[:min(len(text), longest)] {
		switch {
		case c-'0' <= 9:
			c = '0'
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= 0x80:
			c = 'a'
		case c < ' ' || c == 0x7f:
			c = '?'
		}
		shape = append(shape, c)
	}
	return string(shape)
}
