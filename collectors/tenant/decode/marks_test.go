package decode

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// marked is what a byte has a mark for.
func marked(c byte) bool { return c == '"' || c == '\\' || c < 0x20 || c >= 0x80 }

// agree compares the marks, and every answer that rests on them, with looking at each byte.
func agree(t *testing.T, text []byte) {
	t.Helper()
	words := len(text) / 64
	made := make([]uint64, words)
	mark(made, text)
	for i, c := range text[:words*64] {
		want := uint64(0)
		if marked(c) {
			want = 1
		}
		if got := made[i/64] >> (i % 64) & 1; got != want {
			t.Fatalf("byte %d (%q) has mark %d", i, c, got)
		}
	}
	for _, base := range []int{0, 1, len(text) / 2, max(0, len(text)-64), len(text)} {
		base = min(base, len(text))
		var m marks
		m.restart(text, base)
		for i := base; i <= len(text); i++ {
			want := i
			for want < len(text) && !marked(text[want]) {
				want++
			}
			if got := m.next(text, i); got != want {
				t.Fatalf("from %d, after %d of %d bytes: %d, want %d", base, i, len(text), got, want)
			}
		}
	}
}

func TestMarks(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	agree(t, every)
	for _, size := range []int{0, 1, 7, 63, 64, 65, 127, 128, 511, 512, 513, 576, 1100} {
		text := bytes.Repeat([]byte("x"), size)
		agree(t, text)                          // nothing after it in memory
		agree(t, append(text, `xx"`...)[:size]) // a mark after it
		for range min(size, 20) {
			text[rand.IntN(size)] = `"\é`[rand.IntN(4)]
			agree(t, text)
		}
	}
}

func FuzzMarks(f *testing.F) {
	for _, line := range jsonSeeds {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		agree(t, text)
		agree(t, bytes.Repeat(text, 1+600/(len(text)+1)))
	})
}
