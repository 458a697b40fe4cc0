package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// jsonRaw is a part of a document that is read later.
type jsonRaw = json.RawMessage

// decode reads exactly one JSON document. Unknown keys are ignored: programs gain them. The error names what else the
// text holds, such as the log of a program that writes it to its standard output.
func decode(text []byte, v any) error {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	rest := bytes.TrimSpace(text)
	if len(rest) == 0 {
		return fmt.Errorf("%w: it is empty", errMalformed)
	}
	if !startsDocument(rest) {
		return fmt.Errorf("%w: it begins with %q, which is not JSON; the program's log must not go to the same output", errMalformed, firstLine(rest))
	}
	d := json.NewDecoder(bytes.NewReader(rest))
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w%s", errMalformed, err, where(rest, err))
	}
	switch rest = bytes.TrimSpace(rest[d.InputOffset():]); {
	case len(rest) == 0:
		return nil
	case startsDocument(rest):
		return fmt.Errorf("%w: it holds more than one JSON document", errMalformed)
	}
	return fmt.Errorf("%w: its JSON document is followed by %q; the program's log must not go to the same output", errMalformed, firstLine(rest))
}

// startsDocument reports whether a text begins as all documents that are read here do: with an object, a list, or the null
// that some programs print for an empty list.
func startsDocument(text []byte) bool {
	return text[0] == '{' || text[0] == '[' || bytes.HasPrefix(text, []byte("null"))
}

func firstLine(text []byte) string {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return short(strings.ToValidUTF8(string(line), "?"))
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
