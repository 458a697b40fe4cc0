package decode

import "bytes"

// traefikCLF is the access log of Traefik in its common format, the default (pkg/middlewares/accesslog,
// logger_formatters.go):
//
//	host - user [time] "method path protocol" status size "referer" "agent" count "router" "server" duration ms
//
// It names no host. Traefik escapes no quotes in it: the duration is read from the end. The first word is what a client
// says in X-Forwarded-For where such headers are trusted, so that it proves no health check. The status is 499 where
// the client left before the headers, and 0 where the response was cut off after them.
var traefikCLF = format{name: "traefik-clf", line: readTraefikCLF, unproven: true, durations: true, unit: milliseconds}

func readTraefikCLF(d *textLine, b []byte, e *Event) Outcome {
	i := bytes.Index(b, []byte(`] "`))
	if i < 0 {
		return Syntax
	}
	open := bytes.LastIndexByte(b[:i], '[')
	if open < 0 {
		return Syntax
	}
	if e.Time = d.clock.parse(b[open+1 : i]); e.Time == 0 {
		return Syntax
	}
	_, uri, _, b, ok := requestWords(b[i+3:])
	if !ok {
		return Syntax
	}
	status, b := word(b)
	size, b := word(b)
	if e.Status, ok = statusOf(status); !ok {
		return NoStatus
	}
	if e.Bytes, ok = scaled(size, 0); !ok && string(size) != "-" {
		return Syntax
	}
	took, ok := bytes.CutSuffix(b[bytes.LastIndexByte(b, ' ')+1:], []byte("ms"))
	if !ok || len(b) == 0 || b[0] != '"' {
		return Syntax
	}
	e.setDuration(took, milliseconds)
	if e.Status == 0 && string(status) == "0" {
		e.Status = clientClosed
	}
	d.setURI(uri, e)
	return Counted
}
