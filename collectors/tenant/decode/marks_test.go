package decode

import (
	"bytes"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// sameMarks compares nextMark, and the marks of a record that begins anywhere, with looking at each byte.
func sameMarks(t *testing.T, text []byte) {
	t.Helper()
	for i := range len(text) + 1 {
		want := i
		for want < len(text) && text[want] != '"' && text[want] != '\\' && text[want] >= 0x20 && text[want] < 0x80 {
			want++
		}
		if got := nextMark(text, i); got != want {
			t.Fatalf("from %d of %d bytes: %d, want %d", i, len(text), got, want)
		}
	}
	var m marks
	for _, start := range []int{0, 1, len(text) / 2, max(0, len(text)-64), len(text)} {
		start = min(start, len(text))
		m.restart(text, start)
		for i := start; i <= len(text); i++ {
			if got, want := m.next(text, i), nextMark(text, i); got != want {
				t.Fatalf("record at %d, from %d of %d bytes: %d, want %d", start, i, len(text), got, want)
			}
		}
	}
}

func TestNextMark(t *testing.T) {
	random := testkit.Random(t)
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	sameMarks(t, every)
	for _, size := range []int{0, 1, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 150, 511, 512, 513, 576, 1100} {
		text := bytes.Repeat([]byte("x"), size)
		sameMarks(t, text)                          // nothing after it in memory
		sameMarks(t, append(text, `xx"`...)[:size]) // a mark after it
		for range min(size, 20) {
			text[random.IntN(size)] = `"\é`[random.IntN(4)]
			sameMarks(t, text)
		}
	}
}

func FuzzNextMark(f *testing.F) {
	for _, line := range jsonSeeds {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		sameMarks(t, text)
		sameMarks(t, bytes.Repeat(text, 1+600/(len(text)+1)))
	})
}
