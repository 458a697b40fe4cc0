package incident

import (
	"maps"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors/incident/event"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// descriptors by metric; made once.
var descs = func() map[*metric.Metric]*prometheus.Desc {
	d := map[*metric.Metric]*prometheus.Desc{}
	for _, m := range []*metric.Metric{
		metric.IncidentOpenSince, metric.IncidentWaitingSince, metric.IncidentAcknowledgedNow, metric.IncidentsOpen,
		metric.IncidentsNotListed, metric.IncidentsNotListedWaiting, metric.IncidentsUntold, metric.IncidentsOpened,
		metric.IncidentResponses,
		metric.IncidentsBrief, metric.IncidentAcknowledgeDuration, metric.IncidentResolveDuration,
		metric.IncidentNotifyDuration, metric.IncidentPages, metric.IncidentNotifications, metric.IncidentMuted,
		metric.IncidentEvents, metric.IncidentEventRejects, metric.IncidentLastEvent,
		metric.IncidentDrills, metric.IncidentWriteUpDue, metric.IncidentWriteUpsMissing, metric.IncidentWriteUpWritten,
		metric.IncidentLastRead, metric.IncidentSourceUp, metric.Silences, metric.MaintenanceSilences,
		metric.StateSaves, metric.StateLastSave, metric.StateUnsaved,
	} {
		d[m] = m.Desc()
	}
	return d
}()

// Describe sends nothing: which series exist follows the policy, which may change.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads memory only. It exports nothing if the policy names no Alertmanager.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.policy == nil || len(c.policy.Alertmanagers) == 0 {
		return
	}
	e := exposer{ch}
	for _, name := range sources(c.policy) {
		if up, asked := c.up[name]; asked {
			e.gauge(metric.IncidentSourceUp, bit(up), name)
		}
	}
	e.counters(c.saved)
	if c.policy.RecordsEvents() {
		c.collectEvents(e)
	}
	c.collectWriteUps(e, time.Now())
	e.counter(metric.StateSaves, float64(c.saves[0]), c.created, snapshotName, metric.ResultSuccess)
	e.counter(metric.StateSaves, float64(c.saves[1]), c.created, snapshotName, metric.ResultFailure)
	e.gauge(metric.StateUnsaved, bit(c.unsaved), snapshotName)
	if !c.savedAt.IsZero() {
		e.gauge(metric.StateLastSave, unix(c.savedAt), snapshotName)
	}
	if c.lastRead.IsZero() {
		return
	}
	e.gauge(metric.IncidentLastRead, unix(c.lastRead))
	if time.Since(c.lastRead) > blindAfter {
		return // what was open then may be over; the rules go on by what fires
	}
	for _, length := range metric.Lengths {
		e.gauge(metric.Silences, float64(c.view.silences[length]), length)
	}
	e.gauge(metric.MaintenanceSilences, float64(c.view.maintenance[""]), "")
	for _, s := range c.policy.Services {
		e.gauge(metric.MaintenanceSilences, float64(c.view.maintenance[s.Name]), s.Name)
	}
	c.incidents(e)
}

// collectEvents exports what event recorders report.
func (c *Collector) collectEvents(e exposer) {
	saved := c.saved
	for _, kind := range event.Kinds {
		e.counter(metric.IncidentEvents, float64(saved.Events[string(kind)]), saved.Created, string(kind))
	}
	for _, reason := range event.Reasons {
		e.counter(metric.IncidentNotifications, float64(saved.Notifications[string(reason)]), saved.Created, string(reason))
	}
	for why, reason := range rejections {
		e.counter(metric.IncidentEventRejects, float64(c.rejects[why]), c.created, reason)
	}
	recipients := map[string]bool{}
	for owner := range c.known.owners {
		recipients[owner] = true
	}
	for _, layer := range config.Layers {
		recipients[layer] = true
	}
	for _, p := range config.Priorities {
		e.ch <- saved.Notify[p].metric(metric.IncidentNotifyDuration, saved.Created, p)
		all := maps.Clone(recipients)
		for recipient := range saved.Pages[p] {
			all[recipient] = true
		}
		for recipient := range all {
			for _, shift := range metric.Shifts {
				e.counter(metric.IncidentPages, float64(saved.Pages[p][recipient][shift]), saved.Created, p, recipient, shift)
			}
		}
	}
	by := map[string]int{}
	for _, one := range c.muted {
		by[one.By]++
	}
	for _, what := range metric.MutedBy {
		e.gauge(metric.IncidentMuted, float64(by[what]), what)
	}
	if last := c.tracker.Events.Last; !last.IsZero() {
		e.gauge(metric.IncidentLastEvent, unix(last))
	}
}

// incidents exports open incidents one by one, up to the bound, and the totals of all.
func (c *Collector) incidents(e exposer) {
	states := map[string]map[string]int{}
	for _, p := range config.Priorities {
		states[p] = map[string]int{}
	}
	untracked, quiet, unlisted := 0, 0, longest{}
	for fingerprint, s := range c.view.alerts {
		began := s.startsAt
		i, tracked := c.tracker.Incidents[fingerprint]
		if tracked {
			began = i.Began
		}
		switch seen, _ := s.condition(began); {
		case seen == maintenance:
			states[s.priority][metric.IncidentMaintenance]++
		case seen == suppressed:
			quiet++
		case !tracked:
			untracked++
			if seen == waiting {
				unlisted.add(s.priority, began)
			}
		}
	}
	shown, notListed := 0, untracked
	for _, fingerprint := range c.open() {
		i := c.tracker.Incidents[fingerprint]
		if i.condition == maintenance || i.condition == suppressed {
			continue
		}
		state := metric.IncidentAcknowledged
		if !i.Waiting.IsZero() {
			state = metric.IncidentUnacknowledged
		}
		states[i.Priority][state]++
		if shown == listed {
			notListed++
			unlisted.add(i.Priority, i.Waiting)
			continue
		}
		shown++
		labels := []string{fingerprint, i.Alert, i.AppService, i.Subject, i.Priority, i.Owner}
		e.gauge(metric.IncidentOpenSince, unix(i.Began), labels...)
		e.gauge(metric.IncidentAcknowledgedNow, bit(i.Waiting.IsZero()), fingerprint)
		if !i.Waiting.IsZero() {
			e.gauge(metric.IncidentWaitingSince, unix(i.Waiting), labels...)
		}
	}
	e.gauge(metric.IncidentsNotListed, float64(notListed))
	for priority, since := range unlisted {
		e.gauge(metric.IncidentsNotListedWaiting, unix(since), priority)
	}
	e.gauge(metric.IncidentsUntold, float64(quiet))
	for _, p := range config.Priorities {
		for _, state := range metric.IncidentStates {
			e.gauge(metric.IncidentsOpen, float64(states[p][state]), p, state)
		}
	}
}

// longest is since when somebody has waited longest, by priority: for what is not listed, so that it escalates too.
type longest map[string]time.Time

func (l longest) add(priority string, since time.Time) {
	if old, ok := l[priority]; !since.IsZero() && (!ok || since.Before(old)) {
		l[priority] = since
	}
}

type exposer struct{ ch chan<- prometheus.Metric }

func (e exposer) gauge(m *metric.Metric, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(descs[m], prometheus.GaugeValue, v, labels...)
}

func (e exposer) counter(m *metric.Metric, v float64, created time.Time, labels ...string) {
	e.ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(descs[m], prometheus.CounterValue, v, created, labels...)
}

func (e exposer) counters(c counters) {
	for _, p := range config.Priorities {
		for _, shift := range metric.Shifts {
			e.counter(metric.IncidentsOpened, float64(c.Opened[p][shift]), c.Created, p, shift)
		}
		for _, result := range metric.Responses {
			e.counter(metric.IncidentResponses, float64(c.Responses[p][result]), c.Created, p, result)
			e.counter(metric.IncidentDrills, float64(c.Drills[p][result]), c.Created, p, result)
		}
		e.counter(metric.IncidentsBrief, float64(c.Brief[p]), c.Created, p)
		e.ch <- c.Acknowledge[p].metric(metric.IncidentAcknowledgeDuration, c.Created, p)
		e.ch <- c.Resolve[p].metric(metric.IncidentResolveDuration, c.Created, p)
	}
}

func bit(v bool) float64 {
	if v {
		return 1
	}
	return 0
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
