package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/count"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/ledger"
)

var buffers = sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}

// tail reads one file from a position, and follows it while it grows.
type tail struct {
	*Config
	at        ledger.File
	file      *os.File
	id        identity
	lines     lines
	samples   *Sampler
	idleLimit time.Duration
	grown     time.Time // when it last grew
	known     []byte    // a record of where it begins, unless that is the beginning
	truncated func(*tail)
	moved     func(ledger.File) // told of every new position
	saved     atomic.Uint64     // offset
	leaving   atomic.Bool       // it is no longer where it was: end when it has stood still
	ended     atomic.Bool
}

func newTail(c *Config, f *os.File, at ledger.File, samples *Sampler, truncated func(*tail), moved func(ledger.File)) (*tail, error) {
	decoder, err := decode.New(c.Format)
	if err != nil {
		return nil, err
	}
	t := &tail{Config: c, at: at, file: f, samples: samples, truncated: truncated, moved: moved, idleLimit: drainTime, grown: time.Now()}
	t.lines.decoder = decoder
	t.saved.Store(at.Offset)
	return t, nil
}

// lag is how much of the file is not yet saved, however long saving takes.
func (t *tail) lag() int64 {
	info, err := t.file.Stat()
	if err != nil {
		return 0 // it has ended
	}
	return max(0, info.Size()-int64(t.saved.Load()))
}

// run reads until the file has ended for good, or ctx has.
func (t *tail) run(ctx context.Context) error {
	defer t.ended.Store(true)
	defer t.file.Close()
	if t.known != nil {
		if err := t.commit(ctx, t.known); err != nil {
			return err
		}
	}
	for {
		more, err := t.step(ctx)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		if t.leaving.Load() && time.Since(t.grown) >= t.idleLimit {
			return t.finish(ctx)
		}
		if err := sleep(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// step counts what there is, for a session at most.
func (t *tail) step(ctx context.Context) (more bool, err error) {
	info, err := t.file.Stat()
	if err != nil {
		return false, err
	}
	if err := t.verify(info); err != nil {
		return false, err
	}
	size := info.Size()
	if size <= int64(t.at.Offset) {
		return false, nil
	}
	before := t.at.Offset
	more, err = t.session(ctx, false)
	if err != nil || t.at.Offset == before {
		return false, err
	}
	t.grown = time.Now()
	return more, nil
}

// verify notices a file that was cut off, even if it has grown beyond the old position since, and learns
// more of the beginning of a young one.
func (t *tail) verify(info os.FileInfo) error {
	if t.at.HeadSize == 0 && info.Size() == 0 || info.ModTime().UnixNano() == t.at.Modified && uint64(info.Size()) >= t.at.Offset && t.at.HeadSize > 0 {
		return nil
	}
	begins := make([]byte, headSize)
	n, err := t.file.ReadAt(begins, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	begins = begins[:n]
	if t.at.HeadSize > 0 && (uint64(info.Size()) < t.at.Offset || !matches(&t.at, begins)) {
		t.Logger.Info("A log was cut off; reading it from its beginning", "file", t.at.Path)
		t.truncated(t)
		t.saved.Store(0)
	}
	mark(&t.at, begins)
	t.at.Modified = info.ModTime().UnixNano()
	t.moved(t.at)
	return nil
}

// session counts for up to a second and commits. It reports whether there is more to read at once.
func (t *tail) session(ctx context.Context, last bool) (more bool, err error) {
	table, err := t.Tables.Take(ctx)
	if err != nil {
		return false, err
	}
	table.Begin(t.Count)
	at, more, readErr := t.read(table, last)
	at.Done = last && !more && readErr == nil
	t.cover(&at)
	record := table.Flush([]ledger.File{at}, nil)
	t.Tables.Give(table)
	if at.Offset == t.at.Offset && !at.Done {
		return false, readErr // nothing but the beginning of a line
	}
	if err := t.commit(ctx, record); err != nil {
		return false, err
	}
	t.at = at
	t.saved.Store(at.Offset)
	t.moved(at)
	return more, readErr
}

// cover makes the position know its file by what is counted of it: when it was looked at first there may
// have been no more than the first bytes of a line, which other files begin with as well.
func (t *tail) cover(at *ledger.File) {
	if at.HeadSize >= min(headSize, at.Offset) {
		return
	}
	begins := make([]byte, headSize)
	if n, err := t.file.ReadAt(begins, 0); err == nil || errors.Is(err, io.EOF) {
		mark(at, begins[:n])
	}
}

// read counts whole lines into a table.
func (t *tail) read(table *count.Table, last bool) (at ledger.File, more bool, err error) {
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	buf := *pooled
	at, have, skipped := t.at, 0, 0
	t.lines.long = false
	t.lines.bad = func(v decode.Verdict, i int) {
		if t.samples.Allow() {
			t.Logger.Warn("A line cannot be read", "file", t.at.Path, "offset", at.Offset+uint64(i), "reason", v.Reason())
		}
	}
	for start := time.Now(); ; {
		n, readErr := t.file.ReadAt(buf[have:], int64(at.Offset)+int64(skipped+have))
		have += n
		ended := errors.Is(readErr, io.EOF)
		if readErr != nil && !ended {
			return at, false, readErr
		}
		done := t.lines.count(table, buf[:have], last && ended)
		if done > 0 {
			at.Offset += uint64(done + skipped)
			skipped = 0
		}
		have = copy(buf, buf[done:have])
		if ended {
			return at, false, nil
		}
		if have == len(buf) { // no line break in all of it
			if len(buf) < maxLine+bufferSize {
				buf = append(buf, make([]byte, len(buf))...)
			} else {
				t.lines.long, skipped, have = true, skipped+have, 0
			}
		}
		if done > 0 && (table.Full() || time.Since(start) > sessionTime) {
			return at, true, nil
		}
	}
}

// finish counts a last line without an end and notes that nothing will follow.
func (t *tail) finish(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = t.session(ctx, true); err != nil {
			return fmt.Errorf("%s: %w", t.at.Path, err)
		}
	}
	return nil
}
