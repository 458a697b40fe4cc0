package decode

import (
	"encoding/binary"
	"math/bits"
)

// decimal is a number that was understood while its end was looked for: mantissa / 10^fraction.
type decimal struct {
	mantissa uint64
	whole    int8 // digits before the point; 0 if the number was not understood
	fraction int8 // digits after it
}

// scanDecimal is scanNumber for what numbers nearly always are: no sign, no exponent, at most fifteen digits
// before the point and seven after it, eighteen in all. Anything else is left to scanNumber.
func scanDecimal(b []byte, i int) (int, decimal) {
	if i+8 > len(b) {
		return scanNumber(b, i), decimal{}
	}
	start := i
	mantissa, n := eightDigits(binary.LittleEndian.Uint64(b[i:]))
	i += n
	whole := n
	if n == 8 {
		if i+8 > len(b) {
			return scanNumber(b, start), decimal{}
		}
		var more uint64
		more, n = eightDigits(binary.LittleEndian.Uint64(b[i:]))
		mantissa = mantissa*powers[n] + more
		i += n
		whole += n
	}
	if i >= len(b) || whole == 0 || whole == 16 || b[start] == '0' && whole > 1 {
		return scanNumber(b, start), decimal{}
	}
	fraction := 0
	if b[i] == '.' {
		if i++; i+8 > len(b) {
			return scanNumber(b, start), decimal{}
		}
		var more uint64
		more, fraction = eightDigits(binary.LittleEndian.Uint64(b[i:]))
		if fraction == 0 || fraction == 8 || whole+fraction > 18 {
			return scanNumber(b, start), decimal{}
		}
		mantissa = mantissa*powers[fraction] + more
		i += fraction
	}
	if i >= len(b) || b[i]|0x20 == 'e' {
		return scanNumber(b, start), decimal{}
	}
	return i, decimal{mantissa, int8(whole), int8(fraction)}
}

// eightDigits parses the leading digits of eight bytes and returns their value and number.
func eightDigits(x uint64) (value uint64, n int) {
	x ^= ones * '0'
	// What is carried out of a byte that is no digit only reaches bytes after it.
	n = bits.TrailingZeros64((x+ones*0x76|x)&highs) >> 3
	x <<= 64 - 8*uint(n) // what is missing becomes zeros before the digits
	x = (x*10 + x>>8) & 0x00ff00ff00ff00ff
	x = (x*100 + x>>16) & 0x0000ffff0000ffff
	return (x*10_000 + x>>32) & 0xffffffff, n
}

// scaled is the number times ten to the power of scale, as scaled would read it.
func (d decimal) scaled(scale int) uint64 { return shift(d.mantissa, scale-int(d.fraction)) }
