package exporter

import (
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
	load   func() (*config.Policy, error)
	apply  func(p, old *config.Policy) error

	reloading sync.Mutex // one reload at a time

	mu      sync.Mutex // guards the following, held for moments only
	inForce *config.Policy
	loaded  time.Time // last success
	err     error     // of the last attempt
	errAt   time.Time
}

// reload loads the policy and puts it in force.
func (p *policy) reload() error {
	p.reloading.Lock()
	defer p.reloading.Unlock()
	old, _ := p.get()
	next, err := p.load()
	if err == nil {
		err = p.apply(next, old)
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
