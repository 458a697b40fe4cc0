package decode

import (
	"bytes"
	"time"
)

// clock reads times as logs write them. Most records of a log carry the second of the one before, so the
// last text is remembered.
type clock struct {
	text [40]byte
	n    int
	unix int64
}

// parse returns Unix nanoseconds, 0 if the text is no time that is known here.
func (c *clock) parse(b []byte) int64 {
	if c.n > 0 && bytes.Equal(b, c.text[:c.n]) {
		return c.unix
	}
	t := ParseTime(b)
	if len(b) <= len(c.text) {
		c.n, c.unix = copy(c.text[:], b), t
	}
	return t
}

// ParseTime reads a time as logs write it: Unix nanoseconds, 0 if it is no time that is known here.
func ParseTime(b []byte) int64 {
	if len(b) == 0 || len(b) > 64 {
		return 0
	}
	if t, ok := epoch(b); ok {
		return t
	}
	if len(b) > 10 && b[4] == '-' {
		return rfc3339(b)
	}
	if t, err := time.Parse("02/Jan/2006:15:04:05 -0700", string(b)); err == nil {
		return t.UnixNano()
	}
	return 0
}

// epoch derives the unit of a Unix epoch number from its size: seconds until the year 5138.
func epoch(b []byte) (int64, bool) {
	digits := scanDigits(b, 0)
	if digits == 0 || digits == 4 && len(b) > 4 && b[4] == '-' {
		return 0, false
	}
	if digits < len(b) && bytes.ContainsAny(b, "eE") { // 1.790000000123e+12
		n, ok := scaled(b, 0)
		if !ok {
			return 0, false
		}
		digits = digitsOf(n)
	}
	n, ok := scaled(b, epochScale(digits))
	return int64(n), ok
}

// digitsOf returns how many digits a number has.
func digitsOf(n uint64) int {
	digits := 1
	for ; n >= 10; n /= 10 {
		digits++
	}
	return digits
}

func epochScale(digits int) int {
	switch {
	case digits < 12:
		return 9
	case digits < 15:
		return 6
	case digits < 18:
		return 3
	}
	return 0
}

// rfc3339 reads times with a fraction of any length, Z or an offset, T or a space, and +0100 as well as +01:00.
func rfc3339(b []byte) int64 {
	if len(b) < len("2006-01-02T15:04:05") || b[10] != 'T' && b[10] != ' ' && b[10] != 't' ||
		b[4] != '-' || b[7] != '-' || b[13] != ':' || b[16] != ':' {
		return 0
	}
	var part [6]int
	for i, at := range [6][2]int{{0, 4}, {5, 7}, {8, 10}, {11, 13}, {14, 16}, {17, 19}} {
		n, ok := whole(b[at[0]:at[1]])
		if !ok {
			return 0
		}
		part[i] = int(n)
	}
	if part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31 || part[3] > 23 || part[4] > 59 || part[5] > 60 ||
		part[0] < 1970 || part[0] > 2200 {
		return 0
	}
	i, nanos := 19, uint64(0)
	if i < len(b) && (b[i] == '.' || b[i] == ',') {
		end := scanDigits(b, i+1)
		fraction := b[i+1 : min(end, i+10)]
		n, ok := whole(fraction)
		if !ok {
			return 0
		}
		nanos = n * powers[9-len(fraction)]
		i = end
	}
	offset, ok := zone(b[i:])
	if !ok {
		return 0
	}
	t := time.Date(part[0], time.Month(part[1]), part[2], part[3], part[4], part[5], int(nanos), time.UTC)
	return t.UnixNano() - int64(offset)*int64(time.Second)
}

// zone reads Z, +01:00, +0100, +01 or nothing, in seconds.
func zone(b []byte) (int, bool) {
	if len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	if len(b) == 0 || len(b) == 1 && (b[0] == 'Z' || b[0] == 'z') {
		return 0, true
	}
	sign := 1
	switch b[0] {
	case '-':
		sign = -1
	case '+':
	default:
		return 0, false
	}
	b = b[1:]
	if len(b) == 5 && b[2] == ':' {
		b = []byte{b[0], b[1], b[3], b[4]}
	}
	n, ok := whole(b)
	if !ok || len(b) != 2 && len(b) != 4 {
		return 0, false
	}
	if len(b) == 2 {
		n *= 100
	}
	return sign * int(n/100*3600+n%100*60), true
}
