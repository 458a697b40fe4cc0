package tenant

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/source"
	"github.com/thorbis/thorbis_exporter/config"
)

// Summary is what became of the lines of files that were read once.
type Summary struct {
	Lines, Bytes uint64
	Skipped      map[string]uint64 // by reason
	Unreadable   map[string]uint64 // requests whose durations could not be read, by reason
	Requests     uint64            // late ones too
	Unknown      uint64            // requests that led to no tenant
	Tenants      int
	Registered   int // tenants in the registry; -1 if there is none
}

// Once reads files to their ends with the code of the server and writes what was counted. Late requests are
// counted as any other: a log of yesterday has nothing else. The name - is standard input.
func Once(ctx context.Context, o Options, p *config.Policy, src *config.Source, files []string, out io.Writer,
	progress func(bytes int),
) (Summary, error) {
	o.Immediate, o.State = true, nil
	c := New(o)
	once := *p
	once.Tenants.Sources = []*config.Source{src}
	once.Tenants.LateAfter = config.Duration(math.MaxInt64)
	if err := collectors.Apply(c, &once); err != nil {
		return Summary{}, err
	}
	st, r := c.store.Load(), c.current.Load().sources[0]
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	saving, stop := context.WithCancel(context.WithoutCancel(ctx))
	saved := collectors.Async(func() error { return st.Run(saving) })
	var reading []<-chan error
	for _, name := range files {
		reading = append(reading, collectors.Async(func() error { return c.file(ctx, r, name, progress) }))
	}
	var err error
	for _, done := range reading {
		err = errors.Join(err, <-done)
	}
	stop()
	err = errors.Join(err, <-saved)
	s, _ := st.Source(r.number)
	sum := Summary{Lines: s.Lines, Bytes: s.Bytes, Skipped: map[string]uint64{}, Unreadable: map[string]uint64{}}
	for v := decode.Syntax; v < decode.Outcomes; v++ {
		if n := s.Outcomes[v]; n > 0 {
			sum.Skipped[v.Reason()] = n
		}
	}
	for u := decode.NotADuration; u < decode.Unreadables; u++ {
		if n := r.status.unreadable[u].Load(); n > 0 {
			sum.Unreadable[u.Reason()] = n
		}
	}
	var late uint64
	sum.Requests, late, sum.Tenants = st.Totals()
	sum.Requests += late
	sum.Unknown, sum.Registered = st.Unknown(), -1
	if registered := c.current.Load().names.names.Registered; registered != nil {
		sum.Registered = len(registered)
	}
	return sum, errors.Join(err, c.Write(out))
}

func (c *Collector) file(ctx context.Context, r *running, name string, progress func(int)) error {
	in := c.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return fmt.Errorf("%s is a directory; name the files in it", name)
		}
		in = f
	}
	err := source.Once(ctx, &r.reader, name, in, progress)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%s ends in the middle of its compressed data", name)
	}
	if err != nil {
		return fmt.Errorf("%w; what was read of it before is counted", err)
	}
	return nil
}
