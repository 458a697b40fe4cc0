package decode

import "bytes"

// Unwrapper reads the lines of programs out of objects in JSON that Docker and journald make of them. It keeps scratch
// memory, in which the content of an entry lies until the next call, and is for one goroutine.
type Unwrapper struct{ json *JSON }

// dockerBegins is how Docker's objects begin (daemon/logger/jsonfilelog/jsonlog of moby).
var dockerBegins, messageKey = []byte(`{"log":`), []byte(`"MESSAGE"`)

// Unwrap reads an object of one of these forms. It is false for another one.
//
//	{"log":"content\n","stream":"stdout","time":"2026-11-25T10:00:00.1Z"}                Docker, json-file
//	{"MESSAGE":"content","__REALTIME_TIMESTAMP":"1796142962781000", ...}                 journalctl -o json
//
// Docker divides lines of more than 16 KiB: all parts but the last have no line break. journald writes what is not
// UTF-8 as a list of bytes.
func (u *Unwrapper) Unwrap(line []byte) (Entry, bool) {
	docker := bytes.HasPrefix(line, dockerBegins)
	if !docker && !bytes.Contains(line, messageKey) {
		return Entry{}, false
	}
	if u.json == nil {
		u.json = &JSON{keys: &keys{}}
		for f, name := range map[field]string{
			fMessage: "log", fSource: "stream", fTime: "time", fContent: "MESSAGE", fTime2: "__REALTIME_TIMESTAMP",
		} {
			u.json.keys.add(f, name)
		}
	}
	d := u.json
	if end := d.record(line, 0); end < 0 || skipSpace(line, end) != len(line) {
		return Entry{}, false
	}
	v := &d.v
	if docker {
		if v.kinds[fMessage] != text || v.kinds[fSource] != text || v.kinds[fTime] != text {
			return Entry{}, false
		}
		e := Entry{Time: v.raw[fTime], Stderr: string(v.raw[fSource]) == "stderr"}
		whole := false
		e.Content, whole = bytes.CutSuffix(v.raw[fMessage], []byte{'\n'})
		e.Partial = !whole
		return e, true
	}
	e := Entry{Content: v.str(fContent), Time: v.str(fTime2)}
	if v.kinds[fContent] == other {
		e.Content = d.byteList(v.raw[fContent])
	}
	return e, len(e.Content) > 0 && len(e.Time) > 0
}

// byteList returns the bytes that a list of numbers is, nil if it is another list.
func (d *JSON) byteList(b []byte) []byte {
	if len(b) < 2 || b[0] != '[' {
		return nil
	}
	start := len(d.scratch)
	for item := range bytes.SplitSeq(b[1:len(b)-1], []byte{','}) {
		n, ok := whole(bytes.TrimSpace(item))
		if !ok || n > 255 {
			return nil
		}
		d.scratch = append(d.scratch, byte(n))
	}
	return d.scratch[start:len(d.scratch):len(d.scratch)]
}
