package source

import (
	"bytes"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// lines counts the lines of one stream.
type lines struct {
	decoder decode.Decoder
	event   decode.Event
	long    bool // the line being read is too long; it ends at the next line break
	part    bool // what was read is the beginning of a line that a container runtime divided
	// bad is called for each line that could not be read, with the reason and where it began.
	bad func(v decode.Outcome, at int)
	// panicked is called where the decoder has panicked. Such a line counts as one that could not be read: it must not
	// keep the lines after it from being counted for ever.
	panicked func(err error)
	// unread is called for each request whose duration cannot be read.
	unread func(*decode.Event)
}

// count counts the whole lines of a block and returns how many bytes they take. A line without its end is
// left, unless it is the last there will be.
func (l *lines) count(agg *aggregate.Aggregator, block []byte, last bool) int {
	done, n := 0, uint64(0)
	for {
		rest := block[done:]
		end := bytes.IndexByte(rest, '\n')
		next := end + 1
		if end < 0 {
			if !last || len(rest) == 0 {
				break
			}
			end, next = len(rest), len(rest)
		}
		if l.long {
			l.long = false
			n++
			agg.Skip(decode.TooLong)
			done += next
			continue
		}
		line := rest[:end]
		if end > 0 && line[end-1] == '\r' {
			line = line[:end-1]
		}
		if len(line) > 0 {
			n++
			l.line(agg, line, done)
		}
		done += next
	}
	agg.Read(n, uint64(done))
	return done
}

func (l *lines) line(agg *aggregate.Aggregator, line []byte, at int) {
	v := decode.TooLong
	if len(line) <= maxLine {
		v = l.decode(line)
	}
	if v == decode.Counted {
		if l.event.Unreadable != decode.Readable && l.unread != nil {
			l.unread(&l.event)
		}
		agg.Add(&l.event)
		return
	}
	agg.Skip(v)
	if v.Rejected() && l.bad != nil {
		l.bad(v, at)
	}
}

// decode decodes a line, of a container's log or another.
func (l *lines) decode(line []byte) (v decode.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			v = decode.Syntax
			if l.panicked != nil {
				l.panicked(collectors.Panic(p))
			}
		}
	}()
	if line[0] == '{' { // nearly always
		return l.decoder.Decode(line, &l.event)
	}
	entry, ok := decode.Contained(line)
	switch {
	case !ok:
		return l.decoder.Decode(line, &l.event)
	case entry.Stderr:
		return decode.NoRequest // what a server has to say otherwise
	case entry.Partial:
		l.part = true
		return decode.NoRequest // until its end
	case l.part:
		l.part = false
		return decode.TooLong
	}
	v = l.decoder.Decode(entry.Content, &l.event)
	if v == decode.Counted && l.event.Time == 0 {
		l.event.Time = decode.ParseTime(entry.Time)
	}
	return v
}
