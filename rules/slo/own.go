package slo

import (
	"errors"
	"fmt"
	"maps"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// ownTotals adds up the events of the policy's own objectives, as many in a group as it may have rules. From the totals
// on they are judged by the same rules as requests.
func ownTotals(p *config.Policy) ([]rule.Group, error) {
	var groups []rule.Group
	var errs []error
	for i, s := range p.SLOs {
		own, err := ownRules(p, s, fmt.Sprintf("slos[%d]", i))
		errs = append(errs, err)
		if n := len(groups); n > 0 && len(groups[n-1].Rules)+len(own) <= rule.GroupLimit {
			groups[n-1].Rules = append(groups[n-1].Rules, own...)
			continue
		}
		groups = append(groups, rule.Group{
			Name: fmt.Sprintf("thorbis-slo-own-%d", len(groups)+1), Interval: rule.TotalsInterval, Rules: own,
		})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return append(groups, ownAlerts()), nil
}

// ownRules adds up the events of one objective. Each step is at least 0, and no more events are bad than there are
// events. So a negative difference is no credit for later failures, and ten failures of five events are five. NaN
// counts nothing, because a total would never lose it again.
func ownRules(p *config.Policy, s *config.SLO, path string) ([]rule.Rule, error) {
	read := copiesOf(p, s)
	total, totalErr := ownStep(p, path+".total", s.Total, read)
	bad, badErr := ownStep(p, path+".bad", s.Bad, read)
	if err := errors.Join(totalErr, badErr); err != nil {
		return nil, err
	}
	labels := map[string]string{
		metric.LabelEnvironment: p.Environment, metric.LabelAppService: s.AppService, metric.LabelSLO: s.Name,
	}
	service := []string{
		fmt.Sprintf("%s=%q", metric.LabelEnvironment, p.Environment),
		fmt.Sprintf("%s=%q", metric.LabelAppService, s.AppService),
	}
	n := rule.Names{
		"total": total.sum, "bad": bad.sum,
		"events":  metric.EventsTotals.Step.Select(append(service, fmt.Sprintf("%s=%q", metric.LabelSLO, s.Name))...),
		"planned": metric.Maintenance.Select(service...),
		"reason":  metric.LabelReason,
	}
	rules := append(read.rules(), []rule.Rule{
		{
			Record: metric.EventsTotals.Step, Labels: labels,
			Expr: rule.Expand(`clamp_min($total < Inf, 0) unless on () $planned`, n),
		},
		// Without bad events the step is 0 while there are events.
		{Record: metric.BadTotals.Step, Labels: labels, Expr: rule.Expand(`
			min(
				clamp_min($bad < Inf or on () vector(0), 0)
				or
				$events
			)
			and on () $events`, n)},
		{Record: metric.SLOCorrected, Labels: labels, Expr: rule.Expand(`
			(
				label_replace(0 - $bad > 0, "$reason", "bad_negative", "", "")
				or
				label_replace($bad - on () $events > 0, "$reason", "bad_above_total", "", "")
			)
			unless on () $planned`, n)},
		{
			Record: metric.SLOCorrected, Labels: withReason(labels, "total_negative"),
			Expr: rule.Expand(`0 - $total > 0 unless on () $planned`, n),
		},
		{Record: metric.SLOUnmeasured, Labels: withReason(labels, totalUnmeasured), Expr: noTotal(total, n)},
		{Record: metric.SLOUnmeasured, Labels: withReason(labels, badUnmeasured), Expr: noBad(bad, n)},
	}...)
	for _, total := range sloTotals(fmt.Sprintf("%s=%q", metric.LabelSLO, s.Name)) {
		total.Labels = labels // the same as its series have; promtool asks for rules that differ
		rules = append(rules, total)
	}
	return rules, nil
}

// withReason returns labels with a reason.
func withReason(labels map[string]string, reason string) map[string]string {
	with := maps.Clone(labels)
	with[metric.LabelReason] = reason
	return with
}

// ownExpr is an expression of an objective as the rules read it.
type ownExpr struct {
	sum     string // what a step counted, one series at most
	present string // yields something while the series that it names exist; empty if it needs none
	whole   string // the same with all matchers; empty if the expression filters, so that nothing is no fault
}

func ownStep(p *config.Policy, path, text string, read *ownCopies) (ownExpr, error) {
	step, err := perStep(text, p.Environment, read)
	if err != nil {
		return ownExpr{}, p.ErrorAt(path, "%v", err)
	}
	root, err := parseOwn(text)
	if err != nil {
		return ownExpr{}, p.ErrorAt(path, "%v", err)
	}
	e := ownExpr{sum: "sum(" + step + ")", present: existing(root, labelled)}
	if !filters(root) {
		e.whole = existing(root, whole)
	}
	return e, nil
}
