package vendor

import (
	"maps"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// exposer adds series to a snapshot.
type exposer struct{ *collectors.Snapshot }

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
		e.Put(metric.VendorReadFailures, float64(c.failures[reason]), reason)
	}
	return e.Snapshot
}

func (e exposer) expected(c *Collector, w *watched, now time.Time) {
	e.Put(metric.VendorInfo, 1, w.Name, w.Owner)
	for _, name := range w.Affects {
		if s, ok := c.policy.Service(name); ok {
			e.Put(metric.VendorServiceInfo, 1, w.Name, name, s.Page)
		}
	}
	if !w.Promise.IsZero() {
		budget, _ := w.Promise.Budget().Float64()
		e.Put(metric.VendorExpectedMonthDown, budget*monthLength(now, c.zone).Seconds(), w.Name)
	}
}

// vendor adds what is known over time.
func (e exposer) vendor(c *Collector, w *watched, now time.Time) {
	w.pass(now, c.stale(w), c.zone)
	e.PutStates(metric.VendorState, w.State, metric.VendorStates, w.Name)
	e.PutTime(metric.VendorSince, w.Since, w.Name, w.State)
	e.PutTime(metric.VendorOutageSince, w.Outage, w.Name)
	e.PutTime(metric.VendorLastSuccess, w.Read, w.Name)
	month := w.month(now, c.zone)
	for _, s := range metric.VendorStates {
		e.Put(metric.VendorStateSeconds, w.Total[s], w.Name, s)
		e.Put(metric.VendorMonthSeconds, month[s], w.Name, s)
	}
	for i, result := range []string{metric.ResultSuccess, metric.ResultFailure} {
		e.Put(metric.VendorReads, float64(w.reads[i]), w.Name, result)
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
	e.PutStates(metric.VendorPageState, known(w.page.state), metric.VendorStates, w.Name)
	for _, name := range w.Components {
		e.PutStates(metric.VendorComponentState, known(w.page.componentState(name)), metric.VendorStates, w.Name, name)
	}
	e.PutTime(metric.VendorPageUpdated, w.page.updated, w.Name)
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
		e.Put(metric.VendorIncidents, float64(count), w.Name, impact)
		e.PutTime(metric.VendorOldestIncident, oldest, w.Name, impact)
	}
	if m, ok := w.page.nextMaintenance(now); ok {
		e.PutTime(metric.VendorMaintenanceBegin, m.Begin, w.Name)
		e.PutTime(metric.VendorMaintenanceEnd, m.End, w.Name)
	}
}
