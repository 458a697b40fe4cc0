package vendor

import (
	"maps"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// families by metric, made once.
var families = func() map[*metric.Metric]*collectors.Family {
	f := map[*metric.Metric]*collectors.Family{}
	for _, m := range []*metric.Metric{
		metric.VendorState, metric.VendorPageState, metric.VendorComponentState, metric.VendorSince, metric.VendorOutageSince,
		metric.VendorIncidents, metric.VendorOldestIncident, metric.VendorMaintenanceBegin, metric.VendorMaintenanceEnd,
		metric.VendorPageUpdated, metric.VendorLastSuccess, metric.VendorStateSeconds, metric.VendorMonthSeconds,
		metric.VendorReads, metric.VendorReadFailures, metric.VendorInfo, metric.VendorServiceInfo,
		metric.VendorExpectedMonthDown,
	} {
		f[m] = collectors.NewFamily(m)
	}
	return f
}()

// exposer adds series to a snapshot.
type exposer struct{ *collectors.Snapshot }

func (e exposer) add(m *metric.Metric, v float64, labels ...string) {
	e.Add(families[m], v, collectors.NewLabels(m.Labels, labels...))
}

// at adds a time, nothing for the zero time.
func (e exposer) at(m *metric.Metric, t time.Time, labels ...string) {
	if !t.IsZero() {
		e.add(m, float64(t.UnixMilli())/1000, labels...)
	}
}

// states adds a set of states of which one is 1.
func (e exposer) states(m *metric.Metric, state string, labels ...string) {
	for _, s := range metric.VendorStates {
		is := 0.0
		if s == state {
			is = 1
		}
		e.add(m, is, append(slices.Clip(labels), s)...)
	}
}

// show returns what is known now; nil without vendors.
func (c *Collector) show(now time.Time) *collectors.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.watched) == 0 {
		return nil
	}
	e := exposer{collectors.NewSnapshot(len(c.watched)*80, time.Time{})}
	for _, name := range slices.Sorted(maps.Keys(c.watched)) {
		w := c.watched[name]
		e.expected(c, w, now)
		e.vendor(c, w, now)
		if w.page != nil {
			e.page(w, now)
		}
	}
	for _, reason := range metric.ReadReasons {
		e.add(metric.VendorReadFailures, float64(c.failures[reason]), reason)
	}
	return e.Snapshot
}

func (e exposer) expected(c *Collector, w *watched, now time.Time) {
	e.add(metric.VendorInfo, 1, w.Name, w.Owner)
	for _, name := range w.Affects {
		if s, ok := c.policy.Service(name); ok {
			e.add(metric.VendorServiceInfo, 1, w.Name, name, s.Page)
		}
	}
	if !w.Promise.IsZero() {
		budget, _ := w.Promise.Budget().Float64()
		e.add(metric.VendorExpectedMonthDown, budget*monthLength(now, c.zone).Seconds(), w.Name)
	}
}

// vendor adds what is known over time.
func (e exposer) vendor(c *Collector, w *watched, now time.Time) {
	w.pass(now, c.stale(w), c.zone)
	e.states(metric.VendorState, w.State, w.Name)
	e.at(metric.VendorSince, w.Since, w.Name, w.State)
	e.at(metric.VendorOutageSince, w.Outage, w.Name)
	e.at(metric.VendorLastSuccess, w.Read, w.Name)
	month := w.month(now, c.zone)
	for _, s := range metric.VendorStates {
		e.add(metric.VendorStateSeconds, w.Total[s], w.Name, s)
		e.add(metric.VendorMonthSeconds, month[s], w.Name, s)
	}
	for i, result := range []string{metric.ResultSuccess, metric.ResultFailure} {
		e.add(metric.VendorReads, float64(w.reads[i]), w.Name, result)
	}
}

// page adds what the page has beside the state. What was read too long ago is unknown.
func (e exposer) page(w *watched, now time.Time) {
	stale := w.State == metric.VendorUnknown && now.Sub(w.Read) > staleAfter(w.Interval.Std())
	known := func(state string) string {
		if stale {
			return metric.VendorUnknown
		}
		return state
	}
	e.states(metric.VendorPageState, known(w.page.state), w.Name)
	for _, name := range w.Components {
		e.states(metric.VendorComponentState, known(w.page.componentState(name)), w.Name, name)
	}
	e.at(metric.VendorPageUpdated, w.page.updated, w.Name)
	if stale {
		return
	}
	for _, impact := range metric.VendorImpacts {
		count, oldest := 0, time.Time{}
		for _, i := range w.page.incidents {
			if i.Impact == impact {
				if count++; oldest.IsZero() || i.Began.Before(oldest) {
					oldest = i.Began
				}
			}
		}
		e.add(metric.VendorIncidents, float64(count), w.Name, impact)
		e.at(metric.VendorOldestIncident, oldest, w.Name, impact)
	}
	if m, ok := w.page.nextMaintenance(now); ok {
		e.at(metric.VendorMaintenanceBegin, m.Begin, w.Name)
		e.at(metric.VendorMaintenanceEnd, m.End, w.Name)
	}
}
