package receive

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/source"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
)

const testSecret = "drain-secret"

// testReceiver is a receiver with a running store.
type testReceiver struct {
	*Receiver
	store *store.Store
	last  Result // of the last post
}

// newTestReceiver returns a receiver of a kind; change may be nil.
func newTestReceiver(t testing.TB, kind string, change func(*Config)) *testReceiver {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	st, err := store.Open(store.Options{Logger: logger, Immediate: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var saved sync.WaitGroup
	st.Begin()
	saved.Go(func() { _ = st.Run(ctx) })
	t.Cleanup(func() { cancel(); saved.Wait() })
	n := st.Configure(store.Config{Limit: 10, Sources: []store.SourceConfig{{Name: "drain", Service: "web"}}})["drain"]
	r := &testReceiver{store: st}
	c := Config{
		Name: "drain", Kind: kind, Format: decode.Options{Format: kind}, Header: "Authorization",
		Secret: func(context.Context) ([]byte, error) { return []byte(testSecret), nil },
		Count: &aggregate.CountSource{Number: n.Source, Weight: aggregate.Whole, Rule: &aggregate.Rule{
			Service: n.Service, Names: aggregate.NewNames("{tenant}.example.com", "", nil, nil),
		}},
		Store:       st,
		Aggregators: source.NewAggregators(st, Concurrency), Logger: logger, Status: &source.Status{}, InFlight: &InFlight{},
		Posts: func(result Result) { r.last = result },
	}
	if kind == "json" {
		c.Format.Fields = map[string]string{"host": "h", "status": "s", "id": "i"}
	}
	if change != nil {
		change(&c)
	}
	if r.Receiver, err = New(c); err != nil {
		t.Fatal(err)
	}
	return r
}

// post sends a body with headers and returns the answer.
func (r *testReceiver) post(body string, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

// send posts a body with the right secret or signature.
func (r *testReceiver) send(body string, headers ...string) *httptest.ResponseRecorder {
	return r.post(body, append(headers, "Authorization", testSecret, signatureHeader, signature(body))...)
}

// requests returns how many requests are counted.
func (r *testReceiver) requests() uint64 {
	n, late, _ := r.store.Totals()
	return n + late
}

func zipped(body string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(body))
	_ = z.Close()
	return b.String()
}

// A post beyond a bound is refused as too large, and nothing of it is counted. One at the bound is taken.
func TestBounds(t *testing.T) {
	for name, tc := range map[string]struct {
		body   string
		code   int
		result Result
		want   uint64
	}{
		"largest body":     {strings.Repeat(" ", MaxBody), 200, Accepted, 0},
		"larger body":      {strings.Repeat(" ", MaxBody+1), 413, TooLarge, 0},
		"most inflated":    {zipped(strings.Repeat(" ", MaxInflated)), 200, Accepted, 0},
		"inflates to more": {zipped(strings.Repeat(" ", MaxInflated+1)), 413, TooLarge, 0},
		"most records": {
			zipped(`{"h":"acme.example.com","s":200}` + strings.Repeat("\n{}", MaxRecords-1)), 200, Accepted, 1,
		},
		"more records": {
			zipped(`{"h":"acme.example.com","s":200}` + strings.Repeat("\n{}", MaxRecords)), 413, TooLarge, 0,
		},
		"more, in an array": {zipped("[{}" + strings.Repeat(",{}", MaxRecords) + "]"), 413, TooLarge, 0},
		"largest record": {
			`{"h":"acme.example.com","s":200,"x":"` + strings.Repeat("x", maxRecord-100) + `"}`, 200, Accepted, 1,
		},
		"larger record": {
			`{"h":"acme.example.com","s":200,"x":"` + strings.Repeat("x", 3*maxRecord) + `"}`, 400, Invalid, 0,
		},
		"gzip that ends":     {zipped("{}")[:12], 400, Invalid, 0},
		"gzip that is none":  {"\x1f\x8bxx", 400, Invalid, 0},
		"no readable record": {"nonsense", 400, Invalid, 0},
		"nothing":            {"", 200, Accepted, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTestReceiver(t, "json", nil)
			w := r.send(tc.body)
			if w.Code != tc.code || r.last != tc.result || r.requests() != tc.want {
				t.Errorf("answered %d, result %d, %d requests; want %d, %d, %d: %s", w.Code, r.last, r.requests(), tc.code,
					tc.result, tc.want, w.Body)
			}
		})
	}
}

// A body whose length is announced as too large is refused before anything of it is read.
func TestAnnouncedLengthIsBounded(t *testing.T) {
	r := newTestReceiver(t, "json", nil)
	req := httptest.NewRequest(http.MethodPost, "/", unreadable{t})
	req.ContentLength = MaxBody + 1
	req.Header.Set("Authorization", testSecret)
	w := httptest.NewRecorder()
	if r.ServeHTTP(w, req); w.Code != http.StatusRequestEntityTooLarge || w.Header().Get("Connection") != "close" {
		t.Errorf("answered %d, %v", w.Code, w.Header())
	}
}

// unreadable is a body that must not be read.
type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("the body is read")
	return 0, errors.New("unreadable")
}

// Only gzip is inflated, and what is named gzip must be it.
func TestEncodings(t *testing.T) {
	const record = `{"h":"acme.example.com","s":200}`
	for name, tc := range map[string]struct {
		encoding, body string
		code           int
	}{
		"as it is":      {"", record, 200},
		"identity":      {"identity", record, 200},
		"gzip":          {"gzip", zipped(record), 200},
		"x-gzip":        {" X-GZIP ", zipped(record), 200},
		"gzip unnamed":  {"", zipped(record), 200},
		"gzip in name":  {"gzip", record, 400},
		"brotli":        {"br", record, 415},
		"two encodings": {"gzip, gzip", zipped(zipped(record)), 415},
	} {
		r := newTestReceiver(t, "json", nil)
		if w := r.send(tc.body, "Content-Encoding", tc.encoding); w.Code != tc.code ||
			r.requests() != map[bool]uint64{true: 1}[tc.code == 200] {
			t.Errorf("%s: answered %d with %d requests, want %d", name, w.Code, r.requests(), tc.code)
		}
	}
}

// Only a POST is taken. A GET is the verification of a Vercel drain, where one is configured.
func TestMethods(t *testing.T) {
	for _, tc := range []struct {
		kind, verify, method string
		code                 int
	}{
		{"json", "", http.MethodGet, 405},
		{"json", "", http.MethodPut, 405},
		{"cloudflare", "", http.MethodHead, 405},
		{"vercel", "", http.MethodGet, 405},
		{"vercel", "code", http.MethodGet, 200},
		{"vercel", "code", http.MethodHead, 200},
		{"vercel", "code", http.MethodDelete, 405},
	} {
		r := newTestReceiver(t, tc.kind, func(c *Config) { c.Verify = tc.verify })
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(tc.method, "/", nil))
		if w.Code != tc.code || w.Header().Get("x-vercel-verify") != tc.verify ||
			tc.code == 405 && w.Header().Get("Allow") != http.MethodPost {
			t.Errorf("%s %s: answered %d, %v", tc.method, tc.kind, w.Code, w.Header())
		}
	}
}

// While the secret cannot be read, or the store does not run, a post is refused so that it is sent again.
func TestUnavailable(t *testing.T) {
	unread := newTestReceiver(t, "json", func(c *Config) {
		c.Secret = func(context.Context) ([]byte, error) { return nil, errors.New("no such file") }
	})
	stopped := newTestReceiver(t, "json", func(c *Config) {
		var err error
		if c.Store, err = store.Open(store.Options{Logger: c.Logger}); err != nil {
			t.Fatal(err)
		}
		c.Store.Configure(store.Config{Limit: 10, Sources: []store.SourceConfig{{Name: "drain", Service: "web"}}})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = c.Store.Run(ctx)
	})
	for name, r := range map[string]*testReceiver{"secret": unread, "store": stopped} {
		w := r.send(`{"h":"acme.example.com","s":200}`)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || r.last != Unavailable ||
			r.requests() != 0 {
			t.Errorf("%s: answered %d, %v, result %d", name, w.Code, w.Header(), r.last)
		}
		if r.Status.Errors.Load() != 1 || r.Status.Refused.Load() == 0 {
			t.Errorf("%s: the source reports no error", name)
		}
	}
}
