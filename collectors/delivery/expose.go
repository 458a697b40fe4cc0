package delivery

import (
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// leastShown is how long a deployment has series of its own after something was learned of it: rules outlive an
	// absence of Prometheus of up to two hours.
	leastShown = 2 * time.Hour
	// maxShown is how many deployments of a service have series of their own at once, the newest.
	maxShown = 20
)

// exposer collects series.
type exposer struct {
	list []prometheus.Metric
	now  time.Time
}

func (e *exposer) gauge(m *metric.Metric, v float64, labels ...string) {
	e.list = append(e.list, prometheus.MustNewConstMetric(m.Desc(), prometheus.GaugeValue, v, labels...))
}

func (e *exposer) counter(m *metric.Metric, v uint64, created time.Time, labels ...string) {
	e.list = append(e.list, prometheus.MustNewConstMetricWithCreatedTimestamp(m.Desc(), prometheus.CounterValue,
		float64(v), created, labels...))
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func bit(set bool) float64 {
	if set {
		return 1
	}
	return 0
}

// show makes what a scrape hands out. The caller holds the lock.
func (c *Collector) show(now time.Time) {
	if c.section == nil {
		c.shown.Store(nil)
		return
	}
	e := &exposer{now: now}
	shownFor := leastShown
	for _, by := range []string{config.FailedByIncident, config.FailedByPage} {
		if within, ok := c.section.Failure(by); ok {
			shownFor = max(shownFor, within+time.Hour)
		}
	}
	for _, name := range c.names() {
		owner, page := "", config.Priorities[0]
		if s, ok := c.policy.Service(name); ok {
			owner, page = s.Owner, s.Page
		}
		e.gauge(metric.DeliveryInfo, 1, name, owner, page)
		e.service(name, c.services[name], shownFor)
	}
	for _, o := range c.sources {
		if o.GitHub != nil {
			e.workflows(o, c.services[o.service])
		}
	}
	c.shown.Store(&e.list)
}

// service adds the counters of a service and its newest deployments.
func (e *exposer) service(name string, s *service, shownFor time.Duration) {
	for _, result := range metric.DeploymentResults {
		e.counter(metric.Deployments, s.Results[result], s.Created, name, result)
	}
	for _, reason := range metric.DeploymentFailureReasons {
		e.counter(metric.DeploymentFailures, s.Failures[reason], s.Created, name, reason)
	}
	for _, kind := range metric.DeploymentReworkKinds {
		e.counter(metric.DeploymentReworks, s.Reworks[kind], s.Created, name, kind)
	}
	e.list = append(e.list, s.Lead.metric(metric.DeploymentLeadTime, leadBounds, s.Created, name),
		s.Recovery.metric(metric.DeploymentRecovery, recoveryBounds, s.Created, name))
	if current := s.current(); current != nil {
		e.gauge(metric.DeploymentLast, 1, name, current.Name, current.Commit[:min(nameLength, len(current.Commit))],
			pullRequest(current))
		e.gauge(metric.DeploymentLastLive, unix(s.last().Live), name)
	}
	shown := 0
	for _, d := range slices.Backward(s.timeline()) {
		if d.History || e.now.Sub(d.Learned) > shownFor {
			continue
		}
		if shown++; shown > maxShown {
			break
		}
		e.deployment(name, d)
	}
}

// workflows adds the runs of a source's workflows.
func (e *exposer) workflows(o watchedSource, s *service) {
	for _, file := range o.GitHub.Workflows {
		w := s.Workflows[workflowOf(o.name, file)]
		labels := []string{o.service, o.name, file}
		for _, result := range metric.RunResults {
			e.counter(metric.WorkflowRuns, w.Results[result], w.Since, append(labels[:3:3], result)...)
		}
		e.list = append(e.list, w.Duration.metric(metric.WorkflowRunDuration, runBounds, w.Since, labels...))
		if w.LastResult != "" {
			e.gauge(metric.WorkflowFailing, bit(w.LastResult == metric.RunFailure), labels...)
		}
		if !w.Running.IsZero() {
			e.gauge(metric.WorkflowRunningSince, unix(w.Running), labels...)
		}
		if o.GitHub.MaxRuntime > 0 {
			e.gauge(metric.WorkflowExpectedMaxRuntime, o.GitHub.MaxRuntime.Seconds(), labels...)
		}
	}
}

func (e *exposer) deployment(name string, d *deployment) {
	e.gauge(metric.DeploymentLive, unix(d.Live), name, d.Name, pullRequest(d))
	if lead, ok := d.lead(); ok && d.LeadCounted {
		e.gauge(metric.DeploymentLead, lead.Seconds(), name, d.Name)
	}
	if d.FailedBy != "" {
		e.gauge(metric.DeploymentFailed, d.Failed.Sub(d.Live).Seconds(), name, d.Name, d.FailedBy)
	}
	if d.Evaluated && (d.Hotfix || d.Rollback) {
		e.gauge(metric.DeploymentRework, 1, name, d.Name)
	}
}

func pullRequest(d *deployment) string {
	if d.PullRequest == 0 {
		return ""
	}
	return strconv.Itoa(d.PullRequest)
}
