package decode

import "bytes"

// haproxy is the log of HAProxy's option httplog, and of httpslog, which has more after the request (HAProxy's
// configuration manual, 8.2.3 and 8.2.4):
//
//	%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r
//
// The host is a captured header that the source names, or, in HTTP/2 and HTTP/3, that of the request's URL. A captured
// header that the source does not name may be anything a client sends. Quotes and braces are encoded in captures and
// requests, but a captured cookie may have spaces: a line must be of this form in all of its parts.
//
// An aborted request has the status -1, or 400 with the state CH (src/http_ana.c).
var haproxy = format{
	name: "haproxy", line: readHAProxy, notice: isHAProxyNotice, captures: true, durations: true, unit: milliseconds,
}

const haproxyTime = "02/Jan/2006:15:04:05"

func readHAProxy(d *textLine, b []byte, e *Event) Outcome {
	client, b := word(b)
	date, b := word(b)
	if len(date) < len(haproxyTime)+2 || date[0] != '[' || date[len(date)-1] != ']' ||
		bytes.IndexByte(client, ':') < 0 {
		return Syntax
	}
	if e.Time = d.clock.localTime(date[1:len(date)-1], haproxyTime); e.Time == 0 {
		return Syntax
	}
	frontend, b := word(b)
	if bytes.HasSuffix(frontend, []byte{':'}) {
		return NoRequest // a connection that failed (8.2.5, error log format)
	}
	server, b := word(b)
	timers, b := word(b)
	last := bytes.LastIndexByte(timers, '/')
	if bytes.IndexByte(server, '/') < 0 || bytes.Count(timers, []byte{'/'}) != 4 {
		return Syntax
	}
	e.setDuration(timers[last+1:], milliseconds)
	status, b := word(b)
	size, b := word(b)
	var ok bool
	if e.Status, ok = statusOf(status); !ok {
		return NoStatus
	}
	if e.Bytes, ok = scaled(size, 0); !ok {
		return Syntax
	}
	for range 2 { // captured cookies
		_, b = word(b)
	}
	state, b := word(b)
	connections, b := word(b)
	queues, b := word(b)
	if len(state) != 4 || bytes.Count(connections, []byte{'/'}) != 4 || bytes.Count(queues, []byte{'/'}) != 1 {
		return Syntax
	}
	headers, b := braces(b)
	_, b = braces(b)
	request, ok := lastRequest(b)
	if !ok {
		return Syntax
	}
	if outcome := haproxyAborted(state, e); outcome != Counted {
		return outcome
	}
	uri := target(request)
	host, path := splitURL(uri)
	if d.host > 0 {
		host = capture(headers, d.host)
	} else if !bytes.HasSuffix(request, []byte(" HTTP/2.0")) && !bytes.HasSuffix(request, []byte(" HTTP/3.0")) {
		host = nil // routing may have used the header Host
	}
	e.Host, e.Tenant = host, capture(headers, d.tenant)
	d.setURI(path, e)
	e.Probe = d.isProbe(capture(headers, d.agent), uri, client, capture(headers, d.probe))
	return Counted
}

// isHAProxyNotice recognises what HAProxy reports on its servers, proxies and processes.
func isHAProxyNotice(b []byte) bool {
	for _, prefix := range [...]string{
		"Server ", "Proxy ", "Health check ", "backend ", "Stopping ", "[NOTICE] ", "[WARNING] ", "[ALERT] ",
	} {
		if len(b) > len(prefix) && string(b[:len(prefix)]) == prefix {
			return true
		}
	}
	return false
}

// haproxyAborted corrects the status of a request whose client left, or sent nothing in time, before the response. Its
// state begins with C or c; then follows where the request was: R in its own header, Q in a queue, C before the server
// was connected, H before the response's headers (configuration manual, 8.5). A connection that ended without a request
// or an answer, as of a port that is tried, has no bytes and the state CR or cR, in HTTP/2 the status 0 and PR.
func haproxyAborted(state []byte, e *Event) Outcome {
	if len(state) < 2 {
		return Counted
	}
	switch {
	case state[1] == 'R' && e.Bytes == 0 && (state[0]|0x20 == 'c' || e.Status == 0):
		return NoRequest
	case e.Status == 0 && (state[0] == 'C' || state[0] == 'c'),
		state[0] == 'C' && (state[1] == 'Q' || state[1] == 'C' || state[1] == 'H'):
		e.Status = clientClosed
	}
	return Counted
}

// braces cuts off what stands in braces and the space after it, if b begins with a brace.
func braces(b []byte) (inside, rest []byte) {
	if len(b) == 0 || b[0] != '{' {
		return nil, b
	}
	end := bytes.IndexByte(b, '}')
	if end < 0 || end+1 >= len(b) || b[end+1] != ' ' {
		return nil, nil
	}
	return b[1:end], b[end+2:]
}

// lastRequest returns the quoted request that ends a line, but for two words without quotes. A request that was too
// long for the log has no closing quote.
func lastRequest(b []byte) ([]byte, bool) {
	if len(b) < 2 || b[0] != '"' {
		return nil, false
	}
	b = b[1:]
	end := bytes.IndexByte(b, '"')
	if end < 0 {
		return b, true
	}
	rest := b[end+1:]
	if len(rest) > 0 && (rest[0] != ' ' || bytes.Count(rest, space) != 2 || bytes.IndexByte(rest, '"') >= 0) {
		return nil, false
	}
	return b[:end], true
}

// capture returns the nth of captured headers, counted from 1, nil if it is missing.
func capture(headers []byte, n int) []byte {
	for ; n > 0; n-- {
		header, rest, more := bytes.Cut(headers, []byte{'|'})
		if n == 1 {
			return header
		}
		if !more {
			return nil
		}
		headers = rest
	}
	return nil
}
