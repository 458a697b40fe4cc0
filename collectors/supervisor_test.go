package collectors

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// collectorFunc is a collector that only runs.
type collectorFunc func(context.Context, *Group) error

func (collectorFunc) Describe(chan<- *prometheus.Desc)          {}
func (collectorFunc) Collect(chan<- prometheus.Metric)          {}
func (collectorFunc) Prepare(*config.Policy) (Change, error)    { return Change{}, nil }
func (f collectorFunc) Run(ctx context.Context, g *Group) error { return f(ctx, g) }

type fake struct {
	run func(ctx context.Context, n int, report Report) error
	n   int
}

func (*fake) Describe(chan<- *prometheus.Desc)       {}
func (*fake) Collect(chan<- prometheus.Metric)       {}
func (*fake) Prepare(*config.Policy) (Change, error) { return Change{}, nil }
func (f *fake) Run(ctx context.Context, g *Group) error {
	f.n++
	return f.run(ctx, f.n, g.Report("main"))
}

// steady works until its context ends.
func steady(ctx context.Context, _ int, report Report) error {
	report(nil, time.Second)
	<-ctx.Done()
	return ctx.Err()
}

func value(t *testing.T, s *Supervisor, series string) string {
	t.Helper()
	name, _, _ := strings.Cut(series, "{")
	text, err := testutil.CollectAndFormat(s, expfmt.TypeTextPlain, name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(v)
		}
	}
	t.Fatalf("no series %s in\n%s", series, text)
	return ""
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestEveryReasonIsExposedBeforeTheFirstError(t *testing.T) {
	s := NewSupervisor(quiet())
	s.Add("a", &fake{run: steady})
	for _, reason := range Reasons {
		if got := value(t, s, fmt.Sprintf(`%s{collector="a",reason=%q}`, metric.CollectorErrors.Name, reason)); got != "0" {
			t.Errorf("%s = %s", reason, got)
		}
	}
	if got := value(t, s, metric.CollectorLastSuccess.Name+`{collector="a"}`); got != "0" {
		t.Errorf("last success = %s before the first", got)
	}
	if problems, err := testutil.CollectAndLint(s); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
}

func TestPanicIsContainedAndTheCollectorRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log testkit.Buffer
		s := NewSupervisor(slog.New(slog.NewTextHandler(&log, nil)))
		s.Add("bad", &fake{run: func(ctx context.Context, n int, report Report) error {
			if n <= 2 {
				panic("boom")
			}
			return steady(ctx, n, report)
		}})
		s.Add("good", &fake{run: steady})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { s.Run(ctx); close(done) }()

		synctest.Wait()
		if got := value(t, s, metric.CollectorSuccess.Name+`{collector="bad"}`); got != "0" {
			t.Errorf("success of the bad one = %s", got)
		}
		if got := value(t, s, metric.CollectorSuccess.Name+`{collector="good"}`); got != "1" {
			t.Errorf("success of the good one = %s", got)
		}
		time.Sleep(minBackoff + 2*minBackoff)
		synctest.Wait()
		if got := value(t, s, metric.CollectorSuccess.Name+`{collector="bad"}`); got != "1" {
			t.Errorf("success after two restarts = %s", got)
		}
		if got := value(t, s, metric.CollectorErrors.Name+`{collector="bad",reason="panic"}`); got != "2" {
			t.Errorf("panics = %s", got)
		}
		if !strings.Contains(log.String(), "supervisor_test.go") {
			t.Error("no stack in the log")
		}
		cancel()
		<-done
	})
}

func TestBackoffIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{run: func(context.Context, int, Report) error { return nil }}
		s := NewSupervisor(quiet())
		s.Add("a", f)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		s.Run(ctx)
		if f.n < 60 || f.n > 70 {
			t.Errorf("%d runs in an hour, want about one a minute", f.n)
		}
		if got := s.Status()[0]; got.Success || s.entries[0].errors[ReasonStopped] != uint64(f.n) {
			t.Errorf("status %+v, errors %v", got, s.entries[0].errors)
		}
	})
}

func TestStoppingIsNoError(t *testing.T) {
	s := NewSupervisor(quiet())
	s.Add("a", &fake{run: steady})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	s.Run(ctx)
	if got := s.Status()[0]; !got.Success || got.LastError != "" {
		t.Errorf("status %+v", got)
	}
}

func TestReasonOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{context.DeadlineExceeded, ReasonTimeout},
		{fmt.Errorf("round: %w", context.DeadlineExceeded), ReasonTimeout},
		{&fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, ReasonIO},
		{fmt.Errorf("a: %w", &ReasonError{ReasonConfig, errors.New("b")}), ReasonConfig},
		{&ReasonError{"from outside", errors.New("b")}, ReasonOther},
		{errors.New("a"), ReasonOther},
	} {
		if got := ReasonOf(c.err); got != c.want {
			t.Errorf("ReasonOf(%v) = %s, want %s", c.err, got, c.want)
		}
	}
}

func TestSilentCollectorFailsByTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSupervisor(quiet())
		s.Add("a", collectorFunc(func(ctx context.Context, g *Group) error {
			g.Prompt("main", time.Minute)(nil, time.Second) // and falls silent
			for report := g.Report("other"); Pause(ctx, time.Second); {
				report(nil, 0) // which hides nothing
			}
			return nil
		}))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { s.Run(ctx); close(done) }()
		time.Sleep(50 * time.Second)
		synctest.Wait()
		if got := value(t, s, metric.CollectorSuccess.Name+`{collector="a"}`); got != "1" {
			t.Errorf("success = %s before its patience is over", got)
		}
		time.Sleep(50 * time.Second)
		synctest.Wait()
		if got := value(t, s, metric.CollectorErrors.Name+`{collector="a",reason="timeout"}`); got != "1" {
			t.Errorf("its silence is counted %s times", got)
		}
		if got := value(t, s, metric.CollectorSuccess.Name+`{collector="a"}`); got != "0" {
			t.Errorf("success = %s of a silent collector", got)
		}
		cancel()
		<-done
	})
}
