package alertmanager

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// nullReceiver is a receiver without integrations: its alerts notify no one.
const nullReceiver = "null"

// groupBy lists the labels that the alerts of one page have in common: what is broken, and the priority. The alert
// name is not among them: two alerts on one outage are one page. Alerts without a service are grouped by their
// subject, such as a host. PagerDuty handles an alert that joins an acknowledged page as an update and pages no one,
// so each subject needs a page of its own.
var (
	groupBy = slices.Concat([]string{metric.LabelEnvironment, metric.LabelAppService}, metric.SubjectLabels,
		[]string{metric.LabelPriority})
	groupByLayer = []string{
		metric.LabelEnvironment, metric.LabelAppService, metric.LabelSubject, metric.LabelPriority, metric.LabelLayer,
	}
	// groupByName groups alerts that have neither a service nor a subject.
	groupByName = []string{metric.LabelEnvironment, metric.LabelAlertname, metric.LabelPriority}
)

// ofNothing returns matchers for alerts that have neither a service nor a subject.
func ofNothing() []string {
	matchers := []string{matcher(metric.LabelAppService, "")}
	for _, name := range metric.SubjectLabels {
		matchers = append(matchers, matcher(name, ""))
	}
	return matchers
}

// tree returns the whole route tree. Its routes are, in this order:
//   - the dead man's switch,
//   - the layers of the escalation,
//   - the owners, who are notified in addition to the channels of the priority,
//   - one route for each priority.
//
// Every alert of the bundle has the labels that the last routes match, so a new alert needs no route. Alerts of other
// bundles reach the null receiver.
func tree(p *config.Policy) route {
	root := route{Receiver: nullReceiver}
	root.Routes = append(root.Routes, watchdog(p))
	root.Routes = append(root.Routes, layers(p)...)
	root.Routes = append(root.Routes, owners(p)...)
	for _, priority := range config.Priorities {
		root.Routes = append(root.Routes, byName(branch(p, priority, p.Notify(priority), ours(priorityMatcher(priority)))))
	}
	return root
}

// watchdog returns the route of the Watchdog to the dead man's switch. Each Prometheus has a group of its own, sent
// every minute.
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

// layers returns the routes that notify the layers of an escalation, and no other channel: the channels of the
// priority have received the alert itself.
func layers(p *config.Policy) []route {
	var routes []route
	for _, layer := range config.Layers {
		if channels := p.LayerChannels(layer); len(channels) > 0 {
			r := branch(p, config.Priorities[0], channels, ours(matcher(metric.LabelLayer, layer)))
			r.GroupBy = groupByLayer
			routes = append(routes, r)
		}
	}
	return routes
}

// owners returns the routes that notify owners of alerts on what they own. They skip channels that the priority
// notifies anyway.
func owners(p *config.Policy) []route {
	var routes []route
	for _, owner := range slices.Sorted(maps.Keys(p.Owners)) {
		r := route{Matchers: ours(matcher(metric.LabelOwner, owner)), Receiver: nullReceiver, Continue: true}
		for _, priority := range config.Priorities {
			more := slices.DeleteFunc(slices.Clone(p.Owners[owner].Notify), func(name string) bool {
				return slices.Contains(p.Notify(priority), name)
			})
			if len(more) > 0 {
				r.Routes = append(r.Routes, byName(branch(p, priority, more, []string{priorityMatcher(priority)})))
			}
		}
		if len(r.Routes) > 0 {
			routes = append(routes, r)
		}
	}
	return routes
}

// branch returns a route that notifies channels at the pace of a priority.
func branch(p *config.Policy, priority string, channels, matchers []string) route {
	pace := config.PaceOf(priority)
	r := route{
		Matchers: matchers, Receiver: nullReceiver, GroupBy: groupBy,
		GroupWait: pace.Wait.String(), GroupInterval: pace.Interval.String(), RepeatInterval: pace.Repeat.String(),
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

// byName adds a first child route for alerts that have neither a service nor a subject. It notifies the channels of
// the branch, grouped by alert name.
func byName(r route) route {
	if len(r.Routes) > 0 {
		named := route{Matchers: ofNothing(), Receiver: nullReceiver, GroupBy: groupByName, Routes: r.Routes}
		r.Routes = append([]route{named}, r.Routes...)
	}
	return r
}

func ours(more string) []string {
	return []string{matcher(metric.LabelBundle, metric.BundleThorbis), more}
}

// priorityMatcher returns the matcher of a priority. An alert whose priority is missing or unknown pages as the most
// urgent.
func priorityMatcher(priority string) string {
	if priority != config.Priorities[0] {
		return matcher(metric.LabelPriority, priority)
	}
	return fmt.Sprintf(`%s!~"%s"`, metric.LabelPriority, strings.Join(config.Priorities[1:], "|"))
}

func matcher(label, value string) string { return fmt.Sprintf("%s=%q", label, value) }
