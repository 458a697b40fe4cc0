package collectors

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// reports keeps what is reported, "ok" for a success.
type reports struct{ list []string }

func (r *reports) report(err error, _ time.Duration) {
	if err == nil {
		r.list = append(r.list, "ok")
	} else {
		r.list = append(r.list, err.Error())
	}
}

// A part that always fails is not hidden by another that always succeeds.
func TestFailingPartFailsTheCollector(t *testing.T) {
	var got reports
	g := NewGroup(t.Context(), quiet(), got.report)
	a, b := g.Report("a"), g.Report("b")
	a(nil, 0)
	b(errors.New("b is away"), 0)
	a(nil, 0) // not reported: b still fails
	a(errors.New("a is away"), 0)
	b(nil, 0) // not reported: a still fails
	b(nil, 0)
	a(nil, 0)
	if want := []string{"ok", "b is away", "a is away", "ok"}; !slices.Equal(got.list, want) {
		t.Errorf("reported %q, want %q", got.list, want)
	}
}

// A part that panics or fails is counted and started again with growing pauses, and has recovered when it goes on; the
// other parts go on meanwhile.
func TestPartIsStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log testkit.Buffer
		s := NewSupervisor(slog.New(slog.NewTextHandler(&log, nil)))
		var starts []time.Duration
		var rounds atomic.Int32
		began := time.Now()
		s.Add("a", collectorFunc(func(ctx context.Context, g *Group) error {
			g.Go("poisoned", func(ctx context.Context) error {
				starts = append(starts, time.Since(began))
				switch len(starts) {
				case 1, 2:
					panic("poison")
				case 3:
					return errors.New("no disk")
				}
				<-ctx.Done()
				return ctx.Err()
			})
			g.Go("done", func(context.Context) error { return nil })
			for report := g.Report("main"); Pause(ctx, time.Second); rounds.Add(1) {
				report(nil, 0)
			}
			return nil
		}))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { s.Run(ctx); close(done) }()

		time.Sleep(30 * time.Second)
		synctest.Wait()
		if want := []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second}; !slices.Equal(starts, want) {
			t.Errorf("started at %v, want %v", starts, want)
		}
		if n := rounds.Load(); n < 29 {
			t.Errorf("%d rounds of the other part in 30 s", n)
		}
		for reason, want := range map[string]string{ReasonPanic: "2", ReasonOther: "1", ReasonStopped: "0"} {
			if got := value(t, s, metric.CollectorErrors.Name+`{collector="a",reason="`+reason+`"}`); got != want {
				t.Errorf("%s: %s, want %s", reason, got, want)
			}
		}
		if got := value(t, s, metric.CollectorSuccess.Name+`{collector="a"}`); got != "0" {
			t.Errorf("success = %s a moment after the failure", got)
		}
		if text := s.Status()[0].LastError; text != "poisoned: no disk" {
			t.Errorf("last error %q", text)
		}
		if !strings.Contains(log.String(), "group_test.go") {
			t.Error("no stack in the log")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := value(t, s, metric.CollectorSuccess.Name+`{collector="a"}`); got != "1" {
			t.Errorf("success = %s when the part has gone on for more than a minute", got)
		}
		cancel()
		<-done
	})
}

// The parts of a policy end before those of the next begin.
func TestEachPolicyHasItsOwnParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got reports
		ctx, cancel := context.WithCancel(t.Context())
		g := NewGroup(ctx, quiet(), got.report)
		changed, at, n := make(chan struct{}, 1), []int{}, 0
		changed <- struct{}{} // announced before: what is started first is that already
		g.Go("all", func(ctx context.Context) error {
			g.Each(ctx, changed, func(g *Group) {
				n++
				mine := n
				g.Report("failing")(errors.New("away"), 0)
				g.Go("part", func(ctx context.Context) error {
					at = append(at, mine)
					<-ctx.Done()
					time.Sleep(time.Second) // it takes its time
					at = append(at, -mine)
					return ctx.Err()
				})
			})
			return nil
		})
		time.Sleep(time.Minute)
		changed <- struct{}{}
		time.Sleep(time.Minute)
		cancel()
		g.Wait()
		if want := []int{1, -1, 2, -2}; !slices.Equal(at, want) {
			t.Errorf("%v, want %v", at, want)
		}
		if len(got.list) != 2 {
			t.Errorf("reported %q", got.list)
		}
	})
}

// Rounds come at their interval, never two at a time, and a panic takes back what was exposed.
func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got reports
		ctx, cancel := context.WithCancel(t.Context())
		g := NewGroup(ctx, quiet(), got.report)
		began := time.Now()
		var at []time.Duration
		shown, closed := "", 0
		g.Poll(Poll{
			Part: "server", Delay: time.Second, Interval: 10 * time.Second, Timeout: 15 * time.Second,
			Round: func(ctx context.Context) error {
				at = append(at, time.Since(began))
				switch len(at) {
				case 2: // longer than the interval, and cut off by the timeout
					<-ctx.Done()
					return ctx.Err()
				case 4:
					panic("odd answer")
				}
				shown = "up"
				return nil
			},
			Forget: func() { shown = "" },
			Close:  func() { closed++ },
		})
		time.Sleep(42 * time.Second)
		synctest.Wait()
		if want := []time.Duration{1, 11, 26, 31, 41}; len(at) != 5 || at[2] != want[2]*time.Second ||
			at[3] != want[3]*time.Second || at[4] != want[4]*time.Second {
			t.Errorf("rounds at %v, want %v s", at, want)
		}
		if shown != "up" {
			t.Error("nothing is exposed after the panic")
		}
		if want := []string{
			"ok", context.DeadlineExceeded.Error(), "ok", "panic: odd answer", "ok",
		}; !slices.Equal(got.list, want) {
			t.Errorf("reported %q, want %q", got.list, want)
		}
		cancel()
		g.Wait()
		if closed != 1 {
			t.Errorf("closed %d times", closed)
		}
	})
}

// A panic takes back at once what the last round exposed.
func TestPanicOfARoundTakesBackWhatItExposed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got reports
		ctx, cancel := context.WithCancel(t.Context())
		g := NewGroup(ctx, quiet(), got.report)
		shown, rounds := "", 0
		g.Poll(Poll{
			Part: "server", Interval: time.Minute,
			Round: func(context.Context) error {
				if rounds++; rounds == 2 {
					panic("odd answer")
				}
				shown = "up"
				return nil
			},
			Forget: func() { shown = "" },
		})
		time.Sleep(90 * time.Second)
		synctest.Wait()
		if shown != "" || rounds != 2 {
			t.Errorf("%q is exposed after %d rounds", shown, rounds)
		}
		cancel()
		g.Wait()
	})
}

// A piece of work that panics ends with an error, whether the caller still waits or not.
func TestAsync(t *testing.T) {
	err := <-Async(func() error { panic("boom") })
	if ReasonOf(err) != ReasonPanic || err.Error() != "panic: boom" {
		t.Errorf("%v", err)
	}
	if err := <-Async(func() error { return nil }); err != nil {
		t.Error(err)
	}
}
