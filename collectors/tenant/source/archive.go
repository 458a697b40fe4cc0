package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/count"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/ledger"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// stream reads to the end something that cannot be read twice: a compressed file, or a pipe.
type stream struct {
	*Config
	r       io.Reader
	at      *ledger.File // nil if it has no position
	lines   lines
	samples *Sampler
	last    bool  // nobody will read it again: what there is of it counts
	broken  error // where it ended before its end
}

func newStream(c *Config, r io.Reader, at *ledger.File, samples *Sampler) (*stream, error) {
	decoder, err := decode.New(c.Format)
	if err != nil {
		return nil, err
	}
	s := &stream{Config: c, r: r, at: at, samples: samples}
	s.lines.decoder = decoder
	s.lines.bad = func(v decode.Verdict, _ int) {
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
		table, err := s.Tables.Take(ctx)
		if err != nil {
			return err
		}
		table.Begin(s.Count)
		var readErr error
		buf, have, ended, readErr = s.session(table, buf, have)
		var files []ledger.File
		if s.at != nil {
			s.at.Done = ended && readErr == nil
			files = []ledger.File{*s.at}
		}
		record := table.Flush(files, nil)
		s.Tables.Give(table)
		if err := s.commit(ctx, record); err != nil {
			return err
		}
		if readErr != nil {
			return readErr
		}
	}
	return nil
}

func (s *stream) session(table *count.Table, buf []byte, have int) ([]byte, int, bool, error) {
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
		done := s.lines.count(table, buf[:have], ended)
		if s.at != nil {
			s.at.Offset += uint64(done)
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
				}
				table.Read(0, uint64(have))
				s.lines.long, have = true, 0
			}
		}
		if table.Full() || time.Since(start) > sessionTime {
			return buf, have, false, nil
		}
	}
}

// archive reads what a position lacks of a file that will not grow any more. The last time that it is tried, what can be read
// of a damaged one is counted, and it is done with.
func archive(ctx context.Context, c *Config, path string, at ledger.File, samples *Sampler, last bool) error {
	f, err := regularfile.Open(ctx, path)
	if err != nil {
		return err
	}
	defer f.Close()
	if begins, err := headOf(f, path); err != nil || !matches(&at, begins) {
		return errors.Join(fmt.Errorf("%s: another file lies there now", path), err)
	}
	var r io.Reader = f
	if compressed(path) {
		if r, err = gzip.NewReader(bufio.NewReaderSize(f, 64<<10)); err != nil {
			r = failing{err}
		}
	}
	if _, err := io.CopyN(io.Discard, r, int64(at.Offset)); err != nil && !errors.Is(err, io.EOF) {
		r = failing{err}
	}
	s, err := newStream(c, r, &at, samples)
	if err != nil {
		return err
	}
	s.last = last
	if err := errors.Join(s.run(ctx), s.broken); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// failing is what cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
