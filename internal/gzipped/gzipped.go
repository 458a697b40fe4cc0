// Package gzipped compresses the answers to scrapes.
package gzipped

import (
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

var writers = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

// Writer is an answer that is compressed if its reader accepts that.
type Writer struct {
	out io.Writer
	gz  *gzip.Writer // nil for an answer as it is
}

// NewWriter sets the headers of an answer to a request and returns where to write it. Release follows.
func NewWriter(w http.ResponseWriter, r *http.Request) *Writer {
	w.Header().Set("Vary", "Accept, Accept-Encoding")
	if !accepts(r.Header.Get("Accept-Encoding")) {
		return &Writer{out: w}
	}
	w.Header().Set("Content-Encoding", "gzip")
	gz := writers.Get().(*gzip.Writer)
	gz.Reset(w)
	return &Writer{out: gz, gz: gz}
}

// Write implements io.Writer.
func (w *Writer) Write(b []byte) (int, error) { return w.out.Write(b) }

// Close ends a whole answer. One that was cut off is released without it.
func (w *Writer) Close() error {
	if w.gz == nil {
		return nil
	}
	return w.gz.Close()
}

// Release keeps the writer's memory for another answer.
func (w *Writer) Release() {
	if w.gz != nil {
		writers.Put(w.gz)
	}
}

func accepts(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, parameters, _ := strings.Cut(strings.TrimSpace(part), ";")
		if coding == "gzip" && strings.ReplaceAll(parameters, " ", "") != "q=0" {
			return true
		}
	}
	return false
}
