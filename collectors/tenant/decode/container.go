package decode

import "bytes"

// Entry is a line of a log as container runtimes write it for Kubernetes.
type Entry struct {
	Content []byte
	Time    []byte // RFC 3339, when the content was written
	Stderr  bool   // not standard output
	Partial bool   // the next entry goes on
}

// Contained reads the words that a container runtime puts before a line, as in `2026-11-25T10:00:00.000000001Z stdout F
// content`: when, from which stream, tags between colons of which the first is F (full) or P (partial), and what was
// written (Kubernetes' "CRI logging format"; containerd and CRI-O end an entry after 16 KiB). It is false for a line
// without them.
func Contained(line []byte) (Entry, bool) {
	const shortest = len("2006-01-02T15:04:05Z stdout F ")
	if len(line) < shortest || line[4] != '-' || line[7] != '-' || line[10] != 'T' {
		return Entry{}, false
	}
	var e Entry
	var stream, tags []byte
	var ok [3]bool
	e.Time, line, ok[0] = bytes.Cut(line, space)
	stream, line, ok[1] = bytes.Cut(line, space)
	tags, e.Content, ok[2] = bytes.Cut(line, space)
	if ok != [3]bool{true, true, true} || rfc3339(e.Time) == 0 {
		return Entry{}, false
	}
	switch string(stream) {
	case "stdout":
	case "stderr":
		e.Stderr = true
	default:
		return Entry{}, false
	}
	first, _, _ := bytes.Cut(tags, colon)
	switch string(first) {
	case "F":
	case "P":
		e.Partial = true
	default:
		return Entry{}, false
	}
	return e, true
}

var space, colon = []byte(" "), []byte(":")
