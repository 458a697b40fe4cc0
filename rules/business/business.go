// Package business judges what the business does: transactions, revenue, satisfaction, tickets.
package business

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

const (
	// droppedWindow is what is compared with what is usual, and leastUsual how many transactions must be usual in it: of
	// fewer, half may be missing by chance.
	droppedWindow = 15 * time.Minute
	leastUsual    = 20
	// fresh is how long ago the last minute may be that was counted for a drop to be one of transactions, not of counting.
	fresh = 5 * time.Minute
	// settled bridges restarts of exporters.
	settled = 5 * time.Minute
	// before is how long before an urgent incident is seen its revenue impact begins: a page takes two minutes from the
	// outage, and minutes are counted when they are over.
	before = 5 * time.Minute
	// latched is how long after the last urgent incident of a service another one belongs to the same outage.
	latched = 10 * time.Minute
)

var names = rule.Names{
	"kind": rule.Join(metric.LabelEnvironment, metric.LabelTransaction, metric.LabelAppService),
	"stores": rule.Join(metric.LabelEnvironment, metric.LabelTransaction, metric.LabelAppService, metric.LabelCurrency,
		metric.LabelStore),
	"priced": rule.Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelCurrency),
	"owned": rule.Join(metric.LabelEnvironment, metric.LabelTransaction, metric.LabelAppService, metric.LabelOwner,
		metric.LabelPage, metric.LabelCurrency),
	"owns":   rule.Join(metric.LabelOwner, metric.LabelPage),
	"figure": rule.Join(metric.LabelEnvironment, metric.LabelFigure, metric.LabelAppService),
	"cells": rule.Join(metric.LabelEnvironment, metric.LabelFigure, metric.LabelAppService, metric.LabelTenant,
		metric.LabelClass),
	"figureOwned": rule.Join(metric.LabelEnvironment, metric.LabelFigure, metric.LabelAppService, metric.LabelKind,
		metric.LabelOwner, metric.LabelPage),
	"figureOwns": rule.Join(metric.LabelKind, metric.LabelOwner, metric.LabelPage),
	"query":      rule.Join(metric.LabelEnvironment, metric.LabelQuery),

	"expected":  metric.TransactionExpected.Name,
	"rate":      metric.TransactionRate.Name,
	"usual":     metric.TransactionUsualRate.Name,
	"value":     metric.TransactionValueRate.Name,
	"usualEach": metric.TransactionUsualValue.Name,
	"age":       metric.TransactionFreshness.Name,
	"share":     metric.TransactionShare.Name,
	"shortfall": metric.TransactionShortfalls.Name,
	"seen":      metric.ShortfallSeen.Name,
	"impact":    metric.ServiceImpact.Name,
	"figures":   metric.FigureExpected.Name,
	"total":     metric.FigureTotal.Name,
	"day":       metric.FigureDay.Name,
	"queryAge":  metric.QueryAge.Name,
	"urgent":    metric.IncidentOpen.Select(metric.LabelPriority + `=~"P1|P2"`),

	"info":       rule.Held(metric.TransactionInfo.Select()),
	"least":      rule.Held(metric.TransactionExpectedRatio.Select()),
	"counted":    metric.TransactionsCounted.Select(),
	"figureInfo": rule.Held(metric.FigureInfo.Select()),
	"minimum":    rule.Held(metric.FigureExpectedMinimum.Select()),
	"maximum":    rule.Held(metric.FigureExpectedMaximum.Select()),
	"interval":   rule.Held(metric.QueryExpectedInterval.Select()),
	"answered":   rule.Held(metric.QueryLastSuccess.Select()),

	"window":     rule.Span(droppedWindow),
	"seconds":    rule.Seconds(droppedWindow),
	"fresh":      rule.Seconds(fresh),
	"leastUsual": fmt.Sprint(leastUsual),
	"before":     rule.Span(before),
	"latched":    rule.Span(latched),
	"all":        "$1", // of label_replace
}

// Subject judges what the business does.
var Subject = rule.Subject{File: "business.rules.yaml", Groups: func(p *config.Policy) ([]rule.Group, error) {
	own, err := ofSeries(p)
	if err != nil {
		return nil, err
	}
	transactions := append(transactionRecords(), own...)
	rules := append(append(figureRecords(), impactRecords()...), alerts()...)
	groups := append(rule.Split("thorbis-business-transactions", transactions),
		rule.Group{Name: "thorbis-business", Rules: rules})
	for i := range groups {
		groups[i].Interval = rule.TotalsInterval
	}
	return groups, nil
}}

// transactionRecords record the transactions that a database counts. Exporters that ask the same database count the
// same rows, and one may be behind.
func transactionRecords() []rule.Rule {
	success := metric.TransactionResultRate.Select(metric.LabelResult + `="` + metric.ResultSuccess + `"`)
	rate := func(series string) string { return rule.Expand("max by ($kind) (rate("+series+"[5m]))", names) }
	return []rule.Rule{
		{Record: metric.TransactionExpected, Expr: rule.Expand(
			"0 * topk by ($kind) (1, max by ($owned) ("+rule.Urgencies("$info")+")) + 1", names)},
		{Record: metric.TransactionResultRate, Expr: rule.Expand(
			"max by ($kind, result) (rate("+metric.Transactions.Select()+"[5m]))", names)},
		{Record: metric.TransactionRate, Expr: rule.Expand("sum by ($kind) ("+success+")", names)},
		{Record: metric.TransactionUsualRate, Expr: rate(metric.TransactionsUsual.Select())},
		{Record: metric.TransactionValueRate, Expr: rate(metric.TransactionValue.Select())},
		{Record: metric.TransactionUsualValue, Expr: rule.Expand(
			"max by ($kind) ("+metric.TransactionAverage.Select()+")", names)},
		{Record: metric.TransactionFreshness, Expr: rule.Expand("time() - max by ($kind) ($counted)", names)},
		{Record: metric.TransactionShortfalls, Expr: rule.Expand(
			"max by ($stores) ("+metric.TransactionShortfall.Select()+")", names)},
	}
}

// ofSeries records the transactions that series count which exist already. What is usual is the average of the last two
// weeks, as far as Prometheus has them.
func ofSeries(p *config.Policy) ([]rule.Rule, error) {
	b := p.Business()
	if b == nil {
		return nil, nil
	}
	var rules []rule.Rule
	for i, t := range b.Transactions {
		if t.Asked() {
			continue
		}
		one, err := transactionOfSeries(p, t)
		if err != nil {
			return nil, fmt.Errorf("business.transactions[%d].%w", i, err)
		}
		rules = append(rules, one...)
	}
	return rules, nil
}

func transactionOfSeries(p *config.Policy, t *config.Transaction) ([]rule.Rule, error) {
	labels := func(more ...string) map[string]string {
		all := map[string]string{
			metric.LabelEnvironment: p.Environment, metric.LabelTransaction: t.Name, metric.LabelAppService: t.AppService,
		}
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	total, err := perSecond(p, "total", t.Total)
	if err != nil {
		return nil, err
	}
	matcher := fmt.Sprintf("%s=%q", metric.LabelTransaction, t.Name)
	n := rule.Names{
		"mine": metric.TransactionRate.Select(matcher), "worth": metric.TransactionValueRate.Select(matcher),
		"mean":  metric.TransactionUsualValue.Select(matcher),
		"often": metric.TransactionUsualRate.Select(matcher),
		"lost": metric.TransactionShortfalls.Select(matcher, fmt.Sprintf("%s=%q", metric.LabelStore,
			storeOfRules)),
		"kind": names["kind"],
	}
	rules := []rule.Rule{
		{Record: metric.TransactionRate, Expr: total, Labels: labels()},
		{Record: metric.TransactionUsualRate, Labels: labels(), Expr: rule.Expand(`
			(avg_over_time($mine[30m] offset 167h45m) + avg_over_time($mine[30m] offset 335h45m)) / 2
			or
			avg_over_time($mine[30m] offset 167h45m)`, n)},
	}
	if t.Value == "" {
		return rules, nil
	}
	value, err := perSecond(p, "value", t.Value)
	if err != nil {
		return nil, err
	}
	return append(rules,
		rule.Rule{Record: metric.TransactionValueRate, Expr: value, Labels: labels()},
		rule.Rule{Record: metric.TransactionUsualValue, Labels: labels(), Expr: rule.Expand(
			`avg_over_time($worth[1d]) / (avg_over_time($mine[1d]) > 0)`, n)},
		rule.Rule{
			Record: metric.TransactionShortfalls,
			Labels: labels(metric.LabelCurrency, t.Currency, metric.LabelStore, storeOfRules),
			// Where it was not evaluated for more than five minutes, that time is missing.
			Expr: rule.Expand(`
				sum by ($kind) ($lost offset 1ms) +
					($often - $mine) * $mean * on ($kind) (time() - sum by ($kind) (timestamp($lost offset 1ms)))
				or
				sum by ($kind) (last_over_time($lost[2h] offset 1ms))
				or
				0 * $often`, n),
		},
	), nil
}

// storeOfRules is the store of a shortfall that no exporter counts.
const storeOfRules = "rules"

// perSecond returns an expression for what is added per second by one that counts over a window.
func perSecond(p *config.Policy, key, text string) (string, error) {
	window := 5 * time.Minute
	root, err := rule.Grammar.ParseExpr(strings.ReplaceAll(text, config.WindowPlaceholder, rule.Span(window)))
	if err != nil {
		return "", fmt.Errorf("%s: invalid PromQL: %w", key, err)
	}
	if t := root.Type(); t != parser.ValueTypeVector {
		return "", fmt.Errorf("%s: this yields a %s; write an expression that yields a vector, such as "+
			"sum(increase(x_total[%s]))", key, t, config.WindowPlaceholder)
	}
	if other := rule.ForeignEnvironment(root, p.Environment); other != "" {
		return "", fmt.Errorf("%s: %s selects another environment than the policy's, which is %q; take it out", key, other,
			p.Environment)
	}
	return fmt.Sprintf("sum(%s) / %s", root, rule.Seconds(window)), nil
}

// impactRecords record what transactions are worth, and what urgent incidents cost.
func impactRecords() []rule.Rule {
	return []rule.Rule{
		{Record: metric.TransactionMeanValue, Expr: rule.Expand(
			`avg_over_time($value[1h]) / (avg_over_time($rate[1h]) > 0)`, names)},
		{Record: metric.TransactionShare, Expr: rule.Expand(`
			avg_over_time($rate[$window]) / (avg_over_time($usual[$window]) >= $leastUsual / $seconds)
			unless on ($kind) $age > $fresh`, names)},
		{Record: metric.ShortfallSeen, Expr: rule.Expand(`
			(last_over_time($seen[$latched] offset 1ms) or last_over_time($shortfall[5m] offset $before) or $shortfall)
			and on ($service) $urgent`, names)},
		{Record: metric.ServiceImpact, Expr: rule.Expand(`
			clamp_min(sum by ($priced) (max by (transaction, $priced) ($shortfall - on ($stores) $seen)), 0)`, names)},
		{Record: metric.IncidentImpact, Expr: rule.Expand(`
			0 * max by (environment, incident, alert, app_service, priority) ($urgent)
			+ on ($service) group_left (currency) $impact`, names)},
	}
}

// figureRecords record figures as a whole. Exporters that ask the same database agree, but for when they asked.
func figureRecords() []rule.Rule {
	held := func(m *metric.Metric) string { return rule.Held(m.Select()) }
	return []rule.Rule{
		{Record: metric.FigureExpected, Expr: rule.Expand(
			"0 * topk by ($figure) (1, max by ($figureOwned) ("+rule.Urgencies("$figureInfo")+")) + 1", names)},
		{Record: metric.FigureTotal, Expr: rule.Expand(`
			sum by ($figure) (max by ($cells) (`+held(metric.ActiveUsers)+` or `+held(metric.OpenTickets)+` or `+
			held(metric.FigureValue)+`))
			or
			avg by ($figure) (max by ($cells) (`+held(metric.SatisfactionScore)+`))`, names)},
		{Record: metric.FigureDay, Expr: rule.Expand("avg_over_time($total[1d])", names)},
		{Record: metric.QueryAge, Expr: rule.Expand("time() - max by ($query) ($answered)", names)},
	}
}
