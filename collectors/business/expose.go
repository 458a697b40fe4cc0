package business

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// exposer adds series to a snapshot.
type exposer struct{ *collectors.Snapshot }

// show returns what is known now; nil without a section.
func (c *Collector) show() *collectors.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.section == nil {
		return nil
	}
	now := c.now()
	e := exposer{collectors.NewSnapshot(16*(len(c.section.Transactions)+len(c.section.Figures)), c.created)}
	for _, t := range c.section.Transactions {
		e.transaction(t, c.shown.transactions[t.Name], now, c.zone)
	}
	for _, f := range c.section.Figures {
		e.figure(f)
		if f.Kind == config.FigureCounter {
			e.cells(f, c.shown.sums[f.Name])
		} else if a := c.figures[f.Name]; a != nil && now.Sub(c.queries[f.Name].succeeded) <= staleAfter*f.Interval.Std() {
			e.cells(f, a.values)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.queries)) {
		e.query(c.queries[name])
	}
	return e.Snapshot
}

func (e exposer) transaction(t *config.Transaction, c *counted, now time.Time, zone *time.Location) {
	e.Put(metric.TransactionInfo, 1, t.Name, t.AppService, t.Owner, t.Page, t.Currency)
	drop, _ := t.Drop.Rat().Float64()
	e.Put(metric.TransactionExpectedRatio, drop, t.Name, t.AppService)
	if !t.Asked() {
		return
	}
	if c == nil {
		c = newCounted()
	}
	for _, result := range metric.TransactionResults {
		e.Put(metric.Transactions, float64(c.Counts[result]), t.Name, t.AppService, result)
	}
	e.Put(metric.TransactionValue, c.Value, t.Name, t.AppService, t.Currency)
	e.Put(metric.TransactionsUsual, c.Usual, t.Name, t.AppService)
	if !c.Since.IsZero() {
		store := strconv.FormatInt(c.Since.Unix(), 36)
		e.Put(metric.TransactionShortfall, c.Shortfall, t.Name, t.AppService, t.Currency, store)
	}
	e.PutTime(metric.TransactionsCounted, c.Through, t.Name, t.AppService)
	_, weeks := c.Hours.usual(now, zone)
	e.Put(metric.TransactionWeeks, float64(weeks), t.Name, t.AppService)
	if c.mean > 0 {
		e.Put(metric.TransactionAverage, c.mean, t.Name, t.AppService, t.Currency)
	}
}

// figure adds what is expected of a figure.
func (e exposer) figure(f *config.Figure) {
	e.Put(metric.FigureInfo, 1, f.Name, f.Kind, f.AppService, f.Owner, f.Page)
	if f.MinimumValue != nil {
		e.Put(metric.FigureExpectedMinimum, *f.MinimumValue, f.Name)
	}
	if f.MaximumValue != nil {
		e.Put(metric.FigureExpectedMaximum, *f.MaximumValue, f.Name)
	}
}

func (e exposer) cells(f *config.Figure, values map[cell]float64) {
	for _, at := range slices.SortedFunc(maps.Keys(values), func(a, b cell) int {
		return strings.Compare(a.tenant+"\x00"+a.class, b.tenant+"\x00"+b.class)
	}) {
		e.Put(figureMetrics[f.Kind], values[at], f.Name, f.AppService, at.tenant, at.class)
	}
}

func (e exposer) query(q *query) {
	e.Put(metric.QueryExpectedInterval, q.interval.Seconds(), q.name)
	e.PutTime(metric.QueryLastSuccess, q.succeeded, q.name)
	for _, reason := range metric.QueryFailureReasons {
		e.Put(metric.QueryFailures, float64(q.failures[reason]), q.name, reason)
	}
	e.Put(metric.QueryFolded, float64(q.folded), q.name)
}
