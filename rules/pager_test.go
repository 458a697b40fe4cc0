package rules_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	amconfig "github.com/prometheus/alertmanager/config"
	amcommon "github.com/prometheus/alertmanager/config/common"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/labelset"
	"github.com/prometheus/alertmanager/provider"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/thorbis/thorbis_exporter/alertmanager"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// pager follows pages as Alertmanager sends them and PagerDuty groups them.
type pager struct {
	t     testing.TB
	rules []amcommon.InhibitRule
}

// sentPage is a page that was sent: P1 or P2.
type sentPage struct {
	at              int
	about, priority string
	alert           string
}

func newPager(t testing.TB) *pager {
	t.Helper()
	text, err := alertmanager.Build(ruletest.Policy(t))
	if err != nil {
		t.Fatal(err)
	}
	c, err := amconfig.Load(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return &pager{t, c.InhibitRules}
}

// pages returns the pages that come of what fired.
func (p *pager) pages(fired []ruletest.Firing) []sentPage {
	var moments []int
	for _, f := range fired {
		moments = append(moments, f.From, f.To)
	}
	slices.Sort(moments)
	var sent []sentPage
	open := map[string]bool{}
	for _, at := range slices.Compact(moments) {
		var now []ruletest.Firing
		for _, f := range fired {
			if f.From <= at && at < f.To {
				now = append(now, f)
			}
		}
		mutes := p.inhibitor(now)
		notified := map[string]bool{}
		for _, f := range now {
			if g := groupOf(f); (f.Priority == "P1" || f.Priority == "P2") && !mutes(f) {
				notified[g] = true
				if !open[g] {
					open[g] = true
					sent = append(sent, sentPage{at, g, f.Priority, f.Alert})
				}
			}
		}
		// A page is resolved by an alert that ends and that nothing hides, when it is the last.
		for _, f := range fired {
			if g := groupOf(f); f.To == at && !notified[g] && !mutes(f) {
				delete(open, g)
			}
		}
	}
	return sent
}

func groupOf(f ruletest.Firing) string {
	about := f.Labels.Get(metric.LabelAppService)
	if about == "" {
		set := map[string]string{}
		f.Labels.Range(func(l labels.Label) { set[l.Name] = l.Value })
		about = metric.Subject(set)
	}
	return about + " " + f.Priority
}

// inhibitor is Alertmanager's own, which knows that these alerts fire.
func (p *pager) inhibitor(now []ruletest.Firing) func(ruletest.Firing) bool {
	var alerts steady
	for _, f := range now {
		alerts = append(alerts, &alert.Alert{
			Alert: model.Alert{Labels: labelSetOf(f), StartsAt: time.Now().Add(-time.Minute), EndsAt: time.Now().Add(time.Hour)},
		})
	}
	ih := inhibit.NewInhibitor(alerts, p.rules, slog.New(slog.DiscardHandler), eventrecorder.NopRecorder())
	go ih.Run()
	ih.WaitForLoading()
	p.t.Cleanup(ih.Stop)
	return func(f ruletest.Firing) bool { return ih.Mutes(context.Background(), labelset.FromModel(labelSetOf(f))) }
}

func labelSetOf(f ruletest.Firing) model.LabelSet {
	set := model.LabelSet{}
	f.Labels.Range(func(l labels.Label) { set[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
	return set
}

// steady provides alerts that fire all the time.
type steady []*alert.Alert

func (s steady) Subscribe(string) provider.AlertIterator {
	return provider.NewAlertIterator(make(chan *provider.Alert), make(chan struct{}), nil)
}

func (s steady) SlurpAndSubscribe(name string) ([]*alert.Alert, provider.AlertIterator) {
	return s, s.Subscribe(name)
}
func (s steady) GetPending() provider.AlertIterator          { return nil }
func (s steady) Get(model.Fingerprint) (*alert.Alert, error) { return nil, provider.ErrNotFound }
func (s steady) Put(context.Context, ...*alert.Alert) error  { return nil }
