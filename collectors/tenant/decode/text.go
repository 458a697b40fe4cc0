package decode

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// textLine decodes formats whose records are lines of text.
type textLine struct {
	format  *format
	path    bool
	probes  prover
	clock   clock
	notice  notices
	columns columns // of a headed format

	// Which captured headers of a request are fields, counted from 1; 0 if none is.
	host, tenant, probe, agent int
}

func newTextLine(f *format, o Options) (*textLine, error) {
	d := &textLine{format: f, path: o.Path, probes: prover{Probes: o.Probes}}
	for name, key := range o.Fields {
		place := map[string]*int{"host": &d.host, "tenant": &d.tenant, "probe": &d.probe, "user_agent": &d.agent}[name]
		number, ok := strings.CutPrefix(key, "capture.")
		n, err := strconv.Atoi(number)
		if !f.captures || place == nil || !ok || err != nil || n < 1 {
			return nil, fmt.Errorf("invalid field %s: %s: write the place of a captured header, such as host: capture.1",
				name, key)
		}
		*place = n
	}
	return d, nil
}

// Decode implements Decoder.
func (d *textLine) Decode(b []byte, e *Event) Outcome {
	*e = Event{Duration: -1}
	outcome := d.format.line(d, b, e)
	if outcome.Rejected() && (isTextNotice(b) || d.format.notice != nil && d.format.notice(b) ||
		len(b) > 0 && b[0] == '{' && d.notice.matches(b)) {
		return NoRequest
	}
	return outcome
}

// setURI takes the path of a request, if it is wanted.
func (d *textLine) setURI(uri []byte, e *Event) {
	if d.path {
		e.Path = pathOf(uri)
	}
}

// isProbe reports whether a request is one of our own health checks.
func (d *textLine) isProbe(agent, uri, address, secret []byte) bool {
	return d.probes.Probes != nil && d.probes.proves(agent, uri, address, secret)
}

// requestWords cuts off a method, a target and a version with a quote behind it, of a program that does not escape
// quotes in targets. No target has a space.
func requestWords(b []byte) (method, target, version, rest []byte, ok bool) {
	method, b = word(b)
	target, b = word(b)
	version, rest = word(b)
	version, ok = bytes.CutSuffix(version, []byte{'"'})
	return method, target, version, rest, ok && len(target) > 0
}

// splitURL divides an absolute URL into its host, with a port, and what follows it. The host is nil for another text.
func splitURL(url []byte) (host, uri []byte) {
	i := bytes.Index(url, []byte("://"))
	if i < 0 || i > len("https") {
		return nil, url
	}
	host = url[i+3:]
	if end := bytes.IndexAny(host, "/?#"); end >= 0 {
		host, uri = host[:end], host[end:]
	}
	if at := bytes.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	return host, uri
}

// localTime reads a time of the zone of this machine in a layout of whole seconds, and what follows it as a fraction.
func (c *clock) localTime(b []byte, layout string) int64 {
	if len(b) < len(layout) {
		return 0
	}
	text, fraction := b[:len(layout)], b[len(layout):]
	if c.n != len(text) || !bytes.Equal(text, c.text[:c.n]) {
		t, err := time.ParseInLocation(layout, string(text), time.Local)
		if err != nil || t.Year() < 1970 || t.Year() > 2200 {
			return 0
		}
		c.n, c.unix = copy(c.text[:], text), t.UnixNano()
	}
	if len(fraction) == 0 {
		return c.unix
	}
	nanos, ok := scaled(fraction, int(seconds))
	if fraction[0] != '.' || !ok || nanos >= uint64(time.Second) {
		return 0
	}
	return c.unix + int64(nanos)
}
