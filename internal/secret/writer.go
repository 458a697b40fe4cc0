package secret

import (
	"bytes"
	"io"
	"sync"
)

// maxLine bounds what a Writer holds back of a line that does not end.
const maxLine = 64 << 10

// Writer masks what is written through it, line by line.
type Writer struct {
	mu   sync.Mutex
	w    io.Writer
	line []byte
}

// NewWriter returns a writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write implements io.Writer. What follows the last line end is held back until Flush.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line = append(w.line, p...)
	end := bytes.LastIndexByte(w.line, '\n') + 1
	if end == 0 && len(w.line) > maxLine {
		end = len(w.line)
	}
	return len(p), w.write(end)
}

// Flush writes what was held back.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.write(len(w.line))
}

func (w *Writer) write(end int) error {
	if end == 0 {
		return nil
	}
	_, err := w.w.Write(MaskBytes(w.line[:end]))
	w.line = append(w.line[:0], w.line[end:]...)
	return err
}
