// Package drill pages for real: it fires alerts that are marked as a drill, chosen so that every channel of a policy is
// notified, waits until somebody acknowledges them, and ends them.
package drill

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/mixin/routetest"
)

// Alert is one alert of a drill and the channels that it notifies.
type Alert struct {
	Labels   map[string]string `json:"labels"`
	Channels []string          `json:"channels"`
}

// Plan is what a drill fires, and which channels it cannot reach now.
type Plan struct {
	Alerts []Alert `json:"alerts"`
	// Quiet are channels that a time interval keeps quiet now, and Unused those that no route leads to.
	Quiet  []string `json:"quiet"`
	Unused []string `json:"unused"`
}

// Channels are all that are notified.
func (p *Plan) Channels() []string {
	var all []string
	for _, a := range p.Alerts {
		all = append(all, a.Channels...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// New returns the fewest alerts, as far as choosing one after the other finds them, that notify every channel of a
// policy under an Alertmanager configuration at a time.
func New(p *config.Policy, tester *routetest.Tester, at time.Time) (*Plan, error) {
	wanted, quiet := map[string]bool{}, map[string]bool{}
	for name, c := range p.Channels {
		if name != config.Deadman && !c.None {
			wanted[name] = true
		}
	}
	var all []Alert
	for _, labels := range candidates(p) {
		found, err := tester.Find(routetest.Test{Labels: labels, At: at})
		if err != nil {
			return nil, err
		}
		a := Alert{Labels: labels}
		for _, r := range found.Receivers {
			switch {
			case !wanted[r]:
			case slices.Contains(found.Muted, r):
				quiet[r] = true
			default:
				a.Channels = append(a.Channels, r)
			}
		}
		slices.Sort(a.Channels)
		a.Channels = slices.Compact(a.Channels)
		all = append(all, a)
	}
	plan := &Plan{Alerts: []Alert{}, Quiet: []string{}, Unused: []string{}}
	for len(wanted) > 0 {
		best, most := -1, 0
		for i, a := range all {
			n := 0
			for _, c := range a.Channels {
				if wanted[c] {
					n++
				}
			}
			if n > most {
				best, most = i, n
			}
		}
		if best < 0 {
			break
		}
		for _, c := range all[best].Channels {
			delete(wanted, c)
		}
		plan.Alerts = append(plan.Alerts, all[best])
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if quiet[name] {
			plan.Quiet = append(plan.Quiet, name)
		} else {
			plan.Unused = append(plan.Unused, name)
		}
	}
	return plan, nil
}

// candidates are the label sets that a drill may fire: each priority with each owner, and each layer of the escalation.
func candidates(p *config.Policy) []map[string]string {
	owners := map[string]string{metric.OwnerPlatform: ""} // and a service of it
	for name := range p.Owners {
		owners[name] = ""
	}
	for _, s := range p.Services {
		if owners[s.Owner] == "" {
			owners[s.Owner] = s.Name
		}
	}
	var all []map[string]string
	for _, priority := range config.Priorities {
		for _, owner := range slices.Sorted(maps.Keys(owners)) {
			all = append(all, labelsOf(p, priority, owner, owners[owner], ""))
		}
	}
	for _, layer := range config.Layers {
		all = append(all, labelsOf(p, config.Priorities[0], metric.OwnerPlatform, "", layer))
	}
	return all
}

func labelsOf(p *config.Policy, priority, owner, service, layer string) map[string]string {
	labels := map[string]string{
		metric.LabelAlertname: metric.DrillAlertName, metric.LabelBundle: metric.BundleThorbis,
		metric.LabelEnvironment: p.Environment, metric.LabelPriority: priority,
		metric.LabelSeverity: metric.Severities[priority], metric.LabelOwner: owner, metric.LabelDrill: metric.DrillTrue,
		metric.LabelAppService: service, metric.LabelLayer: layer,
	}
	maps.DeleteFunc(labels, func(_, value string) bool { return value == "" })
	return labels
}

// String returns the plan as it is shown before anything is fired.
func (p *Plan) String() string {
	var b strings.Builder
	for _, a := range p.Alerts {
		who := "owner " + a.Labels[metric.LabelOwner]
		if layer := a.Labels[metric.LabelLayer]; layer != "" {
			who = "layer " + layer
		}
		fmt.Fprintf(&b, "%s, %s: %s\n", a.Labels[metric.LabelPriority], who, strings.Join(a.Channels, ", "))
	}
	if len(p.Quiet) > 0 {
		fmt.Fprintf(&b, "quiet at this hour: %s\n", strings.Join(p.Quiet, ", "))
	}
	if len(p.Unused) > 0 {
		fmt.Fprintf(&b, "no route leads to: %s\n", strings.Join(p.Unused, ", "))
	}
	return b.String()
}
