package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
)

var buffers = sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}

// batch is what was read of a file at one go and is not yet saved.
type batch struct {
	at    store.File // after the last line that was counted
	first []byte     // the bytes read, as far as they belong to the beginning by which files are known
	end   ending     // before at
	part  bool       // lines.part before it
	more  bool       // there is more to read at once
	err   error      // that ended it
}

// begins reports whether a file that begins so still holds what was read of its beginning, from an offset on.
func (b *batch) begins(begins []byte, offset uint64) bool {
	if len(b.first) == 0 {
		return true
	}
	return offset <= uint64(len(begins)) && bytes.HasPrefix(begins[offset:], b.first)
}

// read counts whole lines into an aggregator.
func (t *tail) read(agg *aggregate.Aggregator, last bool) (b batch) {
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	buf := *pooled
	b.at, b.end, b.part = t.at, slices.Clone(t.end), t.lines.part
	have, skipped := 0, 0
	t.lines.long = false
	t.lines.bad = func(v decode.Outcome, line []byte, i int) {
		t.Status.Reject(v, line, func() string {
			return fmt.Sprintf("%s at byte %d", t.at.Path, b.at.Offset+uint64(i))
		})
		if t.files.samples.Allow() {
			t.Logger.Warn("A line cannot be read", "file", t.at.Path, "offset", b.at.Offset+uint64(i), "reason", v.Reason())
		}
	}
	for start := time.Now(); ; {
		from := b.at.Offset + uint64(skipped+have)
		n, err := t.file.ReadAt(buf[have:], int64(from))
		if from < headSize {
			b.first = append(b.first, buf[have:have+min(n, int(headSize-from))]...)
		}
		have += n
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			b.err = err
			return b
		}
		done := t.lines.count(agg, buf[:have], last && ended)
		if done > 0 {
			b.at.Offset += uint64(done + skipped)
			if skipped > 0 {
				b.end, skipped = b.end[:0], 0
			}
			b.end.add(buf[:done])
		}
		have = copy(buf, buf[done:have])
		if ended {
			return b
		}
		if have == len(buf) { // no line break in all of it
			if len(buf) < maxLine+bufferSize {
				buf = append(buf, make([]byte, len(buf))...)
			} else {
				t.lines.long, skipped, have = true, skipped+have, 0
			}
		}
		if done > 0 && (agg.Full() || time.Since(start) > sessionTime) {
			b.more = true
			return b
		}
	}
}
