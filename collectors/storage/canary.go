package storage

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// A canary stays out of the way: it does not run on a disk that is nearly full, nor while operations of its
// device are scarce.
const (
	canaryTimeout   = 30 * time.Second
	canaryReserve   = 20 // a twentieth of the filesystem stays free
	canaryBusyShare = 0.7
)

var (
	errCorrupt = errors.New("what was read back is not what was written")
	errSkipped = errors.New("left out")
)

var canaryBuckets = []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 5, 30}

// canary is one of the policy's canaries with its results. Its counters start at 0 with the process.
type canary struct {
	config.Canary
	host   string
	statfs func(string) (usage, error)
	scarce func(path string) bool
	// spoil changes what was read back; for tests.
	spoil func([]byte)

	created   time.Time
	durations map[string]prometheus.Histogram

	mu          sync.Mutex
	runs        map[string]uint64
	corruptions uint64
	hanging     bool
}

func newCanary(c config.Canary, host string, scarce func(string) bool) *canary {
	one := &canary{
		Canary: c, host: host, statfs: statfs, scarce: scarce, created: time.Now(), runs: map[string]uint64{},
		durations: map[string]prometheus.Histogram{},
	}
	for _, operation := range metric.CanaryOperations {
		one.durations[operation] = prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: metric.CanaryDuration.Name, Help: metric.CanaryDuration.Help,
			ConstLabels: prometheus.Labels{metric.LabelHost: host, metric.LabelCanary: c.Name, metric.LabelOperation: operation},
			Buckets:     canaryBuckets, NativeHistogramBucketFactor: 1.1,
			NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
		})
	}
	return one
}

// poll runs the canary at its interval. A round that hangs in the kernel delays nothing else: it counts as failed, once
// for each interval, and no other begins before it has ended. Failures have a counter and an alert of their own, so
// they are no failures of the collector; they are logged when they begin or change.
func (c *canary) poll(logger *slog.Logger) collectors.Poll {
	var logged string
	return collectors.Poll{
		Part: "canary " + c.Name, Interval: c.Interval.Std(),
		Round: func(ctx context.Context) error {
			c.mu.Lock()
			hanging := c.hanging
			c.hanging = true
			c.mu.Unlock()
			err := errors.New("the round before has not ended")
			if !hanging {
				err = c.round(ctx)
			}
			if ctx.Err() != nil {
				return err
			}
			c.count(err)
			if err == nil || errors.Is(err, errSkipped) {
				logged = ""
				return nil
			}
			if text := err.Error(); text != logged {
				logged = text
				logger.Warn("A storage canary failed", "canary", c.Name, "err", err)
			}
			return nil
		},
	}
}

// round makes one round and waits until it ends or its timeout passes.
func (c *canary) round(ctx context.Context) error {
	ended := collectors.Async(func() error {
		defer func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.hanging = false
		}()
		return c.once()
	})
	timer := time.NewTimer(canaryTimeout)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		return context.DeadlineExceeded
	case <-ctx.Done():
		// A few milliseconds as a rule, and the file is removed.
		select {
		case err := <-ended:
			return errors.Join(ctx.Err(), err)
		case <-time.After(time.Second):
			return ctx.Err()
		}
	}
}

func (c *canary) count(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.runs[metric.ResultSuccess]++
	case errors.Is(err, errSkipped):
		c.runs[metric.ResultSkipped]++
	default:
		c.runs[metric.ResultFailure]++
		if errors.Is(err, errCorrupt) {
			c.corruptions++
		}
	}
}

// once writes the file, syncs it, reads it back, compares and removes it.
func (c *canary) once() (err error) {
	u, err := c.statfs(c.Path)
	if err != nil {
		return err
	}
	if u.available < u.size/canaryReserve || u.available < 16*uint64(c.Size) || c.scarce(c.Path) {
		return errSkipped
	}
	want := make([]byte, c.Size)
	if _, err := rand.Read(want); err != nil {
		return err
	}
	// One name for all rounds, so that a crash leaves one file at most.
	path := filepath.Join(c.Path, ".thorbis_canary_"+c.Name)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(path)) }()
	if err := c.timed(metric.OperationWrite, func() error { _, err := f.Write(want); return err }); err != nil {
		return err
	}
	if err := c.timed(metric.OperationSync, f.Sync); err != nil {
		return err
	}
	forget(f) // or the page cache answers, and nothing is read
	got := make([]byte, len(want))
	if err := c.timed(metric.OperationRead, func() error {
		_, err := io.ReadFull(io.NewSectionReader(f, 0, int64(len(got))), got)
		return err
	}); err != nil {
		return err
	}
	if c.spoil != nil {
		c.spoil(got)
	}
	if !bytes.Equal(got, want) {
		return errCorrupt
	}
	return nil
}

func (c *canary) timed(operation string, do func() error) error {
	start := time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	c.durations[operation].Observe(time.Since(start).Seconds())
	return nil
}

// collect exposes the results of the canary. Every result exists from the start.
func (c *canary) collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	s := collectors.NewSnapshot(len(metric.CanaryResults)+1, c.created)
	for _, result := range metric.CanaryResults {
		s.Add(metric.CanaryRuns, float64(c.runs[result]), collectors.NewLabels(metric.CanaryRuns.Labels, c.host,
			c.Name, result))
	}
	s.Add(metric.CanaryCorruptions, float64(c.corruptions),
		collectors.NewLabels(metric.CanaryCorruptions.Labels, c.host, c.Name))
	c.mu.Unlock()
	s.Collect(ch)
	for _, h := range c.durations {
		ch <- h
	}
}

// canaries are those of the policy in force.
type canaries struct {
	mu   sync.Mutex
	list []*canary
}

// apply puts the policy's canaries in force; those whose settings stay continue their counters.
func (c *canaries) apply(p *config.Policy, host string, scarce func(string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []*canary
	for _, wanted := range p.Storage.Canaries {
		one := newCanary(*wanted, host, scarce)
		for _, old := range c.list {
			if old.Canary == *wanted {
				one = old
			}
		}
		list = append(list, one)
	}
	c.list = list
}

func (c *canaries) current() []*canary {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.list
}
