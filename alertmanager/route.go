package alertmanager

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// nullReceiver tells nobody.
const nullReceiver = "null"

// pace is how soon and how often one group of alerts is told of.
type pace struct {
	wait, interval, repeat string
}

// paces by priority. What wakes people waits only as long as alerts of one outage need to gather; every
// repeat is shorter than the notification log's retention of 120 h, beyond which it would be void.
var paces = map[string]pace{
	"P1": {"5s", "1m", "1h"},
	"P2": {"5s", "1m", "4h"},
	"P3": {"30s", "5m", "1d"},
	"P4": {"30s", "5m", "4d"},
}

// groupBy is what one page is about: what is broken, how urgent it is, and for whom where it escalates. Never by
// alert name: one outage seen by two alerts is one page.
var groupBy = []string{metric.LabelEnvironment, metric.LabelAppService, metric.LabelPriority, metric.LabelLayer}

// tree is the whole route tree: the dead man's switch, the layers of the escalation, the owners beside whoever
// else is told, then one branch for each priority. Everything is picked by labels that every alert of the
// bundle has, so a new alert needs no route. Alerts of other bundles reach nobody here.
func tree(p *config.Policy) route {
	root := route{Receiver: nullReceiver}
	root.Routes = append(root.Routes, watchdog(p))
	root.Routes = append(root.Routes, layers(p)...)
	root.Routes = append(root.Routes, owners(p)...)
	for _, priority := range config.Priorities {
		root.Routes = append(root.Routes, branch(p, priority, p.Notify(priority), ours(priorityMatcher(priority))))
	}
	return root
}

// watchdog sends every Prometheus' own Watchdog each minute, none held back for another's.
func watchdog(p *config.Policy) route {
	to := nullReceiver
	if c, ok := p.Channels[config.Deadman]; ok && !c.None {
		to = config.Deadman
	}
	return route{
		Matchers: ours(matcher(metric.LabelAlertname, metric.WatchdogAlert.Name)),
		Receiver: to,
		GroupBy:  []string{"..."}, GroupWait: "0s", GroupInterval: "1m", RepeatInterval: "1m",
	}
}

// layers tell those who come next, and only them: whoever was told first has been.
func layers(p *config.Policy) []route {
	var routes []route
	for _, layer := range config.Layers {
		if channels := p.LayerChannels(layer); len(channels) > 0 {
			routes = append(routes, branch(p, config.Priorities[0], channels, ours(matcher(metric.LabelLayer, layer))))
		}
	}
	return routes
}

// owners tell teams of what they own, through the channels that do not hear of it anyway.
func owners(p *config.Policy) []route {
	var routes []route
	for _, owner := range slices.Sorted(maps.Keys(p.Owners)) {
		r := route{Matchers: ours(matcher(metric.LabelOwner, owner)), Receiver: nullReceiver, Continue: true}
		for _, priority := range config.Priorities {
			more := slices.DeleteFunc(slices.Clone(p.Owners[owner].Notify), func(name string) bool {
				return slices.Contains(p.Notify(priority), name)
			})
			if len(more) > 0 {
				r.Routes = append(r.Routes, branch(p, priority, more, []string{priorityMatcher(priority)}))
			}
		}
		if len(r.Routes) > 0 {
			routes = append(routes, r)
		}
	}
	return routes
}

// branch tells channels at the pace of a priority.
func branch(p *config.Policy, priority string, channels, matchers []string) route {
	pace := paces[priority]
	r := route{
		Matchers: matchers, Receiver: nullReceiver, GroupBy: groupBy,
		GroupWait: pace.wait, GroupInterval: pace.interval, RepeatInterval: pace.repeat,
	}
	settings := p.Priorities[priority]
	for i, name := range channels {
		leaf := route{Receiver: name, Continue: i < len(channels)-1}
		if settings != nil && settings.BusinessHours && keepsHours(p.Channels[name]) {
			leaf.ActiveTimeIntervals = []string{businessHours}
		}
		r.Routes = append(r.Routes, leaf)
	}
	return r
}

func ours(more string) []string {
	return []string{matcher(metric.LabelBundle, metric.BundleThorbis), more}
}

// priorityMatcher picks a priority. An alert whose priority is missing or unknown pages as the most urgent.
func priorityMatcher(priority string) string {
	if priority != config.Priorities[0] {
		return matcher(metric.LabelPriority, priority)
	}
	return fmt.Sprintf(`%s!~"%s"`, metric.LabelPriority, strings.Join(config.Priorities[1:], "|"))
}

func matcher(label, value string) string { return fmt.Sprintf("%s=%q", label, value) }
