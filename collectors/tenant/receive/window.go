package receive

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// maxRecord bounds a record. Vercel cuts messages off at 256 KiB, which can be six times as much in JSON.
const maxRecord = 2 << 20

// minAhead is how much of a body is looked ahead at first.
const minAhead = 128 << 10

// window is the part of a body that is being decoded: as much as the next record may need, never all of it.
type window struct {
	from  io.Reader
	b     []byte
	at    int // of the next record
	ahead int // how much there is from at on, unless the body has ended
	ended bool
	err   error
	read  uint64
}

var windows = sync.Pool{New: func() any { return &window{b: make([]byte, 0, 2*minAhead)} }}

func takeWindow(from io.Reader) *window {
	w := windows.Get().(*window)
	*w = window{from: from, b: w.b[:0], ahead: minAhead}
	return w
}

func (w *window) free() {
	if cap(w.b) == 2*minAhead {
		w.from = nil
		windows.Put(w)
	}
}

// need makes sure that there is enough ahead, if the body has so much.
func (w *window) need() {
	if !w.ended && len(w.b)-w.at < w.ahead {
		w.fill()
	}
}

func (w *window) fill() {
	rest := w.b[w.at:]
	if cap(w.b) < 2*w.ahead {
		w.b = append(make([]byte, 0, 2*w.ahead), rest...)
	} else {
		w.b = w.b[:copy(w.b[:cap(w.b)], rest)]
	}
	for w.at = 0; len(w.b) < cap(w.b) && !w.ended; {
		n, err := w.from.Read(w.b[len(w.b):cap(w.b)])
		w.b = w.b[:len(w.b)+n]
		w.read += uint64(n)
		if err != nil {
			if w.ended = true; !errors.Is(err, io.EOF) {
				w.err = err
			}
		}
	}
}

// more looks further ahead, and reports whether that may make a record of what is none yet.
func (w *window) more() bool {
	if w.ended || w.ahead >= maxRecord {
		return false
	}
	w.ahead *= 2
	w.fill()
	return true
}

// space skips space. It reports whether anything follows.
func (w *window) space() bool {
	for {
		w.need()
		for w.at < len(w.b) {
			switch w.b[w.at] {
			case ' ', '\t', '\r', '\n':
				w.at++
				continue
			}
			return true
		}
		if w.ended {
			return false
		}
	}
}

// line skips the rest of a line.
func (w *window) line() {
	for {
		if n := bytes.IndexByte(w.b[w.at:], '\n'); n >= 0 {
			w.at += n + 1
			return
		}
		if w.at = len(w.b); w.ended {
			return
		}
		w.fill()
	}
}
