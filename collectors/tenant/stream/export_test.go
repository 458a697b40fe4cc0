package stream

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

// newState is the saved state of an exporter that does not run.
func newState(t *testing.T) *store.Store {
	t.Helper()
	dir, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(store.Options{Logger: slog.New(slog.DiscardHandler), State: dir, Intact: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
		if err := dir.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

var written = time.Date(2026, 3, 1, 9, 0, 0, 7, time.UTC)

// four is what was exported of four partitions.
func four() *Export {
	return &Export{
		Version: 1, Stream: "nats:REQUESTS/requests", Source: "edge", AppService: "web", Partitions: 8,
		Identity: strings.Repeat("0", 15) + "1" + strings.Repeat("f", 16), MessageIDs: encodeIDs([]uint64{7, 1 << 63}),
		Positions: []ExportedPosition{{0, 10, written}, {2, 12, written}, {4, 14, written}, {6, 0, time.Time{}}},
	}
}

func held(t *testing.T, st *store.Store) *Held {
	t.Helper()
	all := HeldIn(st)
	if len(all) != 1 {
		t.Fatalf("%d streams", len(all))
	}
	return all[0]
}

// exports takes partitions out of a state, through the file.
func exports(t *testing.T, st *store.Store, owns func(int) bool, again bool) (*Export, error) {
	t.Helper()
	var file []byte
	err := held(t, st).Export(st, owns, again, func(e *Export) (err error) {
		file, err = e.Write()
		return err
	})
	if err != nil {
		return nil, err
	}
	e, err := ReadExport(file)
	if err != nil {
		t.Fatal(err)
	}
	return e, nil
}

func refused(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%v, want an error with %q", err, text)
	}
}

// Positions and ids leave one state and arrive in another, once, and come back.
func TestExport(t *testing.T) {
	a, b := newState(t), newState(t)
	if err := four().Import(a); err != nil {
		t.Fatal(err)
	}
	refused(t, four().Import(a), "partition 0 is counted here already")
	quarter := collectors.Shard{Number: 0, Of: 4}
	e, err := exports(t, a, quarter.Owns, false)
	if err != nil {
		t.Fatal(err)
	}
	want := four()
	want.Positions = []ExportedPosition{want.Positions[0], want.Positions[2]}
	if !reflect.DeepEqual(e, want) {
		t.Errorf("exported %+v, want %+v", e, want)
	}
	if h := held(t, a); !slices.Equal(h.Exported, []int{0, 4}) || len(h.Positions) != 2 || h.Positions[0].Partition != 2 {
		t.Errorf("left: %+v", h)
	}
	_, err = exports(t, a, quarter.Owns, false)
	refused(t, err, "partition 0 was exported before")
	if again, err := exports(t, a, quarter.Owns, true); err != nil || !reflect.DeepEqual(again, e) {
		t.Errorf("again: %+v, %v", again, err)
	}
	_, err = exports(t, a, func(n int) bool { return n == 1 }, false)
	refused(t, err, "no position in these partitions")
	refused(t, held(t, a).Export(a, func(int) bool { return true }, true, func(*Export) error { return io.ErrShortWrite }),
		"short write")

	if err := e.Import(b); err != nil {
		t.Fatal(err)
	}
	h := held(t, b)
	if !reflect.DeepEqual(h.Positions, e.Positions) || h.Partitions != 8 || h.Source != "edge" || h.AppService != "web" {
		t.Errorf("imported %+v", h)
	}
	b.Seen(0, func(seen func(uint64) bool) {
		if !seen(7) || !seen(1<<63) || seen(8) {
			t.Error("ids differ")
		}
	})
	// It comes back, but not as it was before it left.
	back, err := exports(t, b, func(n int) bool { return n == 4 }, false)
	if err != nil {
		t.Fatal(err)
	}
	older := *back
	older.Positions = []ExportedPosition{{4, 13, written}}
	refused(t, older.Import(a), "it is older than what left")
	if err := back.Import(a); err != nil {
		t.Fatal(err)
	}
	if h := held(t, a); !slices.Equal(h.Exported, []int{0}) || len(h.Positions) != 3 {
		t.Errorf("after it came back: %+v", h)
	}
	// What is of another source, or another stream of the same name, is none of this one.
	other := *e
	other.Source = "api"
	refused(t, other.Import(b), "give both the same name")
	other = *e
	other.Identity = strings.Repeat("2", 32)
	refused(t, other.Import(b), "deleted and created anew")
}

// A million ids fit into a file and into the state.
func TestExportOfManyIDs(t *testing.T) {
	st := newState(t)
	ids := make([]uint64, 1<<20)
	for i := range ids {
		ids[i] = uint64(i) << 20
	}
	e := four()
	e.MessageIDs = encodeIDs(ids)
	file, err := e.Write()
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadExport(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := read.Import(st); err != nil {
		t.Fatal(err)
	}
	if n := len(st.IDs(0)); n != len(ids) {
		t.Errorf("%d ids, want %d", n, len(ids))
	}
}

// What is not an export, or is damaged, is refused.
func TestReadExportErrors(t *testing.T) {
	good, err := four().Write()
	if err != nil {
		t.Fatal(err)
	}
	refusing := func(file []byte, text string) {
		t.Helper()
		_, err := ReadExport(file)
		refused(t, err, text)
	}
	refusing(nil, "checksum")
	refusing(good[:len(good)/2], "checksum")
	refusing(bytes.Replace(good, []byte(`"next":12`), []byte(`"next":13`), 1), "checksum")
	refusing(make([]byte, MaxExportBytes+1), "at most")
	for text, change := range map[string]func(*Export){
		"version 2":         func(e *Export) { e.Version = 2 },
		"identity":          func(e *Export) { e.Identity = "0" },
		"are missing":       func(e *Export) { e.Positions = nil },
		"too many":          func(e *Export) { e.Partitions = maxPartitions + 1 },
		"partition 9 of 8":  func(e *Export) { e.Positions[0].Partition = 9 },
		"partition 2 of 8":  func(e *Export) { e.Positions[0].Partition = 2 },
		"position -1":       func(e *Export) { e.Positions[0].Next = -1 },
		"message_ids":       func(e *Export) { e.MessageIDs = "AAAA" },
		"source, app_servi": func(e *Export) { e.AppService = "" },
	} {
		e := four()
		change(e)
		file, err := e.Write()
		if err != nil {
			t.Fatal(err)
		}
		refusing(file, text)
	}
}

func FuzzReadExport(f *testing.F) {
	good, err := four().Write()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		e, err := ReadExport(file)
		if err != nil {
			// Whatever is in it, only the checksum is asked first.
			e = &Export{}
			if json.Unmarshal(file, e) != nil || e.check() != nil {
				return
			}
		}
		text, err := e.Write()
		if err != nil {
			return // a time beyond the year 9999
		}
		again, err := ReadExport(text)
		if err != nil || len(again.Positions) != len(e.Positions) || again.identity() != e.identity() {
			t.Errorf("%v: %+v, want %+v", err, again, e)
		}
	})
}
