package delivery

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// host is a server that speaks the APIs of sources.
type host struct {
	*httptest.Server
	mu       sync.Mutex
	answers  map[string]string // by path
	asked    map[string]int    // by path
	unneeded int               // conditional requests that were answered 304
	fail     http.HandlerFunc  // instead of an answer, nil for none
	once     string            // the path that is answered with 502, once
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{answers: map[string]string{}, asked: map[string]int{}}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.fail != nil {
			h.fail(w, req)
			return
		}
		if req.Header.Get("Authorization") != "Bearer "+keyText {
			http.Error(w, "bad credentials", http.StatusUnauthorized)
			return
		}
		path := req.URL.Path
		if page := req.URL.Query().Get("page"); page != "" && page != "1" {
			path += "#" + page
		}
		if until := req.URL.Query().Get("until"); until != "" {
			path += "#" + until
		}
		h.asked[path]++
		if path == h.once {
			h.once = ""
			http.Error(w, "bad gateway", http.StatusBadGateway)
			return
		}
		text, ok := h.answers[path]
		if !ok {
			http.NotFound(w, req)
			return
		}
		if _, more := h.answers[req.URL.Path+"#2"]; more && !strings.Contains(path, "#") {
			w.Header().Set("Link", `<https://elsewhere.example.com/>; rel="next"`)
		}
		etag := fmt.Sprintf(`"%x"`, crc32.ChecksumIEEE([]byte(text)))
		w.Header().Set("ETag", etag)
		if req.Header.Get("If-None-Match") == etag {
			h.unneeded++
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *host) set(path string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answers[path] = string(text)
}

// failOnce lets a path fail the next time that it is asked for.
func (h *host) failOnce(path string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.once = path
}

func (h *host) times(path string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked[path]
}

type object = map[string]any

func ago(d time.Duration) string { return time.Now().Add(-d).UTC().Format(time.RFC3339) }

func policyOf(source string) string {
	return `version: 1
environment: production
channels: {deadman: none}
services: [{name: web, owner: sre, page: P1}]
delivery: {services: [{app_service: web, sources: [` + source + `]}]}
`
}
