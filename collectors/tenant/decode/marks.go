package decode

import (
	"encoding/binary"
	"math/bits"
)

// nextMark returns the index of the first byte from i on at which a string may end or is no longer plain ASCII: a
// quote, a backslash, a control character or a byte above 0x7f. It returns len(b) if there is none. Sixteen bytes are
// compared at once without a branch between them: most strings of a log are shorter, so the one branch is predicted
// well.
func nextMark(b []byte, i int) int {
	for ; i+16 <= len(b); i += 16 {
		c := b[i : i+16]
		x, y := marksOf(c[0:8]), marksOf(c[8:16])
		if x|y == 0 {
			continue
		}
		n := bits.TrailingZeros64(x)
		if x == 0 {
			n = 64 + bits.TrailingZeros64(y)
		}
		return i + n>>3
	}
	for i < len(b) && b[i] >= ' ' && b[i] < 0x80 && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// marksOf returns the highest bit of each of eight bytes at which nextMark stops. Only the lowest one is sure: what a
// byte that is marked borrows marks the bytes after it.
func marksOf(b []byte) uint64 {
	x := binary.LittleEndian.Uint64(b)
	return (x | (x - ones*' ') | ((x ^ ones*'"') - ones) | ((x ^ ones*'\\') - ones)) & highs
}
