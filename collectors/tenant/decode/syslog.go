package decode

import "bytes"

// Syslogged reads what syslog and journald put before a line, with <priority> before it or not:
//
//	Nov 25 10:00:00 host program[7]:            RFC 3164, as rsyslog writes files; journalctl -o short, short-precise
//	2026-11-25T10:00:00.1+01:00 host program:   rsyslog's and syslog-ng's form of ISO 8601; journalctl -o short-iso
//	1 2026-11-25T10:00:00Z host program 7 - -   RFC 5424, with structured data in the place of the last -
//
// It is false for a line without it. The first form has neither a year nor a zone: its entry has no time.
func Syslogged(line []byte) (Entry, bool) {
	prioritised := false
	if len(line) > 0 && line[0] == '<' {
		end := scanDigits(line, 1)
		if end == 1 || end > 4 || end >= len(line) || line[end] != '>' {
			return Entry{}, false
		}
		line, prioritised = line[end+1:], true
	}
	switch {
	case prioritised && len(line) > 2 && line[0] == '1' && line[1] == ' ':
		return syslog5424(line[2:])
	case len(line) < len("Nov 25 10:00:00 h p: "):
	case line[3] == ' ' && line[6] == ' ' && line[9] == ':' && line[12] == ':' && isMonth(line[:3]):
		_, rest, ok := bytes.Cut(line[7:], space)
		content, tagged := afterTag(rest)
		return Entry{Content: content}, ok && tagged
	case line[4] == '-' && line[7] == '-' && line[10] == 'T':
		at, rest, ok := bytes.Cut(line, space)
		if !ok || rfc3339(at) == 0 {
			break
		}
		content, tagged := afterTag(rest)
		return Entry{Content: content, Time: at}, tagged
	}
	return Entry{}, false
}

func isMonth(b []byte) bool {
	return bytes.Contains([]byte("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"), b)
}

// afterTag cuts off a host and a tag: the name of a program, its number in brackets or not, and a colon.
func afterTag(b []byte) ([]byte, bool) {
	host, b, ok := bytes.Cut(b, space)
	if !ok || len(host) == 0 || bytes.IndexByte(host, '"') >= 0 {
		return nil, false
	}
	tag, content, ok := bytes.Cut(b, space)
	tag, colon := bytes.CutSuffix(tag, []byte{':'})
	if !ok || !colon || len(tag) == 0 || bytes.ContainsAny(tag, `"'=<>{}`) {
		return nil, false
	}
	return content, true
}

// syslog5424 reads what follows the version.
func syslog5424(b []byte) (Entry, bool) {
	var e Entry
	for i := range 5 { // time, host, program, process, message id
		first, rest, ok := bytes.Cut(b, space)
		if !ok || len(first) == 0 {
			return Entry{}, false
		}
		if i == 0 && string(first) != "-" {
			if e.Time = first; rfc3339(first) == 0 {
				return Entry{}, false
			}
		}
		b = rest
	}
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	for len(b) > 0 && b[0] == '[' {
		end := structuredEnd(b)
		if end < 0 {
			return Entry{}, false
		}
		b = b[end+1:]
	}
	if len(b) == 0 || b[0] != ' ' {
		return Entry{}, false
	}
	e.Content = bytes.TrimPrefix(b[1:], []byte("\xef\xbb\xbf"))
	return e, true
}

// structuredEnd returns the index of the bracket that ends an element of structured data, -1 if there is none. A
// backslash guards the byte after it within quotes.
func structuredEnd(b []byte) int {
	inQuotes := false
	for i := 1; i < len(b); i++ {
		switch {
		case b[i] == '\\' && inQuotes:
			i++
		case b[i] == '"':
			inQuotes = !inQuotes
		case b[i] == ']' && !inQuotes:
			return i
		}
	}
	return -1
}
