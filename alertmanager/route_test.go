package alertmanager

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/common/model"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
)

// notified maps a priority to the receivers that it notifies under the test policy, in order.
var notified = map[string][]string{
	"P1": {"pagerduty", "critical", "sms"},
	"P2": {"pagerduty", "critical"},
	"P3": {"general", "mail", "teams", "tickets"},
	"P4": {"tickets"},
	"":   {"deadman"}, // the Watchdog
}

// toldNext maps a layer of the escalation to the receivers that it notifies.
var toldNext = map[string][]string{
	"secondary": {"secondary"},
	"manager":   {"manager-sms"},
	"everyone":  {"pagerduty", "critical", "teams"},
}

func receivers(r *dispatch.Route, set model.LabelSet) []string {
	var names []string
	for _, m := range r.Match(set) {
		names = append(names, m.RouteOpts.Receiver)
	}
	return names
}

// TestRoutes checks that every alert of the bundle reaches exactly the receivers that the policy names.
func TestRoutes(t *testing.T) {
	p := testPolicy(t)
	tree := dispatch.NewRoute(build(t, p).Route, nil)
	seen, heard := map[string]bool{}, map[string]bool{}
	expect := func(a rules.Alert, more map[string]string, want ...string) {
		t.Helper()
		labels := map[string]string{"environment": "production", "app_service": "web"}
		maps.Copy(labels, more)
		got := receivers(tree, alertLabels(a, labels))
		if !slices.Equal(got, want) {
			t.Errorf("%s at %q with %v reaches %v, want %v", a.Name, a.Priority, more, got, want)
		}
		for _, name := range got {
			heard[name] = true
		}
	}
	for _, a := range testAlerts(t, p) {
		seen[a.Name] = true
		expect(a, nil, notified[a.Priority]...)
		switch a.Name {
		case metric.WatchdogAlert.Name:
			expect(a, map[string]string{"owner": "secops"}, notified[""]...)
		case metric.UnacknowledgedAlert.Name:
			for layer, want := range toldNext {
				expect(a, map[string]string{"layer": layer}, want...)
				expect(a, map[string]string{"layer": layer, "owner": "secops"}, want...)
			}
			expect(a, map[string]string{"layer": "unheard-of"}, notified[a.Priority]...)
		default:
			// Alerts owned by secops also notify the channels of secops, and no receiver twice.
			more := []string{"security"}
			if !slices.Contains(notified[a.Priority], "critical") {
				more = append(more, "critical")
			}
			expect(a, map[string]string{"owner": "secops"}, append(more, notified[a.Priority]...)...)
		}
	}
	for _, a := range metric.Alerts() {
		if !seen[a.Name] {
			t.Errorf("%s is declared in metric and in no rule of alertmanager/testdata/policy.yaml: "+
				"write what makes its rule into that policy, and its route is tested", a.Name)
		}
	}
	for name := range p.Channels {
		if !heard[name] {
			t.Errorf("channel %s hears of nothing", name)
		}
	}
}

func TestRouteEdges(t *testing.T) {
	tree := dispatch.NewRoute(build(t, testPolicy(t)).Route, nil)
	for _, c := range []struct {
		name   string
		labels map[string]string
		want   []string
	}{
		{"no priority pages", map[string]string{"alertname": "ThorbisCheckDown", "bundle": "thorbis"}, notified["P1"]},
		{
			"unknown priority pages",
			map[string]string{"alertname": "ThorbisCheckDown", "bundle": "thorbis", "priority": "P9"},
			notified["P1"],
		},
		{"other bundles are not ours", map[string]string{"alertname": "NodeDown", "priority": "P1"}, []string{nullReceiver}},
		{"another Watchdog is not ours", map[string]string{"alertname": "ThorbisWatchdog"}, []string{nullReceiver}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := receivers(tree, labelSet(c.labels)); !slices.Equal(got, c.want) {
				t.Errorf("receivers %v, want %v", got, c.want)
			}
		})
	}
}

func TestNoDeadman(t *testing.T) {
	p := testPolicy(t)
	p.Channels[config.Deadman] = &config.Channel{None: true}
	tree := dispatch.NewRoute(build(t, p).Route, nil)
	watchdog := labelSet(map[string]string{"alertname": "ThorbisWatchdog", "bundle": "thorbis"})
	if got := receivers(tree, watchdog); !slices.Equal(got, []string{nullReceiver}) {
		t.Errorf("receivers %v", got)
	}
}

// TestPace checks the design's grouping and timing of every route in which an alert can end.
func TestPace(t *testing.T) {
	c := build(t, testPolicy(t))
	tree := dispatch.NewRoute(c.Route, nil)
	retention := 120 * time.Hour
	tree.Walk(func(r *dispatch.Route) {
		if len(r.Routes) > 0 {
			return
		}
		o := r.RouteOpts
		if o.RepeatInterval >= retention {
			t.Errorf("%s repeats after %s; the notification log forgets after %s", r.Key(), o.RepeatInterval, retention)
		}
		if o.Receiver == config.Deadman {
			if !o.GroupByAll || o.GroupWait != 0 || o.GroupInterval != time.Minute || o.RepeatInterval != time.Minute {
				t.Errorf("the Watchdog's route is %s", o.String())
			}
			return
		}
		var by []string
		for name := range o.GroupBy {
			by = append(by, string(name))
		}
		slices.Sort(by)
		want := []string{
			"app_service", "backup", "environment", "host", "integration", "location", "priority", "procedure",
			"server",
		}
		switch {
		case strings.Contains(r.Key(), `layer="`):
			want = []string{"app_service", "environment", "layer", "priority", "subject"}
		case strings.Contains(r.Key(), `app_service=""`): // neither a service nor a subject
			want = []string{"alertname", "environment", "priority"}
		}
		if !slices.Equal(by, want) || o.GroupByAll {
			t.Errorf("%s groups by %v, want %v", r.Key(), by, want)
		}
		pages := strings.Contains(r.Key(), `P2|P3|P4`) || strings.Contains(r.Key(), `priority="P2"`) ||
			strings.Contains(r.Key(), `layer="`)
		if wait, interval := o.GroupWait, o.GroupInterval; pages && (wait != 5*time.Second || interval != time.Minute) ||
			!pages && (wait != 30*time.Second || interval != 5*time.Minute) {
			t.Errorf("%s waits %s, then %s", r.Key(), wait, interval)
		}
	})
}

// TestHours checks which channels keep business hours: only those without state.
func TestHours(t *testing.T) {
	c := build(t, testPolicy(t))
	tree := dispatch.NewRoute(c.Route, nil)
	var keep []string
	tree.Walk(func(r *dispatch.Route) {
		if len(r.RouteOpts.MuteTimeIntervals) > 0 {
			t.Errorf("%s is muted", r.Key())
		}
		if len(r.RouteOpts.ActiveTimeIntervals) > 0 {
			keep = append(keep, r.RouteOpts.Receiver)
		}
	})
	slices.Sort(keep)
	if !slices.Equal(slices.Compact(keep), []string{"critical", "general", "mail", "security", "teams"}) {
		t.Errorf("%v keep business hours", keep)
	}
	hours := c.TimeIntervals[0].TimeIntervals[0]
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []struct {
		time string
		open bool
	}{
		{"2026-03-02 08:59", false},
		{"2026-03-02 09:00", true},
		{"2026-03-02 17:59", true},
		{"2026-03-02 18:00", false},
		{"2026-03-07 12:00", false}, // a Saturday
		{"2026-03-30 09:00", true},  // the day after the clocks went forward
	} {
		when, err := time.ParseInLocation("2006-01-02 15:04", at.time, berlin)
		if err != nil {
			t.Fatal(err)
		}
		if got := hours.ContainsTime(when.UTC()); got != at.open {
			t.Errorf("open at %s: %t", at.time, got)
		}
	}
}

// TestSendResolved checks that every receiver sets send_resolved explicitly.
func TestSendResolved(t *testing.T) {
	text, err := Build(testPolicy(t))
	if err != nil {
		t.Fatal(err)
	}
	if said, receivers := strings.Count(string(text), "send_resolved:"), len(testPolicy(t).Channels); said != receivers {
		t.Errorf("send_resolved is said %d times for %d receivers", said, receivers)
	}
	if strings.Count(string(text), "send_resolved: false") != 1 {
		t.Error("only the dead man's switch hears of no resolves")
	}
}
