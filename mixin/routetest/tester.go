package routetest

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/labelset"
	"github.com/prometheus/alertmanager/provider"
	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/common/model"

	"github.com/thorbis/thorbis_exporter/alertmanager/amconfig"
)

// Tester finds what becomes of alerts under one configuration, without a server.
type Tester struct {
	config    *config.Config
	route     *dispatch.Route
	intervals *timeinterval.Intervener
}

// NewTester reads a configuration as Alertmanager does.
func NewTester(text []byte) (*Tester, error) {
	c, err := amconfig.Load(text)
	if err != nil {
		return nil, err
	}
	intervals := map[string][]timeinterval.TimeInterval{}
	for _, i := range c.MuteTimeIntervals {
		intervals[i.Name] = i.TimeIntervals
	}
	for _, i := range c.TimeIntervals {
		intervals[i.Name] = i.TimeIntervals
	}
	return &Tester{
		config: c, route: dispatch.NewRoute(c.Route, nil), intervals: timeinterval.NewIntervener(intervals),
	}, nil
}

// Find returns what becomes of a test's alert, in the form of an expectation.
func (j *Tester) Find(t Test) (Expectation, error) {
	found := Expectation{GroupKeys: map[string]string{}}
	set := labelSet(t.Labels)
	for _, r := range j.route.Match(set) {
		found.Receivers = append(found.Receivers, r.RouteOpts.Receiver)
		found.GroupKeys[r.RouteOpts.Receiver] = groupKey(r, set)
		muted, err := j.muted(r, t.At)
		if err != nil {
			return found, err
		}
		if muted {
			found.Muted = append(found.Muted, r.RouteOpts.Receiver)
		}
	}
	found.Inhibited = j.inhibited(t)
	silences, err := t.silences()
	if err != nil {
		return found, err
	}
	for _, s := range silences {
		found.Silenced = found.Silenced || s.Matches(set)
	}
	return found, nil
}

// muted reports whether a time interval keeps a route quiet, as Alertmanager's own stages have it.
func (j *Tester) muted(r *dispatch.Route, at time.Time) (bool, error) {
	if at.IsZero() {
		return false, nil
	}
	if names := r.RouteOpts.MuteTimeIntervals; len(names) > 0 {
		if muted, _, err := j.intervals.Mutes(names, at); muted || err != nil {
			return muted, err
		}
	}
	if names := r.RouteOpts.ActiveTimeIntervals; len(names) > 0 {
		active, _, err := j.intervals.Mutes(names, at)
		return !active, err
	}
	return false, nil
}

func (j *Tester) inhibited(t Test) bool {
	if len(t.Firing) == 0 {
		return false
	}
	var sources firing
	for _, labels := range t.Firing {
		now := time.Now()
		sources = append(sources, &alert.Alert{
			Alert: model.Alert{Labels: labelSet(labels), StartsAt: now.Add(-time.Minute), EndsAt: now.Add(time.Hour)},
		})
	}
	i := inhibit.NewInhibitor(sources, j.config.InhibitRules, slog.New(slog.DiscardHandler), eventrecorder.NopRecorder())
	go i.Run()
	defer i.Stop()
	i.WaitForLoading()
	return i.Mutes(context.Background(), labelset.FromModel(labelSet(t.Labels)))
}

// groupKey is how Alertmanager names the group: its route and the labels that the route groups by.
func groupKey(r *dispatch.Route, set model.LabelSet) string {
	by := model.LabelSet{}
	for name, value := range set {
		if _, ok := r.RouteOpts.GroupBy[name]; ok || r.RouteOpts.GroupByAll {
			by[name] = value
		}
	}
	return fmt.Sprintf("%s:%s", r.Key(), by)
}

func labelSet(labels map[string]string) model.LabelSet {
	set := model.LabelSet{}
	for name, value := range labels {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	return set
}

// Failure is a test whose alert fares otherwise than expected.
type Failure struct {
	Line  int
	Name  string
	Wrong []string
}

// Run judges every test of a table.
func (j *Tester) Run(t *Table) ([]Failure, error) {
	var failures []Failure
	for _, test := range t.Tests {
		found, err := j.Find(test)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", test.line, test.Name, err)
		}
		if wrong := test.Expect.compare(found); len(wrong) > 0 {
			failures = append(failures, Failure{test.line, test.Name, wrong})
		}
	}
	return failures, nil
}

// compare says in sentences what is otherwise than expected.
func (e Expectation) compare(found Expectation) []string {
	var wrong []string
	if !slices.Equal(e.Receivers, found.Receivers) {
		wrong = append(wrong, fmt.Sprintf("the routes pick %v, want %v", found.Receivers, e.Receivers))
	}
	if !slices.Equal(e.Muted, found.Muted) {
		wrong = append(wrong, fmt.Sprintf("%v are muted at that time, want %v", found.Muted, e.Muted))
	}
	if e.Inhibited != found.Inhibited {
		wrong = append(wrong, fmt.Sprintf("inhibited is %t, want %t", found.Inhibited, e.Inhibited))
	}
	if e.Silenced != found.Silenced {
		wrong = append(wrong, fmt.Sprintf("silenced is %t, want %t", found.Silenced, e.Silenced))
	}
	for _, receiver := range slices.Sorted(maps.Keys(e.GroupKeys)) {
		if got, want := found.GroupKeys[receiver], e.GroupKeys[receiver]; got != want {
			wrong = append(wrong, fmt.Sprintf("%s is notified in group %s, want %s", receiver, got, want))
		}
	}
	return wrong
}

// firing provides alerts that fire for the whole test.
type firing []*alert.Alert

func (f firing) Subscribe(string) provider.AlertIterator {
	return provider.NewAlertIterator(make(chan *provider.Alert), make(chan struct{}), nil)
}

func (f firing) SlurpAndSubscribe(name string) ([]*alert.Alert, provider.AlertIterator) {
	return f, f.Subscribe(name)
}

func (f firing) GetPending() provider.AlertIterator { return f.Subscribe("") }

func (f firing) Get(model.Fingerprint) (*alert.Alert, error) { return nil, provider.ErrNotFound }

func (f firing) Put(context.Context, ...*alert.Alert) error { return nil }
