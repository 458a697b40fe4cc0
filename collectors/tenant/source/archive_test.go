package source

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// A compressed file that is cut short, or damaged, is tried again in case it is still being written; then what can be
// read of it is counted, once, and it is done with.
func TestCutArchive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		r.append("access.log", logLines(1))
		r.start()
		r.wants(1)
		r.stop()
		text := logLines(2000)
		r.write("access.log.1", text)
		r.zip("access.log.1")
		whole, err := os.ReadFile(r.path("access.log.1.gz"))
		if err != nil {
			t.Fatal(err)
		}
		r.write("access.log.1.gz", whole[:len(whole)/2])
		z, err := gzip.NewReader(bytes.NewReader(whole[:len(whole)/2]))
		if err != nil {
			t.Fatal(err)
		}
		left, err := io.ReadAll(z)
		if err == nil || bytes.Count(left, []byte("\n")) < 100 {
			t.Fatalf("%d bytes, %v", len(left), err)
		}
		r.start()
		r.wants(1 + bytes.Count(left, []byte("\n")))
		if n := r.status.Errors.Load(); n != maxTries {
			t.Errorf("%d errors, want %d", n, maxTries)
		}
		if s, _ := r.store.Source(0); s.Outcomes[decode.Syntax] != 1 {
			t.Errorf("the line that was cut: %+v", s.Outcomes)
		}
		r.stop()
		r.start()
		r.wants(1 + bytes.Count(left, []byte("\n")))
	})
}
