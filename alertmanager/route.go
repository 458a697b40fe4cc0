package alertmanager

import (
	"fmt"
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

// tree is the whole route tree: the dead man's switch first, then one branch for each priority. Alerts of
// other bundles reach nobody here; whoever has some puts this tree under their own.
func tree(p *config.Policy) route {
	root := route{Receiver: nullReceiver, Routes: []route{watchdog(p)}}
	for _, priority := range config.Priorities {
		root.Routes = append(root.Routes, branch(p, priority))
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
		Matchers: []string{
			matcher(metric.LabelBundle, metric.BundleThorbis),
			matcher(metric.LabelAlertname, metric.WatchdogAlert.Name),
		},
		Receiver: to,
		GroupBy:  []string{"..."}, GroupWait: "0s", GroupInterval: "1m", RepeatInterval: "1m",
	}
}

// branch tells every channel of a priority. Alerts are grouped by what is broken and how urgent it is,
// never by alert name: one outage seen by two alerts is one page.
func branch(p *config.Policy, priority string) route {
	pace := paces[priority]
	r := route{
		Matchers:  []string{matcher(metric.LabelBundle, metric.BundleThorbis), priorityMatcher(priority)},
		Receiver:  nullReceiver,
		GroupBy:   []string{metric.LabelEnvironment, metric.LabelAppService, metric.LabelPriority},
		GroupWait: pace.wait, GroupInterval: pace.interval, RepeatInterval: pace.repeat,
	}
	settings, ok := p.Priorities[priority]
	if !ok {
		return r
	}
	for i, name := range settings.Notify {
		c := p.Channels[name]
		if c == nil || c.None {
			continue
		}
		leaf := route{Receiver: name, Continue: i < len(settings.Notify)-1}
		if settings.BusinessHours && !holdsState(c) {
			leaf.ActiveTimeIntervals = []string{businessHours}
		}
		r.Routes = append(r.Routes, leaf)
	}
	return r
}

// priorityMatcher picks a priority. An alert whose priority is missing or unknown pages as the most urgent.
func priorityMatcher(priority string) string {
	if priority != config.Priorities[0] {
		return matcher(metric.LabelPriority, priority)
	}
	return fmt.Sprintf(`%s!~"%s"`, metric.LabelPriority, strings.Join(config.Priorities[1:], "|"))
}

func matcher(label, value string) string { return fmt.Sprintf("%s=%q", label, value) }
