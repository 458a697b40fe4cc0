package storage

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

func newTestCanary(t *testing.T) *canary {
	t.Helper()
	return newCanary(config.Canary{
		Name: "data", Path: t.TempDir(), Interval: config.Duration(10 * time.Millisecond),
		Size: 64 << 10,
	}, "db1", func(string) bool { return false })
}

func leftovers(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Errorf("%s is left behind", f.Name())
	}
}

func TestCanaryCleansUpAfterItself(t *testing.T) {
	c := newTestCanary(t)
	// A crash has left a file.
	testkit.WriteFile(t, filepath.Join(c.Path, ".thorbis_canary_data"), "old")
	for range 3 {
		if err := c.once(); err != nil {
			t.Fatal(err)
		}
	}
	leftovers(t, c.Path)
	c.spoil = func(b []byte) { b[len(b)/2]++ }
	if err := c.once(); !errors.Is(err, errCorrupt) {
		t.Errorf("one byte is spoilt: %v", err)
	}
	leftovers(t, c.Path)
	c.Path = filepath.Join(c.Path, "gone")
	if err := c.once(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}

func TestCanaryStaysOutOfTheWay(t *testing.T) {
	c := newTestCanary(t)
	for name, u := range map[string]usage{
		"nearly full":           {size: 1 << 40, available: 1 << 35},
		"small and nearly full": {size: 1 << 21, available: 1 << 19},
	} {
		c.statfs = func(string) (usage, error) { return u, nil }
		if err := c.once(); !errors.Is(err, errSkipped) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.statfs = statfs
	c.scarce = func(string) bool { return true }
	if err := c.once(); !errors.Is(err, errSkipped) {
		t.Errorf("scarce: %v", err)
	}
	leftovers(t, c.Path)
}

func TestBusy(t *testing.T) {
	var b busy
	now := time.Now()
	reading := func(ops uint64) *reading {
		d := device{name: "sda", fields: leastFields}
		d.values[fieldReads], d.values[fieldWrites] = ops/2, ops-ops/2
		return &reading{
			host: "db1", devices: []device{d, {name: "sdb"}},
			limits: map[place]limit{{"db1", "sda"}: {iops: 100}},
		}
	}
	for i, step := range []struct {
		ops  uint64
		want bool
	}{{1000, false}, {1100, false}, {1900, true}, {1910, false}, {5, false}} {
		b.note(reading(step.ops), now.Add(time.Duration(i)*10*time.Second))
		if got := b.scarce("/"); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

// Rounds are counted by result, one that hangs once for each interval, and the end is waited for briefly.
func TestCanariesRun(t *testing.T) {
	good, bad, hung := newTestCanary(t), newTestCanary(t), newTestCanary(t)
	good.Name, bad.Name, hung.Name = "good", "bad", "hung"
	bad.spoil = func(b []byte) { b[0]++ }
	release := make(chan struct{})
	defer close(release)
	var rounds atomic.Int32
	hung.statfs = func(string) (usage, error) {
		rounds.Add(1)
		<-release
		return usage{}, errors.New("late")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var log lines
	group := collectors.NewGroup(ctx, slog.New(slog.DiscardHandler), func(err error, _ time.Duration) {
		if err != nil {
			t.Errorf("the collector fails with its canaries: %v", err)
		}
	})
	for _, one := range []*canary{good, bad, hung} {
		group.Poll(one.poll(slog.New(&log)))
	}
	count := func(c *canary, result string) uint64 {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.runs[result]
	}
	testkit.Eventually(t, func() bool {
		return count(good, metric.ResultSuccess) > 2 && count(bad, metric.ResultFailure) > 2
	}, "three rounds of the good canary and of the bad one")
	cancel()
	group.Wait()
	if n := log.n.Load(); n != 1 {
		t.Errorf("%d lines are logged of one that is corrupt", n)
	}
	if n := rounds.Load(); n != 1 {
		t.Errorf("a round that hangs was begun %d times", n)
	}
	if bad.corruptions == 0 || count(good, metric.ResultFailure) != 0 {
		t.Errorf("%d corruptions, %d failures of the good one", bad.corruptions, count(good, metric.ResultFailure))
	}
	testkit.Eventually(t, func() bool { // its last round may be left to end by itself
		good.mu.Lock()
		defer good.mu.Unlock()
		return !good.hanging
	}, "the last round of the good canary has ended")
	leftovers(t, good.Path)

	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collecting(good.collect))
	n, err := testutil.GatherAndCount(registry, metric.CanaryRuns.Name, metric.CanaryCorruptions.Name,
		metric.CanaryDuration.Name)
	if err != nil || n != 3+1+3 {
		t.Errorf("%d series, %v", n, err)
	}
}

// Canaries that stay in the policy go on counting.
func TestCanariesKeepCounting(t *testing.T) {
	a, b := &config.Canary{Name: "a", Path: "/a", Size: 1}, &config.Canary{Name: "b", Path: "/b", Size: 1}
	list := &canaries{}
	apply := func(want ...*config.Canary) []*canary {
		list.apply(&config.Policy{Storage: config.Storage{Canaries: want}}, "db1", nil)
		return list.current()
	}
	first := apply(a, b)
	changed := *b
	changed.Size = 2
	second := apply(&changed, a)
	if second[1] != first[0] || second[0] == first[1] || len(apply()) != 0 {
		t.Error("canaries are mixed up")
	}
}

// lines counts what is logged.
type lines struct{ n atomic.Int32 }

func (*lines) Enabled(context.Context, slog.Level) bool { return true }
func (l *lines) Handle(context.Context, slog.Record) error {
	l.n.Add(1)
	return nil
}
func (l *lines) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *lines) WithGroup(string) slog.Handler      { return l }

type collecting func(chan<- prometheus.Metric)

func (collecting) Describe(chan<- *prometheus.Desc)      {}
func (c collecting) Collect(ch chan<- prometheus.Metric) { c(ch) }
