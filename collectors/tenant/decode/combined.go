package decode

import "bytes"

// combinedLog is the combined format of nginx and Apache.
var combinedLog = format{
	name: "combined", durations: true, unit: seconds,
	decoder: func(o Options) Decoder { return newCombined(o, nil) },
}

// combined reads nginx's and Apache's combined format, followed by the host and the request time:
//
//	$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent
//	  "$http_referer" "$http_user_agent" "$host" $request_time
//
// Both may be missing, for a source of one tenant, or the host alone. The host may stand without quotes, and then the
// time may be missing.
// A quoted text without a time after it is not a host: nginx's packaged format main has X-Forwarded-For there, by which
// a client would choose its tenant.
type combined struct {
	// after reads what follows the agent, nil for host and time.
	after  func(*combined, []byte, *Event) Outcome
	path   bool
	probes prover
	clock  clock
	notice notices
}

// Decode implements Decoder.
func (d *combined) Decode(b []byte, e *Event) Outcome {
	outcome := d.decode(b, e)
	if outcome.Rejected() && (isTextNotice(b) || len(b) > 0 && b[0] == '{' && d.notice.matches(b)) {
		return NoRequest
	}
	return outcome
}

func (d *combined) decode(b []byte, e *Event) Outcome {
	*e = Event{Duration: -1}
	line := b
	i := requestQuote(b)
	if i < 3 || b[i-1] != ' ' || b[i-2] != ']' {
		return Syntax
	}
	open := bytes.LastIndexByte(b[:i-2], '[')
	if open < 0 {
		return Syntax
	}
	if e.Time = d.clock.parse(b[open+1 : i-2]); e.Time == 0 {
		return Syntax
	}
	request, b, ok := quoted(b[i:])
	if !ok || len(b) < 2 || b[0] != ' ' {
		return Syntax
	}
	b = b[1:]
	if len(b) > 3 && b[3] == ' ' && b[0]-'0' <= 9 && b[1]-'0' <= 9 && b[2]-'0' <= 9 {
		e.Status = int(b[0]-'0')*100 + int(b[1]-'0')*10 + int(b[2]-'0')
		b = b[4:]
	} else {
		var status []byte
		status, b = word(b)
		if e.Status, ok = statusOf(status); !ok {
			return NoStatus
		}
	}
	size, b := word(b)
	if e.Bytes, ok = whole(size); !ok {
		if e.Bytes, ok = scaled(size, 0); !ok && !isBareItem(size) {
			return Syntax
		}
	}
	if d.path {
		e.Path = pathOf(target(request))
	}
	if len(b) == 0 { // the common format: no referer, no agent
		e.Probe = d.isProbe(nil, request, line)
		return Counted
	}
	if _, b, ok = quoted(b); !ok || len(b) < 2 || b[0] != ' ' {
		return Syntax
	}
	agent, b, ok := quoted(b[1:])
	if !ok {
		return Syntax
	}
	e.Probe = d.isProbe(agent, request, line)
	if d.after != nil {
		return d.after(d, b, e)
	}
	return d.rest(b, e)
}

// newCombined returns a decoder of a format that begins as combined does.
func newCombined(o Options, after func(*combined, []byte, *Event) Outcome) *combined {
	return &combined{after: after, path: o.Path, probes: prover{Probes: o.Probes}}
}

// isProbe reports whether a line, which begins with the client's address, is a request of our own health checks.
func (d *combined) isProbe(agent, request, line []byte) bool {
	if d.probes.Probes == nil {
		return false
	}
	address, _ := word(line)
	return d.probes.proves(agent, request, address, nil)
}

// requestQuote returns the index of the quote before the request, the first one that is not escaped; -1 if there is
// none. A client chooses the user that stands before it, brackets included; nginx writes a quote there as \x22, Apache
// as \".
func requestQuote(b []byte) int {
	for start := 0; ; {
		i := bytes.IndexByte(b[start:], '"')
		if i < 0 {
			return -1
		}
		if i += start; i == 0 || b[i-1] != '\\' {
			return i
		}
		start = i + 1
	}
}

// rest reads host and time.
func (d *combined) rest(b []byte, e *Event) Outcome {
	if len(b) == 0 {
		return Counted
	}
	if b[0] != ' ' {
		return Syntax
	}
	b = b[1:]
	var host []byte
	inQuotes := len(b) > 0 && b[0] == '"'
	if inQuotes {
		var ok bool
		if host, b, ok = quoted(b); !ok || len(b) > 0 && b[0] != ' ' {
			return Syntax
		}
		if len(b) > 0 {
			b = b[1:]
		}
	} else {
		host, b = word(b)
	}
	if len(b) == 0 {
		if inQuotes {
			return Counted
		}
		if took, ok := scaled(host, int(seconds)); ok { // a time was added, and no host
			e.Duration = int64(took)
		} else {
			e.Host = host
		}
		return Counted
	}
	took := list(b)
	if b[0] == '"' {
		var ok bool
		if took, _, ok = quoted(b); !ok {
			took = b
		}
	}
	e.setDuration(took, seconds)
	if !inQuotes || e.Unreadable != NotADuration {
		e.Host = host
	}
	return Counted
}

// list cuts off a word, or a list of them as nginx writes for several upstreams: 0.006, 0.002 : 0.001.
func list(b []byte) []byte {
	for i := range b {
		if b[i] == ' ' && i > 0 && b[i-1] != ',' && b[i-1] != ':' && (i+1 == len(b) || b[i+1] != ':') {
			return b[:i]
		}
	}
	return b
}

// quoted cuts a quoted string off; a backslash guards the byte after it.
func quoted(b []byte) (inside, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return nil, b, false
	}
	b = b[1:]
	for start := 0; ; {
		i := bytes.IndexByte(b[start:], '"')
		if i < 0 {
			return nil, nil, false
		}
		i += start
		if i == 0 || b[i-1] != '\\' || !escapedAt(b, i) {
			return b[:i], b[i+1:], true
		}
		start = i + 1
	}
}

// escapedAt reports whether an odd number of backslashes stands before i.
func escapedAt(b []byte, i int) bool {
	slashes := 0
	for j := i - 1; j >= 0 && b[j] == '\\'; j-- {
		slashes++
	}
	return slashes%2 == 1
}

// word cuts off what stands before the next space.
func word(b []byte) (first, rest []byte) {
	for i, c := range b { // words are short
		if c == ' ' {
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

// target is the second word of GET /path HTTP/1.1.
func target(request []byte) []byte {
	_, rest := word(request)
	uri, _ := word(rest)
	return uri
}
