package decode

import "golang.org/x/sys/cpu"

// markAVX2 makes n words, n > 0, from 64 bytes each.
//
//go:noescape
func markAVX2(words *uint64, b *byte, n int)

var hasAVX2 = cpu.X86.HasAVX2

// mark makes as many words as there is room for from 64 bytes each.
func mark(words []uint64, b []byte) {
	if !hasAVX2 {
		markPortable(words, b)
		return
	}
	if len(words) > 0 {
		_ = b[len(words)<<6-1]
		markAVX2(&words[0], &b[0], len(words))
	}
}
