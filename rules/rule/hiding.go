package rule

import (
	"slices"
	"strconv"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// signal returns an expression for the rule of a hidden alert. It has series while the hiding alert fires, and
// afterwards until the hidden rule no longer sees the problem. Alertmanager inhibits only while the hiding alert
// fires. The expression is empty where that is enough.
type signal func(hidden Rule) string

// signals maps hiding alerts of metric's table to their signals, where the rules can read whether the alert fires. All
// other hiding is left to Alertmanager.
var signals = map[*metric.Alert]signal{
	// Only a page of at least the same urgency replaces another.
	metric.CheckDownAlert: func(r Rule) string {
		return "max_over_time(" + metric.CheckDownOwned.Select(some(`tenant=""`, PageMatcher(r.Priority, r.Priority))...) +
			"[" + after(r) + "]) > 0"
	},
	metric.ManyTenantsDownAlert: func(Rule) string { return metric.ManyTenantsDown.Name },
	metric.SLOBurnAlert: func(r Rule) string {
		if !r.Alert.Burn { // its state outlasts the burn and would fire again after it
			return ""
		}
		return "last_over_time(" + AnyOf(burningUpTo(tierOf(r))) + "[" + after(r) + "])"
	},
	// Alerts on locations and exporters outlast the page and would fire again after it. A check without measurements
	// is neither silent nor unknown to the rules. Requests are not counted either if the same exporter reads their logs.
	metric.EnvironmentUnwatchedAlert: func(r Rule) string {
		if r.Alert != metric.ServiceUnwatchedAlert && r.Alert != metric.TrafficVanishedAlert {
			return ""
		}
		return "max_over_time(" + metric.EnvironmentUnwatched.Name + "[" + after(r) + "]) <= " +
			strconv.Itoa(config.PriorityRank(r.Priority))
	},
	metric.ManyTenantsBurningAlert: func(Rule) string { return metric.ManyTenantsBurning.Name },
}

// some returns the matchers that are not empty.
func some(matchers ...string) []string {
	return slices.DeleteFunc(matchers, func(m string) bool { return m == "" })
}

// conditions lists the alerts whose own conditions leave out what a wider alert reports, with the record that they
// read for it. A hidden burn is still counted. The seconds of an outage are not part of ThorbisUptimeBurn. A check
// that is down does not count as unknown.
var conditions = map[*metric.Alert]map[*metric.Alert]*metric.Record{
	metric.SLOBurnAlert:      {metric.CheckDownAlert: metric.SLOOutage},
	metric.UptimeBurnAlert:   {metric.CheckDownAlert: metric.CheckDown},
	metric.CheckUnknownAlert: {metric.CheckDownAlert: metric.CheckDown},
	metric.CheckSilentAlert:  {metric.CheckDownAlert: metric.CheckDown},
}

// HidingRecords returns the records that hide a burn at a pace. The first are those of the alerts that its condition
// leaves out, the others those of the faster paces of its own alert.
func HidingRecords(a *metric.Alert, pace string, burning map[string]*metric.Record) []*metric.Record {
	var all []*metric.Record
	for _, h := range metric.HiddenBy(a) {
		if r := conditions[a][h.Source]; r != nil {
			all = append(all, r)
		}
	}
	for _, faster := range metric.FasterPaces(pace) {
		all = append(all, burning[faster])
	}
	return all
}

// hide adds to each alerting rule of a group the signals of the alerts that hide it.
func hide(g Group) {
	for i := range g.Rules {
		r := &g.Rules[i]
		if r.Alert == nil || conditions[r.Alert] != nil {
			continue
		}
		var hidden strings.Builder
		for _, h := range metric.HiddenBy(r.Alert) {
			signal, ok := signals[h.Source]
			if !ok {
				continue
			}
			if there := signal(*r); there != "" {
				hidden.WriteString("\nunless on (" + Join(h.Same...) + ") (" + there + ")")
			}
		}
		if hidden.Len() > 0 {
			r.Expr = "(\n" + r.Expr + "\n)" + hidden.String()
		}
	}
}

// tierOf returns the burn tier of a rule, medium for a rule that has none.
func tierOf(r Rule) BurnTier {
	for _, t := range RequestTiers {
		if t.Name == r.Labels[metric.LabelBurnTier] {
			return t
		}
	}
	return RequestTiers[1]
}

// Settled returns how long the last events of a problem can stay in a window of the given length: the window plus
// arrival.
func Settled(short string) string { return Span(Window(short) + arrival) }

// burningUpTo returns the records of services that burn at a tier's pace or faster.
func burningUpTo(t BurnTier) []*metric.Record {
	var all []*metric.Record
	for _, r := range RequestTiers {
		all = append(all, metric.SLOBurning[r.Name])
		if r.Name == t.Name {
			break
		}
	}
	return all
}

// after returns how long a rule still sees a problem that is over. Tenants are probed less often than their service,
// so they recover later.
func after(r Rule) string {
	switch {
	case !r.Alert.Burn:
		return "5m"
	case r.Labels[metric.LabelBurnTier] == "":
		return Settled("5m")
	}
	return Settled(tierOf(r).Short)
}
