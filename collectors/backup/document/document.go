// Package document reads what other programs wrote: files that may be replaced by anything, and JSON documents.
package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// Reasons for which a document is rejected.
var (
	ErrMalformed = errors.New("the listing cannot be understood")
	ErrTooLarge  = errors.New("the listing is larger than it may be")
)

// Decode reads exactly one JSON document. Unknown keys are ignored: programs gain them. The error names what else the
// text holds, such as the log of a program that writes it to its standard output.
func Decode(text []byte, v any) error {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	rest := bytes.TrimSpace(text)
	if len(rest) == 0 {
		return fmt.Errorf("%w: it is empty", ErrMalformed)
	}
	if !startsDocument(rest) {
		return fmt.Errorf("%w: it begins with %q, which is not JSON; the program's log must not go to the same output",
			ErrMalformed, firstLine(rest))
	}
	d := json.NewDecoder(bytes.NewReader(rest))
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w%s", ErrMalformed, err, where(rest, err))
	}
	switch rest = bytes.TrimSpace(rest[d.InputOffset():]); {
	case len(rest) == 0:
		return nil
	case startsDocument(rest):
		return fmt.Errorf("%w: it holds more than one JSON document", ErrMalformed)
	}
	return fmt.Errorf("%w: its JSON document is followed by %q; the program's log must not go to the same output",
		ErrMalformed, firstLine(rest))
}

// startsDocument reports whether a text begins with an object, a list, or the null that some programs print for an
// empty list.
func startsDocument(text []byte) bool {
	return text[0] == '{' || text[0] == '[' || bytes.HasPrefix(text, []byte("null"))
}

func firstLine(text []byte) string {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return Short(strings.ToValidUTF8(string(line), "?"))
}

// where quotes the line of a text at which reading it failed; empty where that is not known.
func where(text []byte, err error) string {
	offset := int64(-1)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset - 1
	} else if errors.Is(err, io.ErrUnexpectedEOF) {
		return ": the document is cut off"
	}
	if offset < 0 || offset >= int64(len(text)) {
		return ""
	}
	start := bytes.LastIndexByte(text[:offset], '\n') + 1
	return fmt.Sprintf(" at line %d, %q", bytes.Count(text[:offset], []byte("\n"))+1, firstLine(text[start:]))
}

// Short bounds a text from another program for an error message, and masks secrets in it.
func Short(text string) string {
	text = secret.Mask(text) // before it is cut
	if len(text) > 80 {
		return text[:80] + "..."
	}
	return text
}
