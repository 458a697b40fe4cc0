package decode

import (
	"math"
	"math/bits"
)

// unit is the power of ten that turns a duration into nanoseconds.
type unit int

const (
	nanoseconds  unit = 0
	microseconds unit = 3
	milliseconds unit = 6
	seconds      unit = 9
)

var units = map[string]unit{"s": seconds, "ms": milliseconds, "us": microseconds, "ns": nanoseconds}

var powers = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// scaled reads a decimal number times ten to the power of scale, rounded half up and exactly but for digits
// beyond the nineteenth. It is false for what is no number, and for one below 0.
func scaled(b []byte, scale int) (uint64, bool) {
	var mantissa uint64
	if len(b) > 1 && b[0] == '+' && b[1]-'0' <= 9 {
		b = b[1:]
	}
	digits, exp, i := 0, scale, 0
	if len(b) < 20 { // nineteen digits always fit
		for ; i < len(b) && b[i]-'0' <= 9; i++ {
			mantissa = mantissa*10 + uint64(b[i]-'0')
		}
		digits = i
		if i < len(b) && b[i] == '.' {
			point := i
			for i++; i < len(b) && b[i]-'0' <= 9; i++ {
				mantissa = mantissa*10 + uint64(b[i]-'0')
			}
			digits, exp = digits+i-point-1, scale-(i-point-1)
		}
		return finish(b[i:], mantissa, exp, digits)
	}
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		if mantissa < math.MaxUint64/10-1 {
			mantissa = mantissa*10 + uint64(b[i]-'0')
		} else {
			exp++
		}
		digits++
	}
	if i < len(b) && b[i] == '.' {
		for i++; i < len(b) && b[i]-'0' <= 9; i++ {
			if mantissa < math.MaxUint64/10-1 {
				mantissa = mantissa*10 + uint64(b[i]-'0')
				exp--
			}
			digits++
		}
	}
	return finish(b[i:], mantissa, exp, digits)
}

// finish applies what follows the digits of a number.
func finish(rest []byte, mantissa uint64, exp, digits int) (uint64, bool) {
	if digits == 0 {
		return 0, false
	}
	if len(rest) > 0 {
		e, ok := exponent(rest)
		if !ok {
			return 0, false
		}
		exp += e
	}
	return shift(mantissa, exp), true
}

// exponent reads e+12. It is bounded, so that no sum of exponents overflows.
func exponent(b []byte) (int, bool) {
	if len(b) < 2 || b[0] != 'e' && b[0] != 'E' {
		return 0, false
	}
	b = b[1:]
	negative := b[0] == '-'
	if b[0] == '+' || negative {
		b = b[1:]
	}
	e := 0
	for _, c := range b {
		if c-'0' > 9 {
			return 0, false
		}
		e = min(e*10+int(c-'0'), 100_000)
	}
	if negative {
		e = -e
	}
	return e, len(b) > 0
}

// maxScaled bounds every scaled number: more than two centuries in nanoseconds.
const maxScaled = math.MaxInt64

func shift(mantissa uint64, exp int) uint64 {
	switch {
	case mantissa == 0:
		return 0
	case exp >= len(powers):
		return maxScaled
	case exp >= 0:
		high, low := bits.Mul64(mantissa, powers[exp])
		if high != 0 || low > maxScaled {
			return maxScaled
		}
		return low
	case -exp >= len(powers):
		return 0
	}
	p := powers[-exp]
	return min((mantissa/p)+(mantissa%p+p/2)/p, maxScaled)
}

// whole reads a whole number without sign or fraction.
func whole(b []byte) (uint64, bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}
