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
	named   bool // tenant is that of all requests
	tenant  []byte
	wrapped bool // lines were found in objects of Docker or journald: they are tried first
	// unwrapper reads such objects.
	unwrapper decode.Unwrapper
	// bad is called for each line that could not be read, with the reason and where it began.
	bad func(v decode.Outcome, line []byte, at int)
	// panicked is called where the decoder has panicked. Such a line counts as one that could not be read: it must not
	// keep the lines after it from being counted for ever.
	panicked func(err error)
	// unread is called for each request whose duration cannot be read.
	unread func(*decode.Event)
}

// count counts the whole lines of a block and returns how many bytes they take. A line without its end is
// left, unless it is the last there will be.
func (l *lines) count(agg *aggregate.Aggregator, block []byte, last bool) int {
	p := progress{}
	for !l.scan(agg, block, last, &p) {
	}
	agg.Read(p.lines, uint64(p.done))
	return p.done
}

// progress is how far a block has been read.
type progress struct {
	done     int // bytes of whole lines
	next     int // where the line after the present one begins
	lines    uint64
	decoding bool // the decoder has the line
}

// scan counts lines from where a block has been read to, and reports whether it got to the end. It stops after a line
// at which the decoder panicked: to recover once for a block costs nothing, once for a line does.
func (l *lines) scan(agg *aggregate.Aggregator, block []byte, last bool, p *progress) (ended bool) {
	defer func() {
		if ended || !p.decoding {
			return
		}
		err := collectors.Panic(recover())
		l.skip(agg, decode.Syntax, block[p.done:p.next], p.done)
		p.done, p.decoding = p.next, false
		if l.panicked != nil {
			l.panicked(err)
		}
	}()
	for {
		rest := block[p.done:]
		end := bytes.IndexByte(rest, '\n')
		p.next = p.done + end + 1
		if end < 0 {
			if !last || len(rest) == 0 {
				return true
			}
			end, p.next = len(rest), len(block)
		}
		if l.long {
			l.long = false
			p.lines++
			agg.Skip(decode.TooLong)
			p.done = p.next
			continue
		}
		line := rest[:end]
		if end > 0 && line[end-1] == '\r' {
			line = line[:end-1]
		}
		if len(line) > 0 {
			p.lines++
			l.line(agg, line, p)
		}
		p.done = p.next
	}
}

func (l *lines) line(agg *aggregate.Aggregator, line []byte, p *progress) {
	v := decode.TooLong
	if len(line) <= maxLine {
		p.decoding = true
		v = l.decode(line)
		p.decoding = false
	}
	if v != decode.Counted {
		l.skip(agg, v, line, p.done)
		return
	}
	if l.event.Unreadable != decode.Readable && l.unread != nil {
		l.unread(&l.event)
	}
	if l.named {
		l.event.Tenant = l.tenant
	}
	agg.Add(&l.event)
}

// skip counts a line that is none to count, and where it began if it could not be read.
func (l *lines) skip(agg *aggregate.Aggregator, v decode.Outcome, line []byte, at int) {
	agg.Skip(v)
	if v.Rejected() && l.bad != nil {
		l.bad(v, line, at)
	}
}

// decode decodes a line, of a container's log, of syslog's, of journald's or another.
func (l *lines) decode(line []byte) decode.Outcome {
	if line[0] == '{' { // nearly always
		if !l.wrapped {
			v := l.decoder.Decode(line, &l.event)
			if v == decode.Counted {
				return v
			}
			entry, ok := l.unwrapper.Unwrap(line)
			if !ok {
				return v
			}
			l.wrapped = true
			return l.entry(&entry)
		}
		if entry, ok := l.unwrapper.Unwrap(line); ok {
			return l.entry(&entry)
		}
		return l.decoder.Decode(line, &l.event)
	}
	if entry, ok := decode.Contained(line); ok {
		return l.entry(&entry)
	}
	entry, ok := decode.Syslogged(line)
	if !ok {
		return l.decoder.Decode(line, &l.event)
	}
	v := l.entry(&entry)
	if v.Rejected() && l.decoder.Decode(line, &l.event) == decode.NoRequest {
		v = decode.NoRequest // a server's own log, which began alike
	}
	return v
}

// entry decodes what an entry holds.
func (l *lines) entry(entry *decode.Entry) decode.Outcome {
	switch {
	case entry.Stderr, len(entry.Content) == 0:
		return decode.NoRequest // what a server has to say otherwise
	case entry.Partial:
		l.part = true
		return decode.NoRequest // until its end
	case l.part:
		l.part = false
		return decode.TooLong
	}
	v := l.decoder.Decode(entry.Content, &l.event)
	if v == decode.Counted && l.event.Time == 0 {
		l.event.Time = decode.ParseTime(entry.Time)
	}
	return v
}
