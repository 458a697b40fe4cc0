package decode

import "bytes"

// envoyText is the access log of Envoy and of Istio in their default formats of text (Envoy's page on access logs;
// Istio's meshConfig.accessLogFormat):
//
//	[start] "method path protocol" code flags received sent duration service_time
//	  "x-forwarded-for" "agent" "request id" "authority" "upstream"
//	[start] "method path protocol" code flags details termination "failure" received sent duration service_time
//	  "x-forwarded-for" "agent" "request id" "authority" "upstream" cluster local downstream_local downstream_remote
//	  sni route
//
// Envoy escapes no quotes in headers, so that a client could add fields: the authority is found from the end of the
// line, where a client chooses only the SNI, which Envoy cleans since 1.31.2 (CVE-2024-45808). No address in the line
// proves a health check. Requests that were aborted have the code 0 and flags, as in the format envoy.
var envoyText = format{name: "envoy-text", line: readEnvoyText, unproven: true, durations: true, unit: milliseconds}

// istioWords is how many words Istio has after the upstream.
const istioWords = 6

func readEnvoyText(d *textLine, b []byte, e *Event) Outcome {
	end := bytes.IndexByte(b, ']')
	if end < 0 || b[0] != '[' || end+3 > len(b) || b[end+1] != ' ' || b[end+2] != '"' {
		return Syntax
	}
	if e.Time = d.clock.parse(b[1:end]); e.Time == 0 {
		return Syntax
	}
	method, uri, _, b, ok := requestWords(b[end+3:])
	if !ok {
		return Syntax
	}
	code, b := word(b)
	flags, b := word(b)
	if e.Status, ok = statusOf(code); !ok {
		return NoStatus
	}
	var details []byte
	istio := len(b) > 0 && b[0]-'0' > 9
	if istio {
		details, b = word(b)
		if end = bytes.IndexByte(b, '"'); end < 0 {
			return Syntax
		}
		if _, b, ok = quoted(b[end:]); !ok || len(b) == 0 || b[0] != ' ' {
			return Syntax
		}
		b = b[1:]
	}
	_, b = word(b)
	sent, b := word(b)
	took, b := word(b)
	if e.Bytes, ok = whole(sent); !ok {
		return Syntax
	}
	e.setDuration(took, milliseconds)
	if e.Host, ok = envoyAuthority(b, istio); !ok {
		return Syntax
	}
	if string(method) == "-" {
		return NoRequest // a TCP proxy's line, or a stream that ended before its headers
	}
	if e.Status == 0 && envoyClientLeft(flags, details) {
		e.Status = clientClosed
	}
	d.setURI(uri, e)
	return Counted
}

// envoyAuthority returns the last quoted text but one.
func envoyAuthority(b []byte, istio bool) ([]byte, bool) {
	if istio {
		for range istioWords {
			i := bytes.LastIndexByte(b, ' ')
			if i < 0 {
				return nil, false
			}
			b = b[:i]
		}
	}
	_, b, ok := lastQuoted(b)
	if !ok {
		return nil, false
	}
	b, ok = bytes.CutSuffix(b, space)
	if !ok {
		return nil, false
	}
	authority, b, ok := lastQuoted(b)
	return authority, ok && bytes.HasSuffix(b, []byte(`" `)) && bytes.IndexByte(authority, ' ') < 0
}

// lastQuoted cuts off a quoted text at the end.
func lastQuoted(b []byte) (inside, before []byte, ok bool) {
	if len(b) < 2 || b[len(b)-1] != '"' {
		return nil, b, false
	}
	i := bytes.LastIndexByte(b[:len(b)-1], '"')
	if i < 0 {
		return nil, b, false
	}
	return b[i+1 : len(b)-1], b[:i], true
}
