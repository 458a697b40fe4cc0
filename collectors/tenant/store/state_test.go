package store

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

// A clock that was ahead for a while hides nothing afterwards: not how old the newest event is, nor how long nothing
// was read. A record that another one overtook on its way to the disk changes neither.
func TestClockThatWasAhead(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6}})
	slot := must(d.Admit(d.web.Service, "acme"))
	at := time.Now().UnixMilli()
	requests := uint64(0)
	for _, step := range []struct{ newest, read, wantNewest, wantRead int64 }{
		{at, at + 5, at, at + 5},
		{at - 100, at + 2, at, at + 5}, // overtaken
		{at + 3_600_000, at + 3_600_001, at + 3_600_000, at + 3_600_001},
		{at + 900, at + 1000, at + 900, at + 1000},
		{0, 0, at + 900, at + 1000},
		{0, at + 2000, at + 900, at + 2000}, // events without times
		{at - 3_600_000, at - 3_599_000, at - 3_600_000, at - 3_599_000},
	} {
		batch := d.batch(slot, 1)
		batch.Newest, batch.Read = step.newest, step.read
		if err := d.save(Encode(batch)); err != nil {
			t.Fatal(err)
		}
		requests++
		s, _ := d.Source(d.web.Source)
		if total, _, _ := d.Totals(); s.Newest != step.wantNewest || s.Read != step.wantRead || total != requests {
			t.Errorf("%+v: newest %d, read %d, %d requests", step, s.Newest-at, s.Read-at, total)
		}
	}
}

// Whatever a record holds, applying it ends with a state or an error.
func FuzzApply(f *testing.F) {
	dir := f.TempDir()
	sd, err := state.Open(dir)
	if err != nil {
		f.Fatal(err)
	}
	b, _ := Open(Options{Logger: slog.New(slog.DiscardHandler), State: sd})
	b.Configure(Config{
		Limit: 3, Thresholds: []uint64{300e6}, Sources: []SourceConfig{{Name: "access", Service: "web"}},
		Registered: map[string]string{"a": ""},
	})
	base := slices.Clone(b.index.records)
	b.commit(nil)
	for _, r := range base {
		f.Add(r)
	}
	f.Add(Encode(&Batch{
		Thresholds: []uint64{300e6}, Files: []File{{ID: 1, Path: "x"}}, IDs: []uint64{5},
		Accumulators: []*Accumulator{accumulatorOf(2, 3, 1e9)},
	}))
	refused := accumulatorOf(2, 3, 1e9)
	refused.Refused = [decode.Refusals]uint32{1, 2, 3, 4}
	batch := Encode(&Batch{
		Thresholds: []uint64{300e6}, Refused: [decode.Refusals]uint64{1, 2, 3, 4}, Accumulators: []*Accumulator{refused},
	})
	f.Add(batch)
	if err := b.saved.apply(batch); err != nil {
		f.Fatal(err)
	}
	f.Add(b.saved.snapshot(1))
	f.Fuzz(func(t *testing.T, record []byte) {
		st := newState()
		st.refused = newRefusals(time.Now())
		for _, r := range base {
			if err := st.apply(r); err != nil {
				t.Fatal(err)
			}
		}
		_ = st.apply(record)
		_, _ = newState().restore(record)
	})
}
