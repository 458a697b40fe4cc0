package source

import (
	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// Lines counts the lines of blocks of memory, for a source that reads neither files nor a pipe.
type Lines struct{ lines lines }

// NewLines returns what decodes the lines of a source. where names what the blocks come from.
func NewLines(c *Config, where string) (*Lines, error) {
	samples := &Sampler{}
	s, err := newStream(c, nil, samples)
	if err != nil {
		return nil, err
	}
	s.lines.bad = func(v decode.Outcome, line []byte, _ int) {
		c.Status.Reject(v, line, func() string { return where })
		if samples.Allow() {
			c.Logger.Warn("A line cannot be read", "source", c.Name, "in", where, "reason", v.Reason())
		}
	}
	return &Lines{s.lines}, nil
}

// Count counts the lines of a block, each of them whole: the last needs no line break.
func (l *Lines) Count(agg *aggregate.Aggregator, block []byte) {
	l.lines.long, l.lines.part = false, false
	l.lines.count(agg, block, true)
}

// CountOf is Count for requests of one tenant, whatever they say themselves.
func (l *Lines) CountOf(agg *aggregate.Aggregator, block, tenant []byte) {
	l.lines.named, l.lines.tenant = true, tenant
	l.Count(agg, block)
}
