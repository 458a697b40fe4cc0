package collectors

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/metric"
)

// collecting exposes a saving.
type collecting struct{ *Saving }

func (collecting) Describe(chan<- *prometheus.Desc) {}

// savingValue returns the value of the series of a saving with one label more.
func savingValue(t *testing.T, s *Saving, m *metric.Metric, label string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collecting{s})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, one := range f.GetMetric() {
			for _, l := range one.GetLabel() {
				if f.GetName() == m.Name && l.GetValue() == label {
					return one.GetCounter().GetValue() + one.GetGauge().GetValue()
				}
			}
		}
	}
	t.Fatalf("no %s of %s", m.Name, label)
	return 0
}

func openState(t *testing.T) (path string, dir *state.Dir) {
	t.Helper()
	path = t.TempDir()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	return path, dir
}

// What has changed is saved once, and again after it was removed; what fails is saved next time, and all of it is seen.
func TestSaving(t *testing.T) {
	path, dir := openState(t)
	encoded, fail := 0, error(nil)
	s := NewSaving(dir, slog.New(slog.DiscardHandler), "things", 1, func(time.Time) ([]byte, error) {
		encoded++
		return []byte("{}"), fail
	})
	file, saved := filepath.Join(path, "things.state"), 0
	save := func(what string, wantErr error, wantEncoded, wantSaved int) {
		t.Helper()
		if err := s.Save(t.Context(), func() { saved++ }); !errors.Is(err, wantErr) {
			t.Errorf("%s: %v, want %v", what, err, wantErr)
		}
		if encoded != wantEncoded || saved != wantSaved {
			t.Errorf("%s: encoded %d times, saved %d, want %d and %d", what, encoded, saved, wantEncoded, wantSaved)
		}
	}
	s.Change()
	save("a change", nil, 1, 1)
	save("nothing new", nil, 1, 2)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	save("it was removed", nil, 2, 3)
	fail = errors.New("cannot be encoded")
	s.Change()
	save("a failure", fail, 3, 3)
	if !s.Changed() || savingValue(t, s, metric.StateUnsaved, "things") != 1 {
		t.Error("what failed passes for saved")
	}
	fail = nil
	save("the next time", nil, 4, 4)
	if s.Changed() || savingValue(t, s, metric.StateUnsaved, "things") != 0 {
		t.Error("what is saved passes for unsaved")
	}
	if got := savingValue(t, s, metric.StateSaves, metric.ResultFailure); got != 1 {
		t.Errorf("%v failures", got)
	}
}

// A disk that hangs delays its caller by so much only; what it saves in the end is true then, and not before.
func TestSavingOutlivesAHangingDisk(t *testing.T) {
	_, dir := openState(t)
	hang := make(chan bool)
	s := NewSaving(dir, slog.New(slog.DiscardHandler), "things", 1, func(time.Time) ([]byte, error) {
		<-hang
		return []byte("{}"), nil
	})
	saved := false
	s.Change()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Save(ctx, func() { saved = true }); ReasonOf(err) != ReasonTimeout {
		t.Errorf("%v, want a timeout", err)
	}
	if err := s.Round(ctx, nil); ReasonOf(err) != ReasonTimeout || saved {
		t.Errorf("%v, want a timeout; saved: %v", err, saved)
	}
	if !s.Changed() || savingValue(t, s, metric.StateUnsaved, "things") != 1 {
		t.Error("what has not come back passes for saved")
	}
	close(hang)
	if err := s.Await(t.Context()); err != nil || !saved {
		t.Errorf("%v; saved: %v", err, saved)
	}
	if savingValue(t, s, metric.StateUnsaved, "things") != 0 {
		t.Error("what is saved passes for unsaved")
	}
}

// Without a directory everything is kept in memory only, and no series says that it is saved.
func TestSavingWithoutADirectory(t *testing.T) {
	s, saved := NewSaving(nil, slog.New(slog.DiscardHandler), "things", 1, nil), false
	s.Change()
	if err := s.Save(t.Context(), func() { saved = true }); err != nil || !saved {
		t.Errorf("%v; saved: %v", err, saved)
	}
	if n := testutil.CollectAndCount(collecting{s}); n != 0 || s.Changed() {
		t.Errorf("%d series, changed: %v", n, s.Changed())
	}
}
