package dashboards

import (
	"fmt"
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// alerts selects what fires of the bundle. ALERTS is Prometheus' own.
func alerts(matchers ...string) string {
	return alertSeries("ALERTS", append([]string{`alertstate="firing"`}, matchers...)...)
}

func alertSeries(name string, matchers ...string) string {
	return name + "{" + strings.Join(append([]string{
		metric.LabelBundle + `="` + metric.BundleThorbis + `"`, pickedEnvironment,
	}, matchers...), ",") + "}"
}

// priorities matches alerts of some priorities.
func priorities(list string) string { return metric.LabelPriority + `=~"` + list + `"` }

// rulesLoaded has the value 0 while the rules of the bundle are evaluated: its watchdog fires. Without it, what counts
// alerts shows nothing instead of a 0 that was not counted.
func rulesLoaded() string {
	return "0 * count(" + alerts(metric.LabelAlertname+`="`+metric.WatchdogAlert.Name+`"`) + ")"
}

// openIncidents has the time at which each open incident began. While no exporter reads incidents, the alerts that fire
// stand for them.
func openIncidents(priority string) string {
	return fmt.Sprintf(`%[1]s or label_replace(max by (environment, alertname, app_service, priority, owner) `+
		`(%[2]s and ignoring (alertstate) %[3]s) unless on (environment) %[4]s, "alert", "$1", "alertname", "(.*)")`,
		inEnvironment(metric.IncidentOpen, priorities(priority)), alertSeries("ALERTS_FOR_STATE", priorities(priority)),
		alerts(priorities(priority)), inEnvironment(metric.IncidentsRead))
}

// stateIs selects the checks that are in a state, as all locations together see it. Every number and every list of
// checks and tenants that are down comes from this record, so that no two of them differ.
func stateIs(state string, matchers ...string) string {
	return pick(metric.CheckState, append([]string{fmt.Sprintf("%s=%q", metric.LabelState, state)}, matchers...)...)
}

const (
	ofTenants  = metric.LabelTenant + `!=""`
	ofServices = metric.LabelTenant + `=""`
)

// tenantsDown counts the tenants with a check that is down.
func tenantsDown() string {
	return fmt.Sprintf(`count(group by (environment, tenant) (%s)) or 0 * count(%s)`,
		stateIs(metric.StateDown, ofTenants), pick(metric.CheckState))
}

// availability matches the objective on failed requests.
const availability = metric.LabelSLO + `="` + metric.SLOAvailability + `"`
