package incident

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/metric"
)

func TestRestartGoesOn(t *testing.T) {
	a := serve(t)
	a.say(200, nil, recent(first, time.Minute))
	path := t.TempDir()
	for run := range 2 {
		dir, err := state.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		c := collector(t, dir, policyOf(t, a))
		want(t, c, float64(run), "thorbis_incidents_opened_total", "priority", "P1", "shift",
			Shift(c.policy, time.Now().Add(-time.Minute)))
		if err := c.round(context.Background()); err != nil {
			t.Fatal(err)
		}
		want(t, c, 1, "thorbis_incidents_opened_total", "priority", "P1", "shift",
			Shift(c.policy, time.Now().Add(-time.Minute)))
		if err := dir.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What cannot be saved is not shown: a restart would take it back.
func TestUnsavedIsNotShown(t *testing.T) {
	a := serve(t)
	a.say(200, nil, recent(first, time.Minute))
	dir, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := collector(t, dir, policyOf(t, a))
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	err = c.round(context.Background())
	if collectors.ReasonOf(err) != collectors.ReasonIO {
		t.Errorf("%v", err)
	}
	for _, s := range metric.Shifts {
		want(t, c, 0, "thorbis_incidents_opened_total", "priority", "P1", "shift", s)
	}
	want(t, c, 0, "thorbis_incident_acknowledged", "incident", first)
}

// Who cannot save reports it, and since when, also if nothing was ever saved.
func TestUnsavedIncidents(t *testing.T) {
	path := t.TempDir()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	a := serve(t)
	a.say(200, nil, recent(first, time.Hour))
	c := collector(t, dir, policyOf(t, a))
	blocked := filepath.Join(path, snapshotName+".state.tmp")
	if err := os.Mkdir(blocked, 0o700); err != nil { // every save fails
		t.Fatal(err)
	}
	if err := c.round(t.Context()); collectors.ReasonOf(err) != collectors.ReasonIO {
		t.Errorf("%v", err)
	}
	want(t, c, 1, "thorbis_state_unsaved", "collector", "incident")
	if c.savedAt.IsZero() {
		t.Error("no time from which the alert could count")
	}
	for _, remove := range []string{blocked, filepath.Join(path, snapshotName+".state"), filepath.Join(path, "LOCK")} {
		if err := os.Remove(remove); err != nil {
			t.Fatal(err)
		}
		if err := c.round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !dir.Intact(snapshotName) {
			t.Errorf("%s is not made anew", remove)
		}
		want(t, c, 0, "thorbis_state_unsaved", "collector", "incident")
	}
}

// A disk that hangs holds up neither a scrape nor what is known of incidents.
func TestHungDiskHidesNoIncident(t *testing.T) {
	path := t.TempDir()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(path, snapshotName+".state.tmp")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil { // opening it for writing waits for a reader
		t.Fatal(err)
	}
	a := serve(t)
	c := collector(t, dir, policyOf(t, a))
	for _, open := range []string{"0123456789abcdef", "fedcba9876543210"} {
		a.say(200, nil, recent(open, time.Hour))
		if err := c.round(t.Context()); collectors.ReasonOf(err) != collectors.ReasonTimeout {
			t.Errorf("the disk hangs, and the round says: %v", err)
		}
		want(t, c, 0, "thorbis_incident_acknowledged", "incident", open)
		want(t, c, 1, "thorbis_state_unsaved", "collector", "incident")
	}
	reader, err := os.OpenFile(fifo, os.O_RDWR, 0) // lets the save go on and end
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := c.round(t.Context()); collectors.ReasonOf(err) == collectors.ReasonTimeout {
		t.Errorf("the save that came back is still waited for: %v", err)
	}
}
