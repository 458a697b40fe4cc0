package decode

import (
	"math/bits"

	"golang.org/x/sys/cpu"
)

// marks has a bit for each byte: 1 where nextMark would stop. A record is looked at once, 64 bytes at a time, and only
// as far as it is read; to find the end of a string is then to count zeros. docs/benchmarks.md has what that gains.
type marks struct {
	base  int // what the first bit stands for
	words []uint64
}

// stride is how many words are made at once: about as much as a record is long.
const stride = 8

var hasAVX2 = cpu.X86.HasAVX2

// markAVX2 makes n words, n > 0, from 64 bytes each.
//
//go:noescape
func markAVX2(words *uint64, b *byte, n int)

// restart forgets everything and looks at the first bytes from i on.
func (m *marks) restart(b []byte, i int) {
	if hasAVX2 {
		m.base, m.words = i, m.words[:0]
		m.extend(b)
	}
}

// next is nextMark for an i that is not before the one of restart, in the same bytes.
func (m *marks) next(b []byte, i int) int {
	if !hasAVX2 {
		return nextMark(b, i)
	}
	at := uint(i - m.base)
	if w := at >> 6; w+1 < uint(len(m.words)) {
		// The 64 bytes from here on, whichever words they are in: no branch to guess.
		if x := m.words[w]>>(at&63) | m.words[w+1]<<1<<(^at&63); x != 0 {
			return i + bits.TrailingZeros64(x)
		}
	}
	return m.far(b, i)
}

// far is next when the mark is further than 64 bytes away or its word has not been made.
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

// mark makes as many words as there is room for from 64 bytes each.
func mark(words []uint64, b []byte) {
	if len(words) > 0 {
		_ = b[len(words)<<6-1]
		markAVX2(&words[0], &b[0], len(words))
	}
}
