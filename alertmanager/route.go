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

// groupBy is what one page is about: what is broken and how urgent it is. Never by alert name: one outage seen by two alerts
// is one page. What concerns no service is grouped by the thing that it concerns: an alert that joins a page that somebody
// has acknowledged is an update to PagerDuty, which pages nobody.
var (
	groupBy      = slices.Concat([]string{metric.LabelEnvironment, metric.LabelAppService}, metric.SubjectLabels, []string{metric.LabelPriority})
	groupByLayer = []string{metric.LabelEnvironment, metric.LabelAppService, metric.LabelSubject, metric.LabelPriority, metric.LabelLayer}
	// groupByName is for alerts that are about no thing in particular.
	groupByName = []string{metric.LabelEnvironment, metric.LabelAlertname, metric.LabelPriority}
)

// ofNothing matches alerts that have none of the labels of groupBy that name a thing.
func ofNothing() []string {
	matchers := []string{matcher(metric.LabelAppService, "")}
	for _, name := range metric.SubjectLabels {
		matchers = append(matchers, matcher(name, ""))
	}
	return matchers
}

// tree is the whole route tree: the dead man's switch, the layers of the escalation, the owners beside whoever
// else is told, then one branch for each priority. Everything is picked by labels that every alert of the
// bundle has, so a new alert needs no route. Alerts of other bundles reach nobody here.
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
			r := branch(p, config.Priorities[0], channels, ours(matcher(metric.LabelLayer, layer)))
			r.GroupBy = groupByLayer
			routes = append(routes, r)
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
				r.Routes = append(r.Routes, byName(branch(p, priority, more, []string{priorityMatcher(priority)})))
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

// byName puts before the channels of a branch the same channels for what is about no thing in particular.
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

// priorityMatcher picks a priority. An alert whose priority is missing or unknown pages as the most urgent.
func priorityMatcher(priority string) string {
	if priority != config.Priorities[0] {
		return matcher(metric.LabelPriority, priority)
	}
	return fmt.Sprintf(`%s!~"%s"`, metric.LabelPriority, strings.Join(config.Priorities[1:], "|"))
}

func matcher(label, value string) string { return fmt.Sprintf("%s=%q", label, value) }
