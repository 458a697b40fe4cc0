package dashboards

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// overview answers on one screen of 1920x1080 whether anything is wrong, for whom, how bad, since when, and whether
// somebody has taken it.
func overview(p *config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.OverviewDashboard, title: "Overview",
		about: "Is anything wrong, for whom, how bad, since when, and has somebody taken it? Every figure leads to the " +
			"dashboard that shows more.",
		refresh: "30s",
		variables: []cog.Builder[dashboard.VariableModel]{
			environmentVariable(metric.CheckExpected),
			serviceVariable(metric.ServiceExpected),
		},
	}.builder()
	place(b, headline(), openByPriority(), notAcknowledged(), slaThisMonth(p), tenantsInTroubleCount(), pagingPath())
	place(b, whatIsWrong(), tenantsInTrouble())
	place(b, servicesTable(p))
	place(b, servicesOverTime(), deploymentsNow(), vendorsNow(), securityNow(), businessNow())
	place(b, machinesTable(), databasesTable(), backupsTable(), watchersTable())
	return b
}

func headline() panel {
	any := func(value int, expr string) string { return fmt.Sprintf("%d * (count(%s) > bool 0)", value, expr) }
	expr := strings.Join([]string{
		any(4, alerts(priorities("P1"))), any(3, alerts(priorities("P2"))),
		any(2, stateIs(metric.StateDown)), any(1, alerts(priorities("P3|P4"))), rulesLoaded(),
	}, " or ")
	return number(words{
		title: "Now", unit: units.NoUnit, empty: "no evaluation of rules yet",
		about: "The most urgent of what is wrong: an alert that pages, a check that is down and does not page yet, or a " +
			"ticket.",
		whenRed: "The table below says what it is, for whom, since when, and whether somebody has it. If not, " +
			"acknowledge it and open its runbook.",
	}, 4, expr, "now", steps(grey)).
		Mappings(texts(text{0, "All is well", green}, text{1, "Tickets open", blue}, text{2, "Checks are down", yellow},
			text{3, "P2 is open", orange}, text{4, "P1 is open", red})).
		DataLinks(more(metric.IncidentDashboard))
}

// openCount counts open incidents of some priorities, those beyond the exporters' lists included, and the alerts that
// fire and are in no exporter's list yet.
func openCount(priority, states string) string {
	return fmt.Sprintf(`sum((sum by (environment) (max by (environment, priority, state) (%[1]s)) `+
		`and on (environment) %[2]s) or label_replace(count by (environment) (%[3]s), "not", "listed", "", "")) or %[4]s`,
		inEnvironment(metric.IncidentsOpen, priorities(priority), metric.LabelState+`=~"`+states+`"`),
		inEnvironment(metric.IncidentsRead), unlisted(alerts(priorities(priority), incidentAlerts)), rulesLoaded())
}

const openStates = metric.IncidentUnacknowledged + "|" + metric.IncidentAcknowledged

func openByPriority() panel {
	b := numbers(words{
		title: "Open incidents", unit: units.Short, empty: "no evaluation of rules yet",
		about: "Incidents that are open, by priority. While no exporter reads Alertmanager, the alerts that fire.",
		whenRed: "A P1 must be answered within minutes: acknowledge it, then follow the runbook that its page links. " +
			"Orange is a P2, yellow a P3; blue waits for working hours.",
	}, 5, steps(green),
		query("A", openCount("P1", openStates), "P1"), query("B", openCount("P2", openStates), "P2"),
		query("C", openCount("P3", openStates), "P3"), query("D", openCount("P4", openStates), "P4"),
	).DataLinks(more(metric.IncidentDashboard))
	for _, priority := range sortedKeys(priorityColours) {
		b.OverrideByName(priority, []dashboard.DynamicConfigValue{{Id: "thresholds", Value: dashboard.ThresholdsConfig{
			Mode: dashboard.ThresholdsModeAbsolute, Steps: atLeast(1, priorityColours[priority]),
		}}})
	}
	return b
}

func notAcknowledged() panel {
	waiting := waitingIncidents("P1|P2")
	return numbers(words{
		title: "Not acknowledged", unit: units.Short, empty: "not known: no exporter reads Alertmanager, or not yet",
		about: "Open incidents at P1 and P2 without an acknowledgement, and how long the first of them has waited. Not " +
			"known while no exporter reads Alertmanager.",
		whenRed: "Take it: open the Acknowledge link of its page. Without that, the next layer of the escalation is paged.",
	}, 4, known(green, from(1, red)),
		query("A", fmt.Sprintf("count(%s) or 0 * count(%s)", waiting, inEnvironment(metric.IncidentsRead)), "incidents"),
		query("B", fmt.Sprintf("max(time() - (%s)) or 0 * count(%s)", waiting, inEnvironment(metric.IncidentsRead)),
			"longest"),
	).
		OverrideByName("longest", []dashboard.DynamicConfigValue{{Id: "unit", Value: units.Seconds}}).
		DataLinks(more(metric.IncidentDashboard))
}

// contract is the share of a month for which a service must be up: by the contract, else by the objective.
func contract(p *config.Policy) float64 {
	share := p.SLA.Availability
	if share.IsZero() {
		share = p.Objectives.Availability
	}
	f, _ := share.Rat().Float64()
	return f
}

// slaLeft has the seconds that each service may still be down in this month.
func slaLeft() string {
	down := pick(metric.SLADown)
	return fmt.Sprintf(`scalar(days_in_month()) * 86400 * (0 * %s + on (environment) group_left () ((1 - %s) or %s)) - %s`,
		down, inEnvironment(metric.SLAObjective), inEnvironment(metric.PolicyErrorBudget), down)
}

func slaThisMonth(p *config.Policy) panel {
	return numbers(words{
		title: "SLA this month", unit: units.PercentUnit, empty: "measuring since a moment ago",
		about: fmt.Sprintf("Uptime in this calendar month of the worst service, of the time that was judged, against "+
			"%.5g %%; and how long it may still be down until the month ends. That alone decides: early in a month an "+
			"outage of a minute is below the contract, and breaks nothing.", 100*contract(p)),
		whenRed: "The contract of this month is broken: nothing may be deployed that is not a repair. See which check it " +
			"was on the dashboard Health.",
	}, 4, known(blue),
		query("A", fmt.Sprintf("min(%s)", pick(metric.SLAUptime)), "up"),
		query("B", fmt.Sprintf("min(%s)", slaLeft()), "left"),
	).
		OverrideByName("up", []dashboard.DynamicConfigValue{{Id: "decimals", Value: 3}}).
		OverrideByName("left", []dashboard.DynamicConfigValue{
			{Id: "unit", Value: units.Seconds},
			{Id: "decimals", Value: 1},
			{Id: "thresholds", Value: dashboard.ThresholdsConfig{
				Mode: dashboard.ThresholdsModeAbsolute, Steps: below(0, red, 60, yellow),
			}},
		}).
		DataLinks(more(metric.HealthDashboard))
}

// failing selects the tenants with as many failed or slow requests in five minutes as the floor of a fast burn, and
// with a larger share of them than an objective permits.
func failing() string {
	by := tenantBy + ", slo"
	return fmt.Sprintf(`max by (%[1]s) (%[2]s >= 10 unless on (%[3]s) (%[4]s <= on (%[3]s) max by (%[3]s) (%[5]s)))`,
		tenantBy, pick(metric.TenantBadIncrease["5m"]), by, pick(metric.TenantError["5m"]), pick(metric.TenantSLOBudget))
}

// tenantBurn is how many times as fast as permitted tenants have burnt budget in five minutes.
func tenantBurn(of func(selecter, ...string) string) string {
	by := tenantBy + ", slo"
	return fmt.Sprintf("max by (%[1]s) (%[2]s) / on (%[1]s) max by (%[1]s) (%[3]s)", by, of(metric.TenantError["5m"]),
		of(metric.TenantSLOBudget))
}

func tenantsInTroubleCount() panel {
	return numbers(words{
		title: "Tenants in trouble", unit: units.NoUnit, empty: "no check yet",
		about: "Tenants with a check that is down, and tenants of whose requests at least ten failed or were slow in five " +
			"minutes, more than an objective permits.",
		whenRed: "The table below names them. Many at once share a cause: look at services and machines first.",
	}, 4, known(green, from(1, red)),
		query("A", tenantsDown(), "down"),
		query("B", fmt.Sprintf(`count(group by (environment, tenant) (%s)) or 0 * count(%s)`, failing(),
			pick(metric.ServiceRate)), "failing"),
	).
		OverrideByName("failing", []dashboard.DynamicConfigValue{{Id: "thresholds", Value: dashboard.ThresholdsConfig{
			Mode: dashboard.ThresholdsModeAbsolute, Steps: atLeast(1, yellow),
		}}}).
		DataLinks(more(metric.TenantsDashboard))
}

// pathAlerts matches the alerts on the monitoring itself.
func pathAlerts() string {
	var names []string
	for _, a := range metric.Alerts() {
		if a.Dashboard == metric.ExporterDashboard && a != metric.WatchdogAlert {
			names = append(names, a.Name)
		}
	}
	return metric.LabelAlertname + `=~"` + strings.Join(names, "|") + `"`
}

func pagingPath() panel {
	return number(words{
		title: "Paging path", unit: units.Short, empty: "no evaluation of rules yet",
		about: "Alerts on the monitoring itself: exporters, locations, rules, Prometheus, Alertmanager. Silence of the " +
			"watchdog means that no rule is evaluated.",
		whenRed: "What the rest of this page shows may be old or missing. Open the dashboard Exporter and paging path.",
	}, 3, fmt.Sprintf("count(%s) or %s", alerts(pathAlerts()), rulesLoaded()), "alerts", known(green, from(1, red))).
		Mappings(texts(text{0, "works", green})).
		DataLinks(more(metric.ExporterDashboard))
}

func whatIsWrong() panel {
	const by = "environment, priority, alert, app_service, subject, owner"
	open := openIncidents("P.+")
	// 1 for an incident that is not acknowledged and pages, 2 for one that is not and waits for working hours, 3 for one
	// that is acknowledged; no value while that is not known.
	taken := fmt.Sprintf("min by (%[1]s) ((3 * (%[2]s > bool 0) unless on (environment, incident) %[3]s) or "+
		"(%[4]s > bool 0) or 2 * (%[3]s > bool 0))", by, inEnvironment(metric.IncidentOpen),
		inEnvironment(metric.IncidentWaiting), inEnvironment(metric.IncidentWaiting, priorities("P1|P2")))
	return figures(words{
		title: "What is wrong", unit: units.Short, empty: "Nothing is wrong",
		about: "Open incidents of the same alert, service and owner: what, whose, how many, since when, and whether all " +
			"are acknowledged. An alert stands here from its first minute on, before exporters have read of it.",
		whenRed: "Not acknowledged: open the Acknowledge link of its page. The alert's name leads to the incidents, " +
			"the service to its health.",
	}, 16, 7, []key{
		byEnvironment,
		byPriority,
		{label: metric.LabelAlert, title: "Alert", to: metric.IncidentDashboard},
		byService.leading(metric.HealthDashboard),
		key{label: metric.LabelSubject, title: "Subject"}.behind(),
		byOwner,
	},
		column{title: "Open", unit: units.Short, expr: fmt.Sprintf("count by (%s) (%s)", by, open), width: 60},
		column{
			title: "Began", unit: units.DateTimeFromNow,
			expr: fmt.Sprintf("1000 * topk(%d, min by (%s) (%s))", rows, by, open),
		},
		column{
			title: "Taken", unit: units.Short, expr: taken, empty: "not known", width: 90,
			texts: texts(text{1, "no one", red}, text{2, "not yet", grey}, text{3, "yes", green}),
		},
	).SortBy([]cog.Builder[common.TableSortByFieldState]{
		common.NewTableSortByFieldStateBuilder().DisplayName("Priority"),
	})
}

// worstTenants bounds lists of tenants on the overview.
const worstTenants = 20

func tenantsInTrouble() panel {
	by := "environment, app_service, tenant"
	failing := fmt.Sprintf("topk(%d, %s)", worstTenants, failing())
	down := fmt.Sprintf("count by (%s) (%s)", by, stateIs(metric.StateDown, ofTenants))
	return figures(words{
		title: "Tenants in trouble, worst first", unit: units.Short, empty: "No tenant is in trouble",
		about: fmt.Sprintf("The %d tenants with the most checks down and the %d with the most failed or slow requests in "+
			"five minutes, at least ten and more than an objective permits. A name leads to the dashboard of that tenant.",
			worstTenants, worstTenants),
		whenRed: "Open the tenant: its dashboard says which check or which requests. Many at once share a cause: look at " +
			"services and machines first.",
	}, 8, 7, []key{byEnvironment.unseen(), byService, byTenant},
		column{
			title: "Down", unit: units.Short, colours: atLeast(1, red), width: 65,
			expr: fmt.Sprintf("%[1]s and on (%[2]s) (%[3]s or topk(%[4]d, %[1]s))", down, by, failing, worstTenants),
		},
		column{title: "Bad 5 min", unit: units.Short, expr: failing, colours: atLeast(10, yellow), width: 95},
		column{
			title: "Share bad", unit: units.PercentUnit, width: 90,
			expr: fmt.Sprintf("max by (%s) (%s) and on (%s) %s", by, pick(metric.TenantError["5m"]), by, failing),
		},
	).SortBy([]cog.Builder[common.TableSortByFieldState]{
		common.NewTableSortByFieldStateBuilder().DisplayName("Bad 5 min").Desc(true),
	})
}
