package exporter

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A small page is written at once with its length, a large one in pieces; both are whole, with their status.
func TestPagesAreWrittenInPieces(t *testing.T) {
	for name, tc := range map[string]struct {
		size int
		code int
	}{
		"small": {100, http.StatusOK}, "error": {10, http.StatusServiceUnavailable}, "empty": {0, http.StatusOK},
		"large": {5*pieceBytes + 7, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			want := bytes.Repeat([]byte("0123456789"), tc.size/10+1)[:tc.size]
			srv := httptest.NewServer(inPieces(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.code)
				for rest := want; len(rest) > 0; {
					n, err := w.Write(rest[:min(4096, len(rest))])
					if err != nil {
						t.Error(err)
						return
					}
					rest = rest[n:]
				}
			})))
			defer srv.Close()
			for range 2 { // with a buffer that was used before, too
				resp, err := http.Get(srv.URL)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || !bytes.Equal(got, want) || resp.StatusCode != tc.code {
					t.Errorf("%d bytes, %d, %v", len(got), resp.StatusCode, err)
				}
				if known := resp.ContentLength >= 0; known != (tc.size < pieceBytes) {
					t.Errorf("length %d", resp.ContentLength)
				}
			}
		})
	}
}
