package source

import (
	"bytes"
	"io"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// maxHeader bounds a line that names columns.
const maxHeader = 64 << 10

// headed is a decoder of a format whose files name the columns of records in lines of their own. Records after a
// position are those of the last such line before it.
type headed interface {
	// HeaderPrefix is how such a line begins, nil if the format has none.
	HeaderPrefix() []byte
}

// header finds the last line with a prefix in what is written to it.
type header struct {
	prefix []byte
	line   []byte // the one being written, as far as it may be a header
	other  bool   // it is none
	last   []byte
}

// header returns what finds the decoder's header, nil if its format has none.
func (l *lines) header() *header {
	if d, ok := l.decoder.(headed); ok {
		if prefix := d.HeaderPrefix(); prefix != nil {
			return &header{prefix: prefix}
		}
	}
	return nil
}

// Write implements io.Writer.
func (h *header) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		part := p
		if end >= 0 {
			part = p[:end]
		}
		if len(h.line) == 0 && len(part) > 0 && part[0] != h.prefix[0] || len(h.line)+len(part) > maxHeader {
			h.other = true
		}
		if !h.other {
			h.line = append(h.line, part...)
		}
		if end < 0 {
			break
		}
		if !h.other && bytes.HasPrefix(h.line, h.prefix) {
			h.last = append(h.last[:0], bytes.TrimSuffix(h.line, []byte{'\r'})...)
		}
		h.line, h.other, p = h.line[:0], false, p[end+1:]
	}
	return n, nil
}

// give makes the decoder read the header that was found.
func (h *header) give(d decode.Decoder) {
	if len(h.last) > 0 {
		d.Decode(h.last, &decode.Event{})
	}
}

// readHeader reads the header of what lies after an offset of a file, if the format has headers.
func (l *lines) readHeader(f io.ReaderAt, offset uint64) error {
	h := l.header()
	if h == nil || offset == 0 {
		return nil
	}
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, int64(offset))); err != nil {
		return err
	}
	h.give(l.decoder)
	return nil
}
