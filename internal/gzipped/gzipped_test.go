package gzipped

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// An answer is compressed for those who accept it, also with memory that another answer used before.
func TestWriter(t *testing.T) {
	const page = "thorbis_up 1\n"
	for range 2 {
		for accept, want := range map[string]bool{
			"gzip": true, "gzip;q=0": false, "br, gzip;q=0.5": true, "": false,
			"zstd": false,
		} {
			r := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
			r.Header.Set("Accept-Encoding", accept)
			answer := httptest.NewRecorder()
			w := NewWriter(answer, r)
			if _, err := io.WriteString(w, page); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			w.Release()
			var body io.Reader = answer.Body
			if compressed := answer.Header().Get("Content-Encoding") == "gzip"; compressed != want {
				t.Errorf("%q: compressed is %t", accept, compressed)
			}
			if want {
				var err error
				if body, err = gzip.NewReader(body); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := io.ReadAll(body); err != nil || string(got) != page {
				t.Errorf("%q: %q, %v", accept, got, err)
			}
		}
	}
}
