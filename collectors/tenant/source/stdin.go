package source

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
)

// Stdin reads standard input. A pipe cannot be read twice: what was taken from it and not yet saved when the
// process is killed is lost.
type Stdin struct {
	*Config
	In      io.Reader
	samples Sampler
}

// pump reads a pipe in a goroutine of its own, which lives as long as the pipe: no policy can interrupt a
// read, and the next one goes on with what it yields.
type pump struct {
	blocks  chan []byte
	err     error
	rest    []byte
	unsaved []byte // a record that a reload kept from being saved
}

var (
	pumpsMu sync.Mutex
	pumps   = map[io.Reader]*pump{}
)

func pumpOf(in io.Reader) *pump {
	pumpsMu.Lock()
	defer pumpsMu.Unlock()
	if p, ok := pumps[in]; ok {
		return p
	}
	p := &pump{blocks: make(chan []byte)}
	pumps[in] = p
	collectors.Async(func() error { // it cannot be interrupted, and ends with the input
		defer close(p.blocks)
		for {
			b := make([]byte, bufferSize)
			n, err := in.Read(b)
			if n > 0 {
				p.blocks <- b[:n]
			}
			if err != nil {
				p.err = err
				return err
			}
		}
	})
	return p
}

// Run reads until the input or ctx ends.
func (s *Stdin) Run(ctx context.Context) error {
	s.Status.Up.Store(true)
	p := pumpOf(s.In)
	st, err := newStream(s.Config, nil, &s.samples)
	if err != nil {
		return err
	}
	if err := s.save(ctx, p); err != nil {
		return err
	}
	for {
		select {
		case block, ok := <-p.blocks:
			p.rest = append(p.rest, block...) // it cannot be read twice
			if err := s.count(ctx, st, p, !ok); err != nil || !ok {
				s.Status.Up.Store(false)
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// save commits what was counted. What a reload keeps from being saved is kept for after it.
func (s *Stdin) save(ctx context.Context, p *pump) error {
	if p.unsaved == nil {
		return nil
	}
	err := s.Commit(ctx, p.unsaved)
	if err == nil {
		p.unsaved = nil
	}
	return err
}

// count counts the whole lines there are, and those that come within a second, and commits them.
func (s *Stdin) count(ctx context.Context, st *stream, p *pump, last bool) error {
	err := s.Aggregators.With(ctx, s.Count, func(agg *aggregate.Aggregator) error {
		s.read(agg, st, p, last)
		p.unsaved = agg.Flush(nil, nil)
		return nil
	})
	if err != nil {
		return err
	}
	return s.save(ctx, p)
}

// read counts what there is until the aggregator is full or a second has passed.
func (s *Stdin) read(agg *aggregate.Aggregator, st *stream, p *pump, last bool) {
	for start := time.Now(); ; {
		done := st.lines.count(agg, p.rest, last)
		p.rest = append(p.rest[:0], p.rest[done:]...)
		if len(p.rest) > maxLine+bufferSize {
			agg.Read(0, uint64(len(p.rest)))
			p.rest, st.lines.long = p.rest[:0], true
		}
		var block []byte
		if !last && !agg.Full() && time.Since(start) < sessionTime {
			select {
			case block = <-p.blocks: // at the end of the pipe Run finds it closed once more
			default:
			}
		}
		if block == nil {
			break
		}
		p.rest = append(p.rest, block...)
	}
}
