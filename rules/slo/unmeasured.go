package slo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// Parts of an objective that can be unmeasured, values of LabelReason.
const (
	totalUnmeasured = "total"
	badUnmeasured   = "bad"
)

// noTotal and noBad return expressions that have a series while an objective does not measure what it names:
//   - Without total, nothing is counted.
//   - Without bad, nothing is bad. That is right while nothing ever failed, and wrong if a name is misspelt. So the
//     metric must exist and have the labels of the selector, with any values.
//   - While every series exists and events come, there must be a result. A native histogram without histogram_count
//     gives none, and NaN is none.
//
// While work is planned there are no events, and nothing is unmeasured.
func noTotal(total ownExpr, n rule.Names) string {
	none := n["events"]
	if total.whole == "" { // it filters, so only the names show whether it can measure
		none = total.present
	}
	return without(none) + " unless on () " + n["planned"]
}

func noBad(bad ownExpr, n rule.Names) string {
	none := without(bad.present)
	if bad.whole != "" {
		n = maps.Clone(n)
		n["whole"], n["none"] = bad.whole, none
		none = rule.Expand(`$whole unless on () $bad < Inf and on () $events > 0 or on () ($none)`, n)
	}
	return "(" + none + ") and on () " + n["events"]
}

func without(present string) string {
	if present == "" {
		return "vector(0) > 0"
	}
	return "vector(1) unless on () (" + present + ")"
}

// existing yields one series while the series of an expression exist, each as select selects it; empty if none need
// exist.
func existing(e parser.Node, selected func(*parser.VectorSelector) string) string {
	switch n := e.(type) {
	case *parser.VectorSelector:
		return selected(n)
	case *parser.Call:
		if strings.HasPrefix(n.Func.Name, "absent") {
			return ""
		}
	case *parser.BinaryExpr:
		switch n.Op {
		case parser.LOR:
			left, right := existing(n.LHS, selected), existing(n.RHS, selected)
			if left == "" || right == "" {
				return ""
			}
			if left == right {
				return left
			}
			return "(" + left + " or on () " + right + ")"
		case parser.LUNLESS:
			return existing(n.LHS, selected)
		}
	}
	var all []string
	for _, child := range parser.Children(e) {
		if text := existing(child, selected); text != "" && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	return "(" + strings.Join(all, " and on () ") + ")"
}

// labelled selects the series of a metric that have the labels of a selector, with any values. A value that has not
// been counted yet is no mistake, but a label that no series has is one.
func labelled(s *parser.VectorSelector) string {
	matchers := make([]string, 0, len(s.LabelMatchers))
	for _, m := range s.LabelMatchers {
		text := m.String()
		switch {
		case m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual && s.Name != "":
			continue
		case m.Name == model.MetricNameLabel:
		case m.Matches(""):
			continue
		default:
			text = m.Name + `!=""`
			if strings.Trim(m.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") != "" {
				text = fmt.Sprintf(`%q!=""`, m.Name)
			}
		}
		if !slices.Contains(matchers, text) {
			matchers = append(matchers, text)
		}
	}
	bare := parser.VectorSelector{Name: s.Name, LabelMatchers: nil}
	if s.Name != "" {
		bare.LabelMatchers = []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, s.Name)}
		return "group(" + addAll(bare.String(), matchers) + ")"
	}
	return "group({" + strings.Join(matchers, ",") + "})"
}

// addAll adds matchers to a selector of a metric's name alone.
func addAll(selector string, matchers []string) string {
	switch {
	case len(matchers) == 0:
		return selector
	case strings.HasSuffix(selector, "}"):
		return strings.TrimSuffix(selector, "}") + "," + strings.Join(matchers, ",") + "}"
	}
	return selector + "{" + strings.Join(matchers, ",") + "}"
}

// whole selects the series of a selector that are there now and were when the step began.
func whole(s *parser.VectorSelector) string {
	return fmt.Sprintf("(group(%[1]s) and on () group(last_over_time(%[1]s[15m] offset %[2]s)))", s,
		rule.Span(rule.TotalsInterval))
}

// filters reports whether an expression may rightly yield nothing though its series exist.
func filters(e parser.Expr) bool {
	return contains(e, func(node parser.Node) bool {
		n, ok := node.(*parser.BinaryExpr)
		return ok && (n.Op.IsComparisonOperator() && !n.ReturnBool || n.Op == parser.LAND || n.Op == parser.LUNLESS)
	})
}

// unmeasuredFor is how long series of an objective may be absent: a rollout or a restart takes less.
const unmeasuredFor = 15 * time.Minute

// ownAlerts returns the alerts on objectives of the policy's own that do not measure what they should.
func ownAlerts() rule.Group {
	n := rule.Names{
		"unmeasured": metric.SLOUnmeasured.Name, "corrected": metric.SLOCorrected.Name, "budget": metric.SLOBudget.Name,
		"vanished": metric.TrafficVanished.Name, "outage": metric.SLOOutage.Name,
		"events": metric.EventsIncrease["1h"].Name, "floor": metric.SLOFloor.Name, "reason": metric.LabelReason,
	}
	rules := rule.ByPage(metric.ObjectiveUnmeasuredAlert, "P3", unmeasuredFor, rule.Text{
		Summary: "An objective of the policy measures nothing.",
		Description: `The series in {{ $labels.reason }} of the objective {{ $labels.slo }} of {{ $labels.app_service }} in
			{{ $labels.environment }} have been absent, or without a result, for 15 minutes;
			failures cannot page. Owner: {{ $labels.owner }}.
			First look: run that expression in Prometheus. The name or a label may be misspelt or renamed;
			a native histogram needs histogram_count.`,
	}, func(page string) string {
		return rule.Expand(`
			$unmeasured * on ($slo) group_left (owner, page) ($budget`+rule.Braces(page)+` > bool 0)
			unless on ($slo) $vanished
			unless on ($service) $outage`, n)
	})
	rules = append(rules, rule.ByPage(metric.ObjectiveImplausibleAlert, "P3", rule.Patience, rule.Text{
		Summary: "An objective of the policy counts implausible events.",
		Description: `The objective {{ $labels.slo }} of {{ $labels.app_service }} in {{ $labels.environment }} was corrected
			by {{ $value | printf "%.0f" }} events within an hour ({{ $labels.reason }}),
			more than its budget allows in that time; its budget is not reliable. Owner: {{ $labels.owner }}.
			First look: graph bad and total. Both must count the same events, once each, from the same targets.`,
	}, func(page string) string {
		return rule.Expand(`
			(
				sum_over_time($corrected[1h]) > on ($slo) group_left () ($events * on ($slo) $budget)
				and count_over_time($corrected[1h]) >= 3
				and sum_over_time($corrected[1h]) >= on ($slo) group_left () $floor
			)
			* on ($slo) group_left (owner, page) ($budget`+rule.Braces(page)+` > bool 0)`, n)
	})...)
	return rule.Group{Name: "thorbis-slo-own", Interval: rule.WindowInterval, Rules: rules}
}
