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

// ofVendor selects the part of a series that is of the vendors picked.
func ofVendor(s selecter, matchers ...string) string {
	return s.Select(append([]string{pickedEnvironment, pickedVendor}, matchers...)...)
}

const (
	vendorsBy = "environment, vendor"
	noVendor  = "no vendor is in the policy yet"
)

var vendorKeys = []key{byEnvironment, {label: metric.LabelVendor, title: "Vendor"}, byOwner}

// vendorColours are those of the states of vendors: never red, because somebody else must act.
var vendorColours = map[string]string{
	metric.VendorOperational: green, metric.VendorMaintained: blue, metric.VendorUnknown: yellow,
	metric.VendorDegraded: "light-orange", metric.VendorPartial: orange, metric.VendorMajor: "dark-orange",
}

// vendors shows what the status pages of vendors report.
func vendors(*config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.VendorsDashboard, title: "Vendors", from: "now-7d", refresh: "1m",
		about: "What the status pages of vendors report: their states, open incidents, maintenance, and how long each was " +
			"down this month beside its promise. Pages are written by hand, minutes late.",
		variables: []cog.Builder[dashboard.VariableModel]{
			environmentVariable(metric.VendorExpected),
			labelVariable(metric.LabelVendor, "Vendor", "Vendors by their configured names.",
				metric.VendorExpected.Select(pickedEnvironment)),
		},
	}.builder()
	row(b, "Now",
		vendorCount("Down", "Vendors that report a partial or major outage.", ofVendor(metric.VendorOutage), orange),
		vendorCount("Degraded", "Vendors that report degraded performance.",
			ofVendor(metric.VendorTroubleSince, fmt.Sprintf("state=%q", metric.VendorDegraded)), "light-orange"),
		vendorCount("Unknown", "Vendors whose page cannot be read or lacks a component of the policy.",
			fmt.Sprintf("(%s unless on (%s) (max by (%[2]s) (%s) == 1))", ofVendor(metric.VendorExpected), vendorsBy,
				ofVendor(metric.VendorState, fmt.Sprintf("state!=%q", metric.VendorUnknown))), yellow),
		number(words{
			title: "Open incidents", unit: units.Short, empty: noVendor,
			about: "Incidents that the pages have open, whatever they affect.",
		}, 6, fmt.Sprintf("sum(max by (%s, impact) (%s))", vendorsBy, ofVendor(metric.VendorIncidents)), "Open",
			known(green, from(1, yellow))),
		number(words{
			title: "Next maintenance", unit: units.DateTimeFromNow, empty: "none is announced",
			about: "When the next announced maintenance of a vendor begins, or the present one began.",
		}, 6, fmt.Sprintf("1000 * min(%s)", ofVendor(metric.VendorMaintenanceBegin)), "Next", known(blue)),
		vendorTable(),
	)
	row(b, "Over time",
		timeline(words{
			title: "States", empty: noVendor,
			about: "The state of each vendor: the worst of the policy's components, else that of the whole page.",
		}, vendorStateNumber(metric.VendorState, vendorsBy, ofVendor), "{{vendor}}", metric.VendorStates, vendorColours),
		timeline(words{
			title: "Components", empty: "the policy names no component of a vendor",
			about: "The state of each component that the policy names.",
		}, vendorStateNumber(metric.VendorComponentState, vendorsBy+", component", ofVendor), "{{vendor}}: {{component}}",
			metric.VendorStates, vendorColours),
		manyLines(words{
			title: "Age of what was read", unit: units.Seconds, empty: "no page has been read yet",
			about: "How long ago the page was last read. After three intervals its state is unknown.",
		}, 12, query("A", fmt.Sprintf("time() - max by (%s) (%s)", vendorsBy, ofVendor(metric.VendorLastSuccess)),
			"{{vendor}}")).Min(0),
		lines(words{
			title: "Reads that failed", unit: units.CountsPerSecond, empty: noVendor,
			about: "Reads of status pages that failed, by reason.",
		}, 12, query("A", fmt.Sprintf("sum by (reason) (rate(%s[$__rate_interval]))",
			inEnvironment(metric.VendorReadFailures)), "{{reason}}")).Min(0),
	)
	return b
}

func vendorCount(title, about, expr, colour string) panel {
	expr = fmt.Sprintf("count(%s) or 0 * count(%s)", expr, ofVendor(metric.VendorExpected))
	return number(words{title: title, about: about, unit: units.Short, empty: noVendor}, 4, expr, title,
		known(green, from(1, colour)))
}

// vendorStateNumber is a state by its place among all states. Of several exporters the worst is shown.
func vendorStateNumber(m *metric.Metric, by string, of func(selecter, ...string) string) string {
	var terms []string
	for i, state := range metric.VendorStates {
		terms = append(terms, fmt.Sprintf("%d * (%s == 1)", i+1, of(m, fmt.Sprintf("state=%q", state))))
	}
	return fmt.Sprintf("max by (%s) (%s)", by, strings.Join(terms, " or "))
}

func vendorTable() panel {
	owned := func(expr string) string {
		return fmt.Sprintf("%s * on (%s) group_left (owner) %s", expr, vendorsBy, ofVendor(metric.VendorExpected))
	}
	most := func(s selecter, matchers ...string) string {
		return fmt.Sprintf("max by (%s) (%s)", vendorsBy, ofVendor(s, matchers...))
	}
	return figures(words{
		title: "Vendors", unit: units.Short, empty: "No vendor is in the policy yet",
		about: fmt.Sprintf("What each vendor (at most %d) reports, the worst first, and how long it was down this month.",
			rows),
	}, 24, 8, vendorKeys,
		column{
			title: "State", unit: units.NoUnit, texts: vendorTexts(), width: 170, empty: "unknown",
			expr: owned(fmt.Sprintf("topk(%d, %s)", rows, vendorStateNumber(metric.VendorState, vendorsBy, ofVendor))),
		},
		column{
			title: "Since", unit: units.DateTimeFromNow, empty: "-",
			expr: owned("(1000 * " + most(metric.VendorSince) + ")"),
		},
		column{
			title: "Open incidents", unit: units.Short, empty: "unknown",
			expr: owned(fmt.Sprintf("sum by (%s) (max by (%[1]s, impact) (%s))", vendorsBy, ofVendor(metric.VendorIncidents))),
		},
		column{
			title: "Down this month", unit: units.Seconds, empty: "not known",
			expr: owned(ofVendor(metric.VendorMonthDown)),
		},
		column{
			title: "May be down", unit: units.Seconds, empty: "no promise",
			expr: owned(most(metric.VendorExpectedMonthDown)),
		},
		column{
			title: "Maintenance", unit: units.DateTimeFromNow, empty: "none",
			expr: owned("(1000 * " + most(metric.VendorMaintenanceBegin) + ")"),
		},
		column{
			title: "Page changed", unit: units.DateTimeFromNow, empty: "-",
			expr: owned("(1000 * " + most(metric.VendorPageUpdated) + ")"),
		},
	)
}

func vendorTexts() []dashboard.ValueMapping {
	var values []text
	for i, state := range metric.VendorStates {
		values = append(values, text{i + 1, strings.ReplaceAll(state, "_", " "), vendorColours[state]})
	}
	return texts(values...)
}

// vendorsNow is the cell of the overview: which vendors are not well, and since when.
func vendorsNow() panel {
	return figures(words{
		title: "Vendors", unit: units.Short, empty: "No vendor is in the policy",
		about: "What the vendors' status pages report, the worst first: written by hand, minutes late.",
	}, 6, 4, []key{{label: metric.LabelVendor, title: "Vendor", to: metric.VendorsDashboard}},
		column{
			title: "State", unit: units.NoUnit, texts: vendorTexts(), empty: "unknown", to: metric.VendorsDashboard,
			expr: fmt.Sprintf("topk(%d, %s)", rows, vendorStateNumber(metric.VendorState, vendorsBy, inEnvironment)),
		},
		column{
			title: "Since", unit: units.DateTimeFromNow, empty: "-", to: metric.VendorsDashboard,
			expr: fmt.Sprintf("1000 * max by (%s) (%s)", vendorsBy, inEnvironment(metric.VendorSince)),
		},
	)
}
