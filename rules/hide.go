package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// signal returns, for the rule of an alert that something hides, what is there while the hiding alert fires and for as long
// after as the rule would still see the trouble that is over. Alertmanager hides only while the other alert fires. It is empty
// if Alertmanager's hiding is enough.
type signal func(hidden Rule) string

// signals are those of the alerts in the table of package metric of which the rules know while they fire; what the others hide
// is left to Alertmanager.
var signals = map[*metric.Alert]signal{
	// Only a page that is as urgent stands for another.
	metric.CheckDownAlert: func(r Rule) string {
		return "max_over_time(" + metric.CheckDownOwned.Select(some(`tenant=""`, pageMatcher(r.Priority, r.Priority))...) + "[" + after(r) + "]) > 0"
	},
	metric.ManyTenantsDownAlert: func(Rule) string { return metric.TenantsStorm.Name },
	metric.SLOBurnAlert: func(r Rule) string {
		if !r.Alert.Burn { // a state that lasts beyond the burn, and would fire anew after it
			return ""
		}
		var terms []string
		for _, name := range burningUpTo(tierOf(r)) {
			terms = append(terms, "max_over_time("+name+"["+after(r)+"])")
		}
		return strings.Join(terms, " or on ("+levels["slo"]+") ")
	},
	// Locations and exporters are reported by states that outlast the page and would fire anew after it; a check of which
	// nothing is measured is neither silent nor unknown to the rules.
	metric.EnvironmentUnwatchedAlert: func(r Rule) string {
		if r.Alert != metric.ServiceUnwatchedAlert {
			return ""
		}
		return "max_over_time(" + metric.EnvironmentUnwatched.Name + "[" + after(r) + "]) <= " + strconv.Itoa(config.PriorityRank(r.Priority))
	},
	metric.ManyTenantsBurningAlert: func(Rule) string { return metric.TenantsBurningStorm.Name },
}

// some leaves empty matchers out.
func some(matchers ...string) []string {
	return slices.DeleteFunc(matchers, func(m string) bool { return m == "" })
}

// conditions are the alerts whose conditions leave out what a wider one has told of, with the record that they read for each
// of those: a burn goes on to be counted while it is hidden, the seconds of an outage are none of ThorbisUptimeBurn, and a
// check that is down is not counted as unknown.
var conditions = map[*metric.Alert]map[*metric.Alert]*metric.Record{
	metric.SLOBurnAlert:      {metric.CheckDownAlert: metric.SLOOutage},
	metric.UptimeBurnAlert:   {metric.CheckDownAlert: metric.CheckDown},
	metric.CheckUnknownAlert: {metric.CheckDownAlert: metric.CheckDown},
	metric.CheckSilentAlert:  {metric.CheckDownAlert: metric.CheckDown},
}

// hiding returns the records of what the table says that hides a burn at a pace: the alerts that its condition leaves out, then
// the faster paces of its own alert.
func hiding(a *metric.Alert, pace string, burning map[string]*metric.Record) []*metric.Record {
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

// hide adds to each alerting rule of a group what the table says that hides it.
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
				hidden.WriteString("\nunless on (" + join(h.Same...) + ") (" + there + ")")
			}
		}
		if hidden.Len() > 0 {
			r.Expr = "(\n" + r.Expr + "\n)" + hidden.String()
		}
	}
}

// tierOf returns the pace of a rule. What has none looks at the fast and medium pace.
func tierOf(r Rule) burnTier {
	for _, t := range requestTiers {
		if t.name == r.Labels[metric.LabelBurnTier] {
			return t
		}
	}
	return requestTiers[1]
}

// after is how long what a rule looks at lasts after the trouble is over. Tenants are probed less often than their service,
// so they come back later.
func after(r Rule) string {
	switch {
	case !r.Alert.Burn:
		return "5m"
	case r.Labels[metric.LabelBurnTier] == "":
		return settled("5m")
	}
	return settled(tierOf(r).short)
}
