//go:build !amd64

package decode

// mark makes as many words as there is room for from 64 bytes each.
func mark(words []uint64, b []byte) { markPortable(words, b) }
