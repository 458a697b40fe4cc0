package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// Formats are the names of the formats that Write knows; each is the end of a file's name too.
var Formats = []string{"md", "csv", "json", "html"}

// Write writes a report in a format: its document, or its model as JSON.
func Write(w io.Writer, format string, d *Document, model any) error {
	switch format {
	case "md":
		return WriteMarkdown(w, d)
	case "csv":
		return WriteCSV(w, d)
	case "html":
		return WriteHTML(w, d)
	case "json":
		out := json.NewEncoder(w)
		out.SetEscapeHTML(false)
		out.SetIndent("", " ")
		return out.Encode(model)
	}
	return fmt.Errorf("unknown format %q: write one of md, csv, json or html", format)
}

// Text returns a report in a format.
func Text(format string, d *Document, model any) ([]byte, error) {
	var b bytes.Buffer
	err := Write(&b, format, d, model)
	return b.Bytes(), err
}
