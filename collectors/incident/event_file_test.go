package incident

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// recordedFile is the file of a recorder, and the exporter that reads it.
type recordedFile struct {
	t    *testing.T
	path string
	p    *config.Policy
	c    *Collector
	n    int
}

func newRecordedFile(t *testing.T, dir *state.Dir) *recordedFile {
	a := serve(t)
	r := &recordedFile{t: t, path: filepath.Join(t.TempDir(), "events.jsonl"), p: policyOf(t, a)}
	r.p.Alertmanagers[0].Events = &config.AlertmanagerEvents{File: r.path}
	testkit.WriteFile(t, r.path, notified(t, recent(first, time.Hour), 0)+"\n")
	r.c = collector(t, dir, r.p)
	r.read()
	return r
}

// write appends events, with an end that may be missing.
func (r *recordedFile) write(n int, end string) {
	r.t.Helper()
	var text strings.Builder
	for i := range n {
		r.n++
		text.WriteString(notified(r.t, recent(first, time.Minute), r.n))
		if i < n-1 {
			text.WriteByte('\n')
		}
	}
	r.append(text.String() + end)
}

func (r *recordedFile) append(text string) {
	r.t.Helper()
	f, err := os.OpenFile(r.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		r.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		r.t.Fatal(err)
	}
}

// read reads what is new, and saves it.
func (r *recordedFile) read() {
	r.t.Helper()
	for _, f := range r.c.eventFiles(r.p) {
		if err := r.c.follow(r.t.Context(), f); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := r.c.round(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *recordedFile) expect(events float64) {
	r.t.Helper()
	want(r.t, r.c, events, "thorbis_incident_events_total", "kind", "notification")
}

// What was there before the exporter is not counted; a line counts when it is whole.
func TestFileOfEvents(t *testing.T) {
	r := newRecordedFile(t, nil)
	r.expect(0)
	r.write(2, "\n")
	r.read()
	r.expect(2)
	r.write(1, "")
	r.read()
	r.expect(2)
	r.append("\nno event\n\n")
	r.read()
	r.expect(3)
	want(t, r.c, 1, "thorbis_incident_event_rejects_total", "reason", "unreadable")
	r.read()
	r.expect(3)
}

// Nothing is lost and nothing counts twice when the file is renamed or truncated.
func TestFileOfEventsIsRotated(t *testing.T) {
	r := newRecordedFile(t, nil)
	for i := range 3 {
		r.write(2, "\n")
		if err := os.Rename(r.path, r.path+".1"); err != nil {
			t.Fatal(err)
		}
		r.write(1, "\n")
		r.read()
		r.expect(float64(3 * (i + 1)))
	}
	if err := os.Truncate(r.path, 0); err != nil {
		t.Fatal(err)
	}
	r.read()
	r.write(1, "\n")
	r.read()
	r.expect(10)
}

// An exporter that was away goes on where it was, also if the file was rotated meanwhile.
func TestFileOfEventsAfterARestart(t *testing.T) {
	path := t.TempDir()
	open := func() *state.Dir {
		dir, err := state.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	dir := open()
	r := newRecordedFile(t, dir)
	total := 0.0
	for _, rotated := range []bool{false, true} {
		r.c.closeFiles(nil)
		if err := dir.Close(); err != nil {
			t.Fatal(err)
		}
		r.write(3, "\n")
		total += 3
		if rotated {
			if err := os.Rename(r.path, r.path+".1"); err != nil {
				t.Fatal(err)
			}
			r.write(2, "\n")
			total += 2
		}
		dir = open()
		r.c = collector(t, dir, r.p)
		r.read()
		r.expect(total)
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
}

// A line that is longer than what is read at once is left out, and those after it are read.
func TestLongLineOfEvents(t *testing.T) {
	r := newRecordedFile(t, nil)
	r.append(strings.Repeat("x", maxBody+maxBody/2))
	r.read()
	want(t, r.c, 1, "thorbis_incident_event_rejects_total", "reason", "too_large")
	r.append("\n")
	r.write(1, "\n")
	r.read()
	r.expect(1)
	want(t, r.c, 1, "thorbis_incident_event_rejects_total", "reason", "too_large")
	want(t, r.c, 0, "thorbis_incident_event_rejects_total", "reason", "unreadable")
}

// A file that is not there, and one on a disk that hangs, are errors of their own part: rounds go on.
func TestFileOfEventsThatCannotBeRead(t *testing.T) {
	a := serve(t)
	a.say(200, nil, recent(first, time.Minute))
	p := policyOf(t, a)
	dir := t.TempDir()
	p.Alertmanagers[0].Events = &config.AlertmanagerEvents{File: filepath.Join(dir, "none")}
	c := collector(t, nil, p)
	ctx, cancel := context.WithCancel(t.Context())
	failed, ended := make(chan error, 100), make(chan struct{})
	go func() {
		defer close(ended)
		_ = collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(err error, _ time.Duration) {
			if err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
	}()
	if err := <-failed; !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	testkit.Eventually(t, func() bool {
		_, read := value(t, c, "thorbis_incident_acknowledged", "incident", first)
		return read
	}, "a round")
	cancel()
	<-ended
	hung := &eventFile{path: "hung", reading: make(chan error)}
	c.files["hung"] = hung
	impatient, stop := context.WithTimeout(t.Context(), time.Millisecond) // the read never comes back
	defer stop()
	if err := c.follow(impatient, hung); collectors.ReasonOf(err) != collectors.ReasonTimeout {
		t.Errorf("%v", err)
	}
	c.closeFiles(nil)
	if c.files["hung"] == nil {
		t.Error("a file is closed that is being read")
	}
}
