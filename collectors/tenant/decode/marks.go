package decode

import (
	"encoding/binary"
	"math/bits"
)

// marks has one bit for each byte where a string may end or stop being plain ASCII: quotes, backslashes, control
// characters and bytes above 0x7f. It covers one stride of the record at a time, and only as far as the record is
// read. The end of a string is then found by counting zeros.
type marks struct {
	base  int // what the first bit stands for
	words []uint64
}

// stride is how many words are made at once: about as much as a record is long.
const stride = 8

// restart forgets everything and looks at the first bytes from i on.
func (m *marks) restart(b []byte, i int) {
	m.base, m.words = i, m.words[:0]
	m.extend(b)
}

// next returns the index of the first marked byte at i or after it, len(b) if there is none.
func (m *marks) next(b []byte, i int) int {
	at := uint(i - m.base)
	if w := at >> 6; w+1 < uint(len(m.words)) {
		// The 64 bytes from here on, whichever words they are in: no branch to guess.
		if x := m.words[w]>>(at&63) | m.words[w+1]<<1<<(^at&63); x != 0 {
			return i + bits.TrailingZeros64(x)
		}
	}
	return m.far(b, i)
}

func (m *marks) far(b []byte, i int) int {
	at := i - m.base
	for w := at >> 6; m.base+w<<6 < len(b); w++ {
		for w >= len(m.words) {
			m.extend(b)
		}
		x := m.words[w]
		if w == at>>6 {
			x &= ^uint64(0) << (at & 63)
		}
		if x != 0 {
			return m.base + w<<6 + bits.TrailingZeros64(x)
		}
	}
	return len(b)
}

// extend makes the next words; after the last one follows an empty one.
func (m *marks) extend(b []byte) {
	n := len(m.words)
	from := m.base + n<<6
	if from >= len(b) {
		m.words = append(m.words, 0)
		return
	}
	rest := b[from:]
	if len(rest) >= stride<<6 {
		m.words = append(m.words, make([]uint64, stride)...)
		mark(m.words[n:], rest)
		return
	}
	words := (len(rest) + 63) >> 6
	m.words = append(m.words, make([]uint64, words+1)...)
	if words<<6 <= cap(rest) { // what follows in the same memory is looked at and forgotten
		mark(m.words[n:n+words], rest[:words<<6])
	} else {
		mark(m.words[n:n+words-1], rest)
		var padded [64]byte
		copy(padded[:], rest[(words-1)<<6:])
		mark(m.words[n+words-1:n+words], padded[:])
	}
	if tail := len(rest) & 63; tail > 0 {
		m.words[n+words-1] &= 1<<tail - 1
	}
}

// mark makes words from 64 bytes each, eight bytes at a time.
func mark(words []uint64, b []byte) {
	b = b[:len(words)<<6]
	for w := range words {
		var x uint64
		for i := range 8 {
			x |= markEight(binary.LittleEndian.Uint64(b[w<<6+i<<3:])) << (8 * i)
		}
		words[w] = x
	}
}

func markEight(x uint64) uint64 {
	low := x &^ highs
	quote, slash := low^ones*'"', low^ones*'\\'
	// Without the highest bits nothing is carried from byte to byte: what stays below 0x80 is below the limit.
	plain := (quote + ones*0x7f) & (slash + ones*0x7f) & (low + ones*0x60) &^ x & highs
	return (plain ^ highs) >> 7 * 0x0102040810204080 >> 56
}
