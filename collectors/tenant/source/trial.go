package source

import (
	"bytes"
	"net/netip"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// Decoder decodes lines as those of a source are, with what containers, syslog and journald put around them.
type Decoder struct{ lines lines }

// NewDecoder returns a decoder of the lines of a format.
func NewDecoder(o decode.Options) (*Decoder, error) {
	decoder, err := decode.New(o)
	return &Decoder{lines{decoder: decoder}}, err
}

// Decode returns what becomes of a line that is not empty, without its line break. The event is valid until the next
// call.
func (d *Decoder) Decode(line []byte) (decode.Outcome, *decode.Event) {
	return d.lines.decode(line), &d.lines.event
}

// Trial is what a format makes of some lines.
type Trial struct {
	Format string
	// Counted lines are requests, Ignored ones are understood and left out; the others cannot be read.
	Counted, Ignored int
	// Of how many requests there are hosts that could be a tenant's, durations, times and sizes.
	Hosts, Durations, Times, Sizes int
	// Odd is how many requests have another text in the place of a host: what a client sent, or another field.
	Odd int
}

// Try decodes lines as a source with these options would.
func Try(sample [][]byte, o decode.Options) (Trial, error) {
	d, err := NewDecoder(o)
	if err != nil {
		return Trial{}, err
	}
	t := Trial{Format: o.Format}
	for _, line := range sample {
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if len(line) == 0 {
			continue
		}
		v, e := d.Decode(line)
		switch {
		case v.Rejected():
			continue
		case v != decode.Counted:
			t.Ignored++
			continue
		}
		t.Counted++
		for _, part := range []struct {
			n  *int
			is bool
		}{
			{&t.Hosts, isHostName(e.Host)},
			{&t.Odd, len(e.Host) > 0 && !isHostName(e.Host)},
			{&t.Durations, e.Duration >= 0},
			{&t.Times, e.Time > 0},
			{&t.Sizes, e.Bytes > 0},
		} {
			if part.is {
				*part.n++
			}
		}
	}
	return t, nil
}

// isHostName reports whether a text is a name with a dot in it, with a port or without, and neither an address nor a
// number: what a client's X-Forwarded-For holds is none, and a request time is none.
func isHostName(b []byte) bool {
	name, _, _ := bytes.Cut(b, []byte{':'})
	if bytes.IndexByte(name, '.') <= 0 {
		return false
	}
	for _, c := range name {
		if c-'0' > 9 && (c|0x20 < 'a' || c|0x20 > 'z') && c != '.' && c != '-' {
			return false
		}
	}
	last := name[bytes.LastIndexByte(name, '.')+1:]
	if len(last) > 0 && len(bytes.Trim(last, "0123456789")) == 0 {
		return false
	}
	_, err := netip.ParseAddr(string(name))
	return err != nil
}
