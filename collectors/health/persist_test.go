package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/metric"
)

// disk is a collector that saves on a disk which does whatever it likes, at moments that the test sets.
type disk struct {
	t      *testing.T
	path   string
	dir    *state.Dir
	c      *Collector
	target *target
	now    time.Time
	seen   saved // by the last scrape of this collector
}

func (d *disk) start() {
	d.t.Helper()
	dir, err := state.Open(d.path)
	if err != nil {
		d.t.Fatal(err)
	}
	d.dir = dir
	d.c = New(Options{Logger: slog.New(slog.DiscardHandler), State: dir})
	d.c.kept = d.c.load(d.now)
	if err := collectors.Apply(d.c, policy(d.t, "  checks:\n    - {name: home, app_service: web, target: \"http://x\"}\n",
		"")); err != nil {
		d.t.Fatal(err)
	}
	d.target = d.c.targets[key{check: "home"}]
	d.target.machine = newStateMachine(d.now, d.target.machine.totals)
	d.seen = saved{}
}

func (d *disk) tick(seconds int) (due bool) {
	for range seconds {
		d.now = d.now.Add(time.Second)
		d.target.machine.evaluate(outcome{result: bad, reason: reasonTimeout, start: d.now, end: d.now}, time.Minute, 0)
		due, _ = d.c.advance(d.now)
		d.scrape()
	}
	return due
}

// scrape fails if a counter that is shown has gone back.
func (d *disk) scrape() {
	d.t.Helper()
	s, ok := d.c.shownOf(d.target)
	if !ok {
		return
	}
	if s.Observed < d.seen.Observed || s.Down < d.seen.Down || s.Outages < d.seen.Outages || !d.seen.Created.IsZero() &&
		!s.Created.Equal(d.seen.Created) {
		d.t.Fatalf("what is shown went back from %+v to %+v", d.seen, s)
	}
	d.seen = s
}

// killed starts a new collector on what the killed one left behind. Its counters may not lie between 0 and what
// was shown: that would read as a reset after which all of it counts again.
func (d *disk) killed(away time.Duration) {
	d.t.Helper()
	shown := d.seen
	if err := d.dir.Close(); err != nil {
		d.t.Fatal(err)
	}
	d.now = d.now.Add(away)
	d.start()
	got := d.target.saved()
	goesOn := got.Observed >= shown.Observed && got.Down >= shown.Down && got.Outages >= shown.Outages
	fromZero := got.Observed == 0 && got.Down == 0 && got.Outages == 0 && !got.Created.Equal(shown.Created)
	if !goesOn && !fromZero {
		d.t.Fatalf("shown %+v, after the restart %+v", shown, got)
	}
}

func newDisk(t *testing.T) *disk {
	d := &disk{t: t, path: t.TempDir(), now: time.Now()}
	d.start()
	t.Cleanup(func() { _ = d.dir.Close() })
	return d
}

var errDisk = errors.New("no")

// Whatever the disk does and whenever the exporter is killed: no counter that was shown ever goes back, except to 0.
func TestNoCounterGoesBackWhateverTheDiskDoes(t *testing.T) {
	t.Parallel()
	type save struct {
		document
		configured []*target
		ends       time.Time
		writes     int // 0 never, 1 at the end
	}
	restarts, fromMemory, fromZero := 0, 0, 0
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			d := newDisk(t)
			var pending *save
			bad := 0 // how long the disk stays as it is
			mood := 0
			for range 200 {
				due := d.tick(1)
				if bad--; bad < 0 {
					bad, mood = random.IntN(40), random.IntN(6)
				}
				if pending == nil && due {
					configured, entries := d.c.snapshot(d.now)
					pending = &save{document{Taken: d.now, Until: d.c.validUntil(d.now), Targets: entries}, configured, d.now, 1}
					switch mood {
					case 1:
						pending.ends = d.now.Add(time.Duration(random.IntN(60)) * time.Second)
					case 2: // a full disk
						pending.writes = 0
					case 3: // an error after the file was replaced
						pending.writes = 2
					}
				}
				if pending != nil && !pending.ends.After(d.now) {
					var err error
					if pending.writes > 0 {
						if err := d.c.write(pending.document); err != nil {
							t.Fatal(err)
						}
					}
					if pending.writes != 1 {
						err = errDisk
					}
					_ = d.c.published(pending.configured, pending.document, err)
					pending = nil
					d.scrape()
				}
				if d.c.live {
					fromMemory++
				}
				if random.IntN(40) == 0 {
					if pending != nil && random.IntN(2) == 0 { // it reached the disk, but the save was never reported
						if err := d.c.write(pending.document); err != nil {
							t.Fatal(err)
						}
					}
					pending = nil
					before := d.target.machine.OutageStart
					d.killed(time.Duration(random.IntN(20)) * time.Second)
					restarts++
					if d.target.machine.Observed == 0 {
						fromZero++
					}
					if start := d.target.machine.OutageStart; !start.IsZero() && !start.Equal(before) {
						t.Fatalf("the outage began at %v, after the restart at %v", before, start)
					}
				}
			}
		})
	}
	if restarts < 25 || fromMemory < 50 || fromZero < 5 || fromZero > restarts*9/10 {
		t.Errorf("the test has not seen enough: %d restarts, %d of them from 0, %d seconds shown from memory", restarts,
			fromZero, fromMemory)
	}
}

// An exporter that was killed goes on where it had saved, if it comes back soon; one that stopped in order does
// so whenever it comes back, unless another exporter ran in between.
func TestRestartsGoOnWhereTheySaved(t *testing.T) {
	for name, tc := range map[string]struct {
		final, between bool
		away           time.Duration
		goesOn         bool
	}{
		"killed, back at once":             {away: 3 * time.Second, goesOn: true},
		"killed, away for long":            {away: trustFor + time.Second},
		"stopped, back after a day":        {final: true, away: 24 * time.Hour, goesOn: true},
		"stopped, another in between":      {final: true, between: true, away: 24 * time.Hour},
		"killed, the clock was set back":   {away: -time.Hour},
		"killed, another held the lock":    {between: true, away: 3 * time.Second, goesOn: true},
		"stopped, then the clock set back": {final: true, away: -time.Hour, goesOn: true},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			for range 4 {
				d.tick(5)
				if err := d.c.saveNow(d.now, false); err != nil {
					t.Fatal(err)
				}
			}
			if err := d.c.saveNow(d.now, tc.final); err != nil {
				t.Fatal(err)
			}
			d.scrape()
			start := d.target.machine.OutageStart
			if tc.between {
				if err := d.dir.Close(); err != nil {
					t.Fatal(err)
				}
				dir, err := state.Open(d.path)
				if err != nil {
					t.Fatal(err)
				}
				d.dir = dir
			}
			d.killed(tc.away)
			if got := d.target.machine.Down > 0; got != tc.goesOn {
				t.Errorf("goes on: %v, want %v", got, tc.goesOn)
			}
			if start.After(d.now) { // of a clock that was ahead: it began when this exporter first saw it
				start = d.now
			}
			if !d.target.machine.OutageStart.Equal(start) {
				t.Errorf("the open outage began at %v, want %v", d.target.machine.OutageStart, start)
			}
		})
	}
}

// A disk that is full for a moment stops the counters for a moment; one that stays full does not.
func TestFullDiskStopsNoCounter(t *testing.T) {
	d := newDisk(t)
	if err := d.c.saveNow(d.now, false); err != nil {
		t.Fatal(err)
	}
	blocked := filepath.Join(d.path, snapshotName+".state.tmp")
	if err := os.Mkdir(blocked, 0o700); err != nil { // every later save fails
		t.Fatal(err)
	}
	d.tick(10)
	if err := d.c.saveNow(d.now, false); err == nil {
		t.Fatal("saving succeeded over a directory")
	}
	if got := value(t, d.c, metric.HealthCheckDownSeconds); got != 0 || value(t, d.c, metric.StateUnsaved) != 0 {
		t.Errorf("after one failed save %v s are shown", got)
	}
	for range int(trustFor/time.Second) + 1 { // also one that is tried again every second
		d.tick(1)
		if err := d.c.saveNow(d.now, false); err == nil {
			t.Fatal("saving succeeded over a directory")
		}
	}
	if got := value(t, d.c, metric.HealthCheckDownSeconds); got < 20 || value(t, d.c, metric.StateUnsaved) != 1 ||
		!d.c.Saving().Live {
		t.Errorf("after many %v s are shown", got)
	}
	if value(t, d.c, metric.StateSaves, "result=failure") < 10 {
		t.Error("the failures were not counted")
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	if err := d.c.saveNow(d.now, false); err != nil {
		t.Fatal(err)
	}
	if value(t, d.c, metric.StateUnsaved) != 0 || d.c.Saving().Live {
		t.Error("it still says that it cannot save")
	}
}

// What was shown while a save was on its way, because the one before had failed, is more than it holds.
func TestSaveThatEndsInTheMidstOfCountingOnPromisesNothing(t *testing.T) {
	d := newDisk(t)
	d.tick(int(trustFor/time.Second) + 2)
	if !d.c.live {
		t.Fatal("counters do not go on from memory")
	}
	configured, entries := d.c.snapshot(d.now)
	late := document{Taken: d.now, Until: d.c.validUntil(d.now), Targets: entries}
	d.tick(3)
	if err := d.c.published(configured, late, d.c.write(late)); err != nil {
		t.Fatal(err)
	}
	d.scrape()
	d.killed(0)
	if d.target.machine.Down != 0 {
		t.Error("it goes on from less than was shown")
	}
}

// A disk that hangs stops neither the probes, nor the counters that pages wait for, nor the exporter.
func TestHungDiskStopsNothing(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(path, snapshotName+".state.tmp")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil { // opening it for writing waits for a reader
		t.Fatal(err)
	}
	var broken atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer srv.Close()
	c := New(Options{Logger: slog.New(slog.DiscardHandler), State: dir})
	if err := collectors.Apply(c, policy(t, quick+"    - {name: home, app_service: web, target: "+srv.URL+"}\n",
		"")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	var failed atomic.Value
	go func() {
		stopped <- collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(err error, _ time.Duration) {
			if err != nil {
				failed.Store(err)
			}
		})
	}()
	await(t, c, "up", is(metric.StateUp))
	broken.Store(true)
	await(t, c, "down", is(metric.StateDown))
	c.mu.Lock()
	c.until = time.Now() // rather than wait for it
	c.mu.Unlock()
	eventually(t, "counting from memory", func() bool {
		down, ok := find(t, c, metric.HealthCheckDownSeconds)
		start, _ := find(t, c, metric.HealthCheckOutageStart)
		return ok && down > 0 && start > 0 && value(t, c, metric.StateUnsaved) == 1
	})
	before := value(t, c, metric.HealthCheckDownSeconds)
	eventually(t, "counting on", func() bool { return value(t, c, metric.HealthCheckDownSeconds) > before })
	eventually(t, "the hanging save is reported", func() bool { return failed.Load() != nil })
	cancel()
	if err := <-stopped; err == nil {
		t.Error("the counters were not saved, and no error is returned")
	}
	if err := dir.Close(); err == nil {
		t.Error("the lock was given up in the middle of a save")
	}
	reader, err := os.OpenFile(fifo, os.O_RDWR, 0) // lets the save go on and end
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
}

// What was saved while the clock was a year ahead is not kept for a year more, and an outage did not begin in the
// future.
func TestSavedTimesInTheFutureCountAsNow(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	d := &disk{t: t, path: t.TempDir(), now: now}
	d.start()
	defer d.dir.Close()
	year := now.AddDate(1, 0, 0)
	removed, open := identity{key: key{check: "removed"}}, identity{key: key{check: "open"}}
	written := document{Session: d.dir.Session(), Taken: year, Targets: []entry{
		{removed.check, "", saved{Removed: year}}, {open.check, "", saved{totals: totals{OutageStart: year}}},
	}}
	if err := d.c.write(written); err != nil {
		t.Fatal(err)
	}
	d.c.kept = d.c.load(now)
	if at := d.c.kept[open].OutageStart; !at.Equal(now) {
		t.Errorf("the outage began at %s", at)
	}
	d.c.snapshot(now)
	if at := d.c.kept[removed].Removed; !at.Equal(now) {
		t.Errorf("it was removed at %s", at)
	}
	d.c.snapshot(now.Add(keepFor + time.Second))
	if _, kept := d.c.kept[removed]; kept {
		t.Error("it is kept for ever")
	}
}
