package receive

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/source"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
)

// panicking is a body on which the reading of a post panics.
type panicking struct{ io.Reader }

func (p panicking) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if err == io.EOF {
		panic("index out of range")
	}
	return n, err
}

// A post on which something panics is refused so that it is sent again, counts nothing, and costs no place: more of
// them than there are places leave the next post its own.
func TestPostThatPanics(t *testing.T) {
	st, err := store.Open(store.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	st.Begin()
	go func() { ran <- st.Run(ctx) }()
	defer func() { cancel(); <-ran }()
	n := st.Configure(store.Config{Limit: 10, Sources: []store.SourceConfig{{Name: "a", Service: "web"}}})["a"]
	r, err := New(Config{
		Kind:   "json",
		Format: decode.Options{Format: "json", Fields: map[string]string{"host": "h", "status": "s", "id": "i"}},
		Count: &aggregate.CountSource{
			Number: n.Source, Weight: aggregate.Whole,
			Rule: &aggregate.Rule{Service: n.Service, Names: aggregate.NewNames("{tenant}.example.com", "", nil, nil)},
		},
		Store: st, Aggregators: source.NewAggregators(st, 2), Logger: slog.New(slog.DiscardHandler), Status: &source.Status{},
		InFlight: &InFlight{},
	})
	if err != nil {
		t.Fatal(err)
	}
	take := func(body io.Reader) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		return r.take(httptest.NewRequestWithContext(ctx, http.MethodPost, "/", http.NoBody), body)
	}
	const record = `{"h":"acme.example.com","s":200,"i":"1"}` + "\n"
	for range 2 * Concurrency {
		if err := take(panicking{strings.NewReader(record)}); !errors.Is(err, errUnavailable) {
			t.Fatalf("answered %v, want %v", err, errUnavailable)
		}
	}
	if err := take(strings.NewReader(record)); err != nil {
		t.Fatal(err)
	}
	if requests, _, _ := st.Totals(); requests != 1 {
		t.Errorf("%d requests are counted, want 1", requests)
	}
}
