package decode

import (
	"bytes"
	"strings"
)

// isNotice reports whether a record that could not be read is a line of a server's own log, which many servers write
// into the stream of their requests: JSON with a level and a message, or text that begins as such lines do. A record
// that has some of what the format expects is none, so that a format which has changed is still noticed.
func (d *JSON) isNotice(b []byte) bool {
	if i := skipSpace(b, 0); i >= len(b) || b[i] != '{' {
		return isTextNotice(b)
	}
	for _, f := range [...]field{
		fHost, fHost2, fPath, fPath2, fTenant, fStatus, fDuration, fBytes, fBytes2, fProxy, fEnd,
	} {
		if d.v.kinds[f] != absent {
			return false
		}
	}
	return d.notice.matches(b)
}

// notices reads the level and the message of a server's own line. It is made when it is first needed.
type notices struct{ json *JSON }

func (n *notices) matches(b []byte) bool {
	if n.json == nil {
		n.json = &JSON{keys: &keys{}}
		for f, names := range map[field][]string{fFlags: {"level", "severity", "lvl"}, fMessage: {"msg", "message"}} {
			for _, name := range names {
				n.json.keys.add(f, name)
			}
		}
	}
	v := &n.json.v
	if end := n.json.record(b, skipSpace(b, 0)); end < 0 || len(v.str(fMessage)) == 0 {
		return false
	}
	level := v.str(fFlags)
	return v.kinds[fFlags] == number || len(level) > 0 && isLevel(level) // pino and bunyan write numbers
}

// isTextNotice recognises lines that begin with
//
//	2026-11-25T10:00:00Z INF             Traefik (zerolog), Istio's agent, Kubernetes tools
//	2026/11/25 10:00:00 [error] 7#7:     nginx
//	2026/11/25 10:00:00 http: TLS        Go's net/http
//	[2026-11-25 10:00:00.123][1][info]   Envoy
//	[Wed Nov 25 10:00:00.1 2026] [core:  Apache
//	I1125 10:00:00.123456                klog
//	time="2026-11-25T10:00:00Z" level=   logfmt
//	/docker-entrypoint.sh: , 10-x.sh: , nginx: [warn]
//
// and lines of a stack trace.
func isTextNotice(b []byte) bool {
	if isTrace(b) {
		return true
	}
	if len(b) > 4 && strings.IndexByte("IWEF", b[0]) >= 0 && scanDigits(b, 1) == 5 && b[5%len(b)] == ' ' {
		return true
	}
	for _, prefix := range [...]string{"time=", "ts=", "level=", "nginx: [", "/docker-entrypoint"} {
		if len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix {
			return prefix[len(prefix)-1] != '=' || bytes.Contains(b, []byte("level="))
		}
	}
	if first, _ := word(b); bytes.HasSuffix(first, []byte(".sh:")) {
		return true
	}
	dated := bytes.TrimPrefix(b, []byte("["))
	if len(dated) < len("2026-11-25 10:00:00") {
		return false
	}
	year := scanDigits(dated, 0) == 4 && (dated[4] == '-' || dated[4] == '/') && dated[7] == dated[4]
	if !year && (len(dated) == len(b) || dated[3] != ' ' || dated[7] != ' ' || dated[13] != ':') { // Wed Nov 25 10:
		return false
	}
	// The level stands before anything that a client can choose, which would be quoted.
	head := dated[10:min(len(dated), 80)]
	if i := bytes.IndexByte(head, '"'); i >= 0 {
		head = head[:i]
	}
	if bytes.Contains(head, []byte(" http: ")) {
		return true
	}
	for len(head) > 0 {
		n := 0
		for n < len(head) && head[n]|0x20 >= 'a' && head[n]|0x20 <= 'z' {
			n++
		}
		if n > 0 && isLevel(head[:n]) {
			return true
		}
		head = head[max(n, 1):]
	}
	return false
}

// isTrace recognises lines of the stack traces of Java, Node.js, Python and Go. No request begins with a space, nor can
// a client choose what it begins with.
//
//	Caused by: java.net.ConnectException
//	    at com.example.Shop.order(Shop.java:17)
//	    ... 23 more
//	Traceback (most recent call last):
//	  File "/app/shop.py", line 17, in order
//	panic: runtime error: index out of range [3] with length 3
//	goroutine 1 [running]:
//	main.(*shop).order(0xc000012345, {0x5f2a10, 0x4})
//		/app/shop.go:17 +0x1d
func isTrace(b []byte) bool {
	inner := bytes.TrimLeft(b, " \t")
	if len(inner) < len(b) {
		for _, prefix := range [...]string{"at ", "... ", `File "`, "Suppressed: "} {
			if len(inner) >= len(prefix) && string(inner[:len(prefix)]) == prefix {
				return true
			}
		}
	}
	for _, prefix := range [...]string{
		"Caused by: ", "Traceback (most recent call last)",
		"panic: ", "fatal error: ", "goroutine ", "created by ", "[signal SIG", "[recovered]",
	} {
		if len(inner) >= len(prefix) && string(inner[:len(prefix)]) == prefix {
			return true
		}
	}
	return len(inner) < len(b) && isGoPosition(inner) || len(inner) == len(b) && isGoCall(b)
}

// isGoPosition recognises the second line of a frame of a Go stack trace, indented: /app/shop.go:17 +0x1d.
func isGoPosition(b []byte) bool {
	file, line, ok := bytes.Cut(b, []byte(".go:"))
	return ok && len(line) > 0 && line[0]-'0' <= 9 && bytes.IndexByte(file, ' ') < 0
}

// isGoCall recognises the first line of a frame of a Go stack trace: a function with its package and its arguments in
// hexadecimal.
func isGoCall(b []byte) bool {
	open := bytes.LastIndexByte(b, '(')
	if open <= 0 || b[len(b)-1] != ')' || bytes.IndexByte(b[:open], '.') <= 0 {
		return false
	}
	for _, c := range b[:open] {
		if c <= ' ' || c == '"' || c == '=' || c == ':' || c == ',' {
			return false
		}
	}
	for _, c := range b[open+1 : len(b)-1] {
		if c-'0' > 9 && (c < 'a' || c > 'f') && strings.IndexByte("x{}, .?_", c) < 0 {
			return false
		}
	}
	return true
}

// isLevel reports whether a word is the level of a logger, in either case.
func isLevel(word []byte) bool {
	var lower [9]byte
	if len(word) > len(lower) {
		return false
	}
	for i, c := range word {
		lower[i] = c | 0x20
	}
	switch string(lower[:len(word)]) {
	case "trace", "trc", "debug", "dbg", "info", "inf", "notice", "warn", "warning", "wrn", "error", "err", "crit",
		"critical", "alert",
		"emerg", "emergency", "fatal", "ftl", "panic", "pnc":
		return true
	}
	return false
}
