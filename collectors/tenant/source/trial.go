package source

import (
	"bytes"
	"net/netip"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

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

// Try decodes lines as a source of a format without fields of its own would.
func Try(sample [][]byte, format string) (Trial, error) {
	decoder, err := decode.New(decode.Options{Format: format})
	if err != nil {
		return Trial{}, err
	}
	l, t := lines{decoder: decoder}, Trial{Format: format}
	for _, line := range sample {
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if len(line) == 0 {
			continue
		}
		v := l.decode(line)
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
			{&t.Hosts, isHostName(l.event.Host)},
			{&t.Odd, len(l.event.Host) > 0 && !isHostName(l.event.Host)},
			{&t.Durations, l.event.Duration >= 0},
			{&t.Times, l.event.Time > 0},
			{&t.Sizes, l.event.Bytes > 0},
		} {
			if part.is {
				*part.n++
			}
		}
	}
	return t, nil
}

// isHostName reports whether a text is a name with a dot in it, with a port or without, and not an address: what a
// client's X-Forwarded-For holds is none.
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
	_, err := netip.ParseAddr(string(name))
	return err != nil
}
