package exporter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// policy holds the policy in force and replaces it on request. A new one that is refused anywhere leaves
// the old one running, and that shows until the next success.
type policy struct {
	logger *slog.Logger
	load   func(context.Context) (*config.Policy, error)
	apply  func(*config.Policy) error

	reloading chan struct{} // holds one token: one reload at a time

	mu      sync.Mutex // guards the following, held for moments only
	inForce *config.Policy
	loaded  time.Time // last success
	err     error     // of the last attempt
	errAt   time.Time
}

// reloadTimeout bounds the reading of a policy's files, so that a disk that hangs does not hold up the next reload.
const reloadTimeout = 30 * time.Second

var errReloadHangs = errors.New("its files have not answered within 30s; their disk hangs")

func newPolicy(logger *slog.Logger, load func(context.Context) (*config.Policy, error),
	apply func(*config.Policy) error,
) *policy {
	return &policy{logger: logger, load: load, apply: apply, reloading: make(chan struct{}, 1)}
}

// reload loads the policy and puts it in force.
func (p *policy) reload(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, reloadTimeout, errReloadHangs)
	defer cancel()
	select {
	case p.reloading <- struct{}{}:
		defer func() { <-p.reloading }()
	case <-ctx.Done():
		return errors.New("not reloaded: an earlier reload has not ended")
	}
	old, _ := p.get()
	next, err := p.load(ctx)
	if err == nil {
		err = p.apply(next)
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err, p.errAt = err, now
	if err != nil && old == nil {
		return err // and so no start
	}
	if err != nil {
		p.logger.Error("Loading the policy failed; the old one stays in force", "err", err)
		return fmt.Errorf("loading the policy failed, the old one stays in force: %w", err)
	}
	p.inForce, p.loaded = next, now
	p.logger.Info("Loaded the policy", "sha256", next.Hash(), "warnings", len(next.Warnings()))
	return nil
}

// reloadStatus is how loading the policy fares.
type reloadStatus struct {
	Loaded time.Time
	Err    string
	ErrAt  time.Time
}

// get returns the policy in force, nil before the first load, and how loading fares.
func (p *policy) get() (*config.Policy, reloadStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := reloadStatus{Loaded: p.loaded}
	if p.err != nil {
		s.Err, s.ErrAt = p.err.Error(), p.errAt
	}
	return p.inForce, s
}

var (
	policyInfoDesc      = metric.PolicyInfo.Desc()
	policyWarningsDesc  = metric.PolicyWarnings.Desc()
	reloadSuccessDesc   = metric.ConfigReloadSuccessful.Desc()
	reloadTimestampDesc = metric.ConfigReloadTimestamp.Desc()
)

// Describe implements prometheus.Collector.
func (*policy) Describe(ch chan<- *prometheus.Desc) {
	ch <- policyInfoDesc
	ch <- policyWarningsDesc
	ch <- reloadSuccessDesc
	ch <- reloadTimestampDesc
}

// Collect implements prometheus.Collector.
func (p *policy) Collect(ch chan<- prometheus.Metric) {
	inForce, status := p.get()
	success, loaded := 1.0, 0.0
	if status.Err != "" || inForce == nil {
		success = 0
	}
	if !status.Loaded.IsZero() {
		loaded = float64(status.Loaded.UnixMilli()) / 1000
	}
	ch <- prometheus.MustNewConstMetric(reloadSuccessDesc, prometheus.GaugeValue, success)
	ch <- prometheus.MustNewConstMetric(reloadTimestampDesc, prometheus.GaugeValue, loaded)
	if inForce == nil {
		return
	}
	ch <- prometheus.MustNewConstMetric(policyInfoDesc, prometheus.GaugeValue, 1, inForce.Hash())
	ch <- prometheus.MustNewConstMetric(policyWarningsDesc, prometheus.GaugeValue, float64(len(inForce.Warnings())))
}
