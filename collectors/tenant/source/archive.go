package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// stream reads to the end something that cannot be read twice: a compressed file, or a pipe.
type stream struct {
	*Config
	r         io.Reader
	at        *store.File // nil if it has no position
	end       ending
	lines     lines
	samples   *Sampler
	last      bool         // it is not read again: what there is of it counts
	broken    error        // where it ended before its end
	whole     bool         // a last line without an end counts
	part      bool         // there is one, and it was not counted
	unchanged func() error // what was read does not count if it returns an error; nil if that cannot be
}

func newStream(c *Config, r io.Reader, samples *Sampler) (*stream, error) {
	decoder, err := decode.New(c.Format)
	if err != nil {
		return nil, err
	}
	s := &stream{Config: c, r: r, samples: samples, whole: true}
	s.lines.decoder, s.lines.unread = decoder, c.unread
	s.lines.panicked = c.panicked(samples)
	s.lines.bad = func(v decode.Outcome, line []byte, _ int) {
		c.Status.Reject(v, line, func() string { return "a rotated file, or standard input" })
		if samples.Allow() {
			c.Logger.Warn("A line cannot be read", "source", c.Name, "reason", v.Reason())
		}
	}
	return s, nil
}

// run reads to the end.
func (s *stream) run(ctx context.Context) error {
	buf := make([]byte, bufferSize)
	for have, ended := 0, false; !ended; {
		var record []byte
		var readErr error
		err := s.Aggregators.With(ctx, s.Count, func(agg *aggregate.Aggregator) error {
			buf, have, ended, readErr = s.session(agg, buf, have)
			if s.unchanged != nil {
				if err := s.unchanged(); err != nil {
					return err
				}
			}
			var files []store.File
			if s.at != nil {
				s.at.Done = ended && readErr == nil && !s.part
				if len(s.end) > 0 {
					s.end.note(s.at)
				}
				files = []store.File{*s.at}
			}
			record = agg.Flush(files, nil)
			return nil
		})
		if err != nil {
			return err
		}
		if err := s.Commit(ctx, record); err != nil {
			return err
		}
		if readErr != nil {
			return readErr
		}
	}
	return nil
}

func (s *stream) session(agg *aggregate.Aggregator, buf []byte, have int) ([]byte, int, bool, error) {
	for start := time.Now(); ; {
		n, err := s.r.Read(buf[have:])
		have += n
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended && s.last {
			s.broken, ended = err, true
		}
		if err != nil && !ended {
			return buf, have, true, err
		}
		done := s.lines.count(agg, buf[:have], ended && s.whole)
		s.part = ended && done < have
		if s.at != nil {
			counted := done
			if s.broken != nil { // what was cut may be whole one day
				counted = bytes.LastIndexByte(buf[:done], '\n') + 1
			}
			s.at.Offset += uint64(counted)
			s.end.add(buf[:counted])
		}
		have = copy(buf, buf[done:have])
		if ended {
			return buf, 0, true, nil
		}
		if have == len(buf) {
			if len(buf) < maxLine+bufferSize {
				buf = append(buf, make([]byte, len(buf))...)
			} else {
				if s.at != nil {
					s.at.Offset += uint64(have)
					s.end = s.end[:0]
				}
				agg.Read(0, uint64(have))
				s.lines.long, have = true, 0
			}
		}
		if agg.Full() || time.Since(start) > sessionTime {
			return buf, have, false, nil
		}
	}
}

// errOther marks a file that begins as the one of a position and is another.
var errOther = errors.New("another file that begins alike")

// archive reads what a position lacks of a rotated file, which does not change while it is read: what it held when it
// was judged is what is counted, or nothing. The last time that it is tried, what can be read of a damaged one is
// counted, and it is done with.
type archive struct {
	*Config
	samples *Sampler
	path    string
	was     settling
	at      store.File
	last    bool
	whole   bool // a last line without an end will have none
	part    bool // there is such a line, and it was not counted
}

func (a *archive) run(ctx context.Context) error {
	f, err := regularfile.Open(ctx, a.path)
	if err != nil {
		return err
	}
	defer f.Close()
	unchanged := func() error {
		info, err := f.Stat()
		if err == nil && !a.was.isLike(info) {
			err = regularfile.ErrChanged
		}
		return err
	}
	packing, err := compressionOf(f, a.path)
	if err != nil {
		return err
	}
	begins, err := headOf(f, packing)
	if err == nil {
		err = unchanged()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", a.path, err)
	}
	if !matches(&a.at, begins) {
		return fmt.Errorf("%s: %w", a.path, errOther)
	}
	a.pause(PointOpened, a.path)
	var r io.Reader
	if inflated, err := packing.inflate(f); err == nil {
		defer inflated.Close()
		r = inflated
	} else {
		r = failing{err}
	}
	s, err := newStream(a.Config, nil, a.samples)
	if err != nil {
		return err
	}
	end, err := a.skip(r, &s.lines)
	if errors.Is(err, errOther) {
		return fmt.Errorf("%s: %w", a.path, err)
	} else if err != nil {
		r = failing{err}
	}
	s.r = r
	s.at, s.end, s.last, s.whole = &a.at, end, a.last, a.whole || packing != nil
	s.unchanged = func() error {
		a.pause(PointInflated, a.path)
		return unchanged()
	}
	err = errors.Join(s.run(ctx), s.broken)
	if a.part = s.part; err != nil {
		return fmt.Errorf("%s: %w", a.path, err)
	}
	return nil
}

// skip reads up to the position and returns what lies before it, nothing if the file ends there or before. The decoder
// gets the header that it passes.
func (a *archive) skip(r io.Reader, l *lines) (ending, error) {
	if h := l.header(); h != nil {
		defer h.give(l.decoder)
		r = io.TeeReader(r, h)
	}
	if _, err := io.CopyN(io.Discard, r, int64(a.at.Offset-a.at.EndSize)); err != nil {
		return nil, ignoreEnd(err)
	}
	end := make(ending, a.at.EndSize)
	if _, err := io.ReadFull(r, end); err != nil {
		return nil, ignoreEnd(err)
	}
	if checksum(end) != a.at.End && a.at.EndSize > 0 {
		return nil, errOther
	}
	return end, nil
}

// ignoreEnd ignores that a file ends before a position: nothing of it is missing.
func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// failing is what cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
