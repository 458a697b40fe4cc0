package exporter

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A header that is larger than any browser's or proxy's is refused before it is read: there is no limit to connections.
func TestHeadersAreBounded(t *testing.T) {
	served := httptest.NewUnstartedServer(nil)
	served.Config = newServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
	}), slog.New(slog.DiscardHandler))
	served.Start()
	defer served.Close()
	for size, want := range map[int]string{maxHeaderBytes / 2: "200", 2 * maxHeaderBytes: "431"} {
		conn, err := net.Dial("tcp", served.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: %s\r\n\r\n", strings.Repeat("x", size))
		answer := make([]byte, len("HTTP/1.1 200"))
		if _, err := io.ReadFull(conn, answer); err != nil || !strings.HasSuffix(string(answer), want) {
			t.Errorf("%d bytes: %q, %v; want %s", size, answer, err, want)
		}
	}
}
