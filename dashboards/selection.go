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

// openIncidents has the time at which each open incident began, and each alert that is in no exporter's list of them.
func openIncidents(priority string) string { return incidentsSince(metric.IncidentOpen, priority) }

// waitingIncidents has the time since which each open incident has waited for an acknowledgement, and each alert that
// is in no exporter's list of them.
func waitingIncidents(priority string) string {
	return incidentsSince(metric.IncidentWaiting, priority)
}

func incidentsSince(listed *metric.Record, priority string) string {
	return fmt.Sprintf(`%s or %s`, inEnvironment(listed, priorities(priority)),
		unlisted(fmt.Sprintf(`max by (environment, alertname, app_service, priority, owner) `+
			`(%s and ignoring (alertstate) %s)`, alertSeries("ALERTS_FOR_STATE", priorities(priority), incidentAlerts),
			alerts(priorities(priority), incidentAlerts))))
}

// incidentAlerts matches the alerts that begin an incident: those on incidents begin none.
var incidentAlerts = func() string {
	var names []string
	for _, a := range metric.EscalationAlerts() {
		names = append(names, a.Name)
	}
	return metric.LabelAlertname + `!~"` + strings.Join(names, "|") + `"`
}()

// unlisted leaves of alerts, renamed as incidents are, those that are in no exporter's list of incidents. It lists an
// alert within two minutes of its firing. What fires for longer and is not listed is inhibited by its cause, or
// silenced. While no exporter reads incidents, nothing is known of that.
func unlisted(alerts string) string {
	return fmt.Sprintf(`label_replace(%[1]s, "alert", "$1", "alertname", "(.*)") unless on (%[2]s) (%[3]s or `+
		`(%[4]s offset 2m and on (environment) %[5]s))`, alerts, "environment, alert, app_service, priority",
		inEnvironment(metric.IncidentOpen), inEnvironment(metric.AlertsFiring), inEnvironment(metric.IncidentsRead))
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
