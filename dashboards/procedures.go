package dashboards

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// ofProcedure selects the part of a series that is of the procedures picked.
func ofProcedure(s selecter, matchers ...string) string {
	return s.Select(append([]string{pickedEnvironment, pickedProcedure}, matchers...)...)
}

const (
	proceduresBy = "environment, procedure"
	noProcedure  = "no procedure is expected yet"
)

var procedureKeys = []key{
	byEnvironment, {label: metric.LabelProcedure, title: "Procedure"}, byService, byOwner, byPage,
}

// procedureColours are those of the states of procedures.
var procedureColours = map[string]string{
	metric.ProcedureNew: grey, metric.ProcedureUp: green, metric.ProcedureDue: "light-green",
	metric.ProcedureRunning: "light-blue", metric.ProcedureLate: orange, metric.ProcedureMissed: red,
	metric.ProcedureOverrun: orange, metric.ProcedureFailed: red, metric.ProcedureMaintenance: blue,
}

// procedures shows whether what is done by a schedule, by programs and by people, is done in time.
func procedures(*config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.ProceduresDashboard, title: "Procedures", from: "now-7d", refresh: "1m",
		about: "Jobs, reviews and drills: which are missed, late or failed, when each is due next, and how long it takes.",
		variables: []cog.Builder[dashboard.VariableModel]{
			environmentVariable(metric.ProcedureExpected),
			labelVariable(metric.LabelProcedure, "Procedure", "Procedures by their configured names.",
				metric.ProcedureExpected.Select(pickedEnvironment)),
		},
	}.builder()
	row(b, "Now",
		procedureCount("Missed", "Procedures of which no run has begun within the grace after it was due.",
			"See whether its scheduler and its machine are up, then run it by hand.", metric.ProcedureMissing, red),
		procedureCount("Failed", "Procedures whose last run has failed.",
			"Read what it printed last, on the exporter's status page, and run it again once that is repaired.",
			metric.ProcedureFailing, red),
		procedureCount("Late", "Procedures whose run has begun in time and has not succeeded in time.", "",
			metric.ProcedureLagging, orange),
		procedureCount("Running too long", "Procedures of which a run takes longer than it may.", "",
			metric.ProcedureOverrunning, orange),
		number(words{
			title: "In time", unit: units.Short, empty: noProcedure,
			about: "Procedures of which nothing is missed, late, failed or too long.",
		}, 4, fmt.Sprintf("count(%s) - count(%[2]s) or count(%[1]s)", ofProcedure(metric.ProcedureExpected),
			inTrouble(metric.ProcedureExpected)), "In time", known(blue)),
		number(words{
			title: "Due first", unit: units.DateTimeFromNow, empty: noProcedure,
			about: "When the run is due, or was, that is due before all others.",
		}, 4, fmt.Sprintf("1000 * min(%s)", ofProcedure(metric.ProcedureDueBy)), "Due first", known(blue)),
		procedureTable(),
	)
	row(b, "Runs",
		procedureStates(),
		manyLines(words{
			title: "Overdue", unit: units.Seconds, empty: noProcedure,
			about: "How long ago a run was due that has not succeeded yet; the grace is part of it.",
		}, 12, query("A", fmt.Sprintf("clamp_min(time() - %s, 0)", ofProcedure(metric.ProcedureDueBy)),
			"{{procedure}}")).Min(0),
		manyLines(words{
			title: "Duration of the last run", unit: units.Seconds, empty: "no run has reported how long it took yet",
			about: "From start to end, where both are reported or the duration is.",
		}, 12, query("A", fmt.Sprintf("max by (%s) (%s)", proceduresBy, ofProcedure(metric.ProcedureLastDuration)),
			"{{procedure}}")).Min(0),
		coloured(lines(words{
			title: "Runs by result", unit: units.Short, empty: "no run is reported yet",
			about: "Runs that were reported at that time, by result. Unfinished ones have begun and never ended.",
		}, 12, query("A", fmt.Sprintf("sum by (result) (increase(%s[$__rate_interval]))", ofProcedure(metric.ProcedureRuns)),
			"{{result}}")).Min(0), map[string]string{
			metric.ResultSuccess: green, metric.ResultFailure: red, metric.ProcedureUnfinished: orange,
		}),
		coloured(lines(words{
			title: "Pings by result", unit: units.CountsPerSecond, empty: "no ping has come yet",
			about: "How runs are reported over HTTP. Refused ones have a wrong key or name; those of a procedure that is " +
				"renamed are refused until its job is changed.",
		}, 12, query("A", fmt.Sprintf("sum by (result) (rate(%s[$__rate_interval]))", inEnvironment(metric.ProcedurePings)),
			"{{result}}")).Min(0), map[string]string{
			metric.PingAccepted: green, metric.PingRefused: red, metric.PingUnavailable: red,
			metric.PingInvalid: orange, metric.PingRateLimited: yellow, metric.PingIgnored: grey,
		}),
	)
	return b
}

// inTrouble selects the procedures of a series for which an alert fires or is about to.
func inTrouble(s selecter) string {
	var terms []string
	for _, r := range []*metric.Record{
		metric.ProcedureMissing, metric.ProcedureFailing, metric.ProcedureLagging, metric.ProcedureOverrunning,
	} {
		terms = append(terms, ofProcedure(r))
	}
	return fmt.Sprintf("(%s and on (%s) (%s))", ofProcedure(s), proceduresBy,
		strings.Join(terms, " or on ("+proceduresBy+") "))
}

func procedureCount(title, about, whenRed string, r *metric.Record, colour string) panel {
	return number(words{title: title, about: about, whenRed: whenRed, unit: units.Short, empty: noProcedure}, 4,
		fmt.Sprintf("count(%s) or 0 * count(%s)", ofProcedure(r), ofProcedure(metric.ProcedureExpected)), title,
		known(green, from(1, colour)))
}

func procedureTable() panel {
	owned := func(expr string) string {
		return fmt.Sprintf("%s * on (%s) group_left (app_service, owner, page) %s", expr, proceduresBy,
			ofProcedure(metric.ProcedureExpected))
	}
	newest := func(r *metric.Record) string { return owned("(1000 * " + ofProcedure(r) + " > 0)") }
	return figures(words{
		title: "Procedures", unit: units.Short, empty: "No procedure is expected yet",
		about: fmt.Sprintf("What each procedure (at most %d) did last and when it is due, those that have waited for "+
			"longest first.", rows),
		whenRed: "It has not been done for longer than it may be: its runbook is that of the alert.",
	}, 24, 9, procedureKeys,
		column{
			title: "State", unit: units.NoUnit, texts: procedureTexts(), width: 110,
			expr: owned("(" + stateNumber() + ")"), empty: "unknown",
		},
		column{
			title: "Due", unit: units.DateTimeFromNow, empty: "-",
			expr: owned(fmt.Sprintf("(1000 * bottomk(%d, %s))", rows, ofProcedure(metric.ProcedureDueBy))),
		},
		column{title: "Last success", unit: units.DateTimeFromNow, expr: newest(metric.ProcedureSuccess), empty: "never"},
		column{title: "Last failure", unit: units.DateTimeFromNow, expr: newest(metric.ProcedureFailure), empty: "never"},
		column{
			title: "Took", unit: units.Seconds, empty: "not reported",
			expr: owned(fmt.Sprintf("max by (%s) (%s)", proceduresBy, ofProcedure(metric.ProcedureLastDuration))),
		},
		column{
			title: "May take", unit: units.Seconds, empty: "no limit",
			expr: owned(fmt.Sprintf("max by (%s) (%s)", proceduresBy, ofProcedure(metric.ProcedureExpectedMaxRuntime))),
		},
		column{
			title: "Grace", unit: units.Seconds,
			expr: owned(fmt.Sprintf("max by (%s) (%s)", proceduresBy, ofProcedure(metric.ProcedureExpectedGrace))),
		},
	)
}

// stateNumber is the state of each procedure by its place among all states. Of several exporters, each of which sees
// the reports that it has received, the worst is shown.
func stateNumber() string {
	var terms []string
	for i, state := range metric.ProcedureStates {
		terms = append(terms, fmt.Sprintf("%d * (%s == 1)", i+1,
			ofProcedure(metric.ProcedureState, fmt.Sprintf("%s=%q", metric.LabelState, state))))
	}
	return fmt.Sprintf("max by (%s) (%s)", proceduresBy, strings.Join(terms, " or "))
}

func procedureTexts() []dashboard.ValueMapping {
	var values []text
	for i, state := range metric.ProcedureStates {
		values = append(values, text{i + 1, state, procedureColours[state]})
	}
	return texts(values...)
}

func procedureStates() panel {
	return timeline(words{
		title: "States over time", empty: noProcedure,
		about:   "The state of each procedure as the exporters saw it.",
		whenRed: "It was not done in time. Deployments, reloads and maintenance are marked by the annotations.",
	}, stateNumber(), "{{procedure}}", metric.ProcedureStates, procedureColours)
}
