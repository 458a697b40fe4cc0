package ruletest

import (
	"context"
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Firing is an interval in which one alert fired.
type Firing struct {
	Alert    string
	Priority string
	Tier     string // burn tier
	Labels   labels.Labels
	From, To int // seconds; to is the first evaluation without it
}

func (f Firing) String() string {
	return fmt.Sprintf("%s/%s%s [%d, %d)", f.Alert, f.Priority, f.Tier, f.From, f.To)
}

func (w *World) note(t int, alert string, ls labels.Labels, seen map[string]map[string]bool) {
	name := ls.Get(metric.LabelEnvironment)
	if seen[name] == nil {
		seen[name] = map[string]bool{}
	}
	if w.open[name] == nil {
		w.open[name] = map[string]*Firing{}
	}
	key := ls.String()
	seen[name][key] = true
	if w.open[name][key] == nil {
		w.open[name][key] = &Firing{
			Alert: alert, Priority: ls.Get(metric.LabelPriority), Tier: ls.Get(metric.LabelBurnTier),
			Labels: ls, From: t, To: 1 << 30,
		}
	}
}

// Fired returns what fired in a scenario so far, oldest first: the alerts of the given names, or all
// but the one that always does.
func (w *World) Fired(name string, only ...string) []Firing {
	all := slices.Clone(w.history[name])
	for _, f := range w.open[name] {
		all = append(all, *f)
	}
	all = slices.DeleteFunc(all, func(f Firing) bool {
		if len(only) == 0 {
			// No exporter of these worlds follows incidents, so escalation is blind in all of them. None has the
			// series of the policy's own objectives.
			return f.Alert == metric.WatchdogAlert.Name || f.Alert == metric.EscalationBlindAlert.Name ||
				f.Alert == metric.ObjectiveUnmeasuredAlert.Name
		}
		return !slices.Contains(only, f.Alert)
	})
	slices.SortFunc(all, func(a, b Firing) int {
		if a.From != b.From {
			return a.From - b.From
		}
		if a.Alert < b.Alert {
			return -1
		}
		return 1
	})
	return all
}

// Value returns the single value of a query in a scenario at second t, and whether there is one.
func (w *World) Value(t int, query string) (float64, bool) {
	w.t.Helper()
	q, err := w.Engine.NewInstantQuery(context.Background(), w.Store, nil, query, At(t))
	if err != nil {
		w.t.Fatal(err)
	}
	defer q.Close()
	v, err := q.Exec(context.Background()).Vector()
	if err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	switch len(v) {
	case 0:
		return 0, false
	case 1:
		return v[0].F, true
	}
	w.t.Fatalf("%s has %d values", query, len(v))
	return 0, false
}

// ValuesOf returns the values of a query by their labels.
func (w *World) ValuesOf(t int, query string) map[string]float64 {
	w.t.Helper()
	q, err := w.Engine.NewInstantQuery(context.Background(), w.Store, nil, query, At(t))
	if err != nil {
		w.t.Fatal(err)
	}
	defer q.Close()
	v, err := q.Exec(context.Background()).Vector()
	if err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	found := map[string]float64{}
	for _, s := range v {
		found[s.Metric.String()] = s.F
	}
	return found
}
