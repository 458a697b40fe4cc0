package source

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// poisoned is a decoder with a defect.
type poisoned struct{ decode.Decoder }

func (p poisoned) Decode(line []byte, e *decode.Event) decode.Outcome {
	if bytes.Contains(line, []byte("poison")) {
		panic("index out of range")
	}
	return p.Decoder.Decode(line, e)
}

// A line on which the decoder panics counts as one that cannot be read, and the lines after it count; the log names the
// place of the defect once and nothing of the line.
func TestPoisonedLine(t *testing.T) {
	r := newReader(t)
	r.start()
	decoder, err := decode.New(decode.Options{Format: "nginx-json"})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	files := r.files(r.pattern, r.number, slog.New(slog.NewTextHandler(&log, nil)))
	var samples Sampler
	l := lines{decoder: poisoned{decoder}, panicked: files.panicked(&samples)}
	line := `{"host":"acme.thorbis.app","status":200}` + "\n"
	err = files.Aggregators.With(t.Context(), files.Count, func(agg *aggregate.Aggregator) error {
		l.count(agg, []byte(line+"a poison\n"+line+"another poison\n"), true)
		return r.store.Commit(t.Context(), agg.Flush(nil, nil))
	})
	if err != nil {
		t.Fatal(err)
	}
	status, _ := r.store.Source(r.number.Source)
	if requests, _, _ := r.store.Totals(); requests != 2 || status.Lines != 4 || status.Outcomes[decode.Syntax] != 2 {
		t.Errorf("%d requests of %d lines, %d rejects", requests, status.Lines, status.Outcomes[decode.Syntax])
	}
	if text := log.String(); strings.Count(text, "panicked") != 1 || !strings.Contains(text, "poison_test.go") ||
		strings.Contains(text, "a poison") {
		t.Errorf("log:\n%s", text)
	}
}

// An aggregator in which something panicked is replaced: as many can be taken afterwards, and nothing of it is counted.
func TestAggregatorOfAPanicIsReplaced(t *testing.T) {
	r := newReader(t)
	r.start()
	files := r.files(r.pattern, r.number, slog.New(slog.DiscardHandler))
	event := decode.Event{Status: 200, Host: []byte("acme.thorbis.app")}
	for range 10 { // there are two
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := collectors.Guard(func() error {
			return files.Aggregators.With(ctx, files.Count, func(agg *aggregate.Aggregator) error {
				agg.Add(&event)
				panic("half of an event")
			})
		})
		cancel()
		if collectors.ReasonOf(err) != collectors.ReasonPanic {
			t.Fatal(err)
		}
	}
	refused := errors.New("refused")
	for _, want := range []error{refused, nil} { // what is not flushed is dropped
		err := files.Aggregators.With(t.Context(), files.Count, func(agg *aggregate.Aggregator) error {
			agg.Add(&event)
			if want != nil {
				return want
			}
			return r.store.Commit(t.Context(), agg.Flush(nil, nil))
		})
		if !errors.Is(err, want) {
			t.Fatal(err)
		}
	}
	if requests, _, _ := r.store.Totals(); requests != 1 {
		t.Errorf("%d requests are counted, want 1", requests)
	}
}
