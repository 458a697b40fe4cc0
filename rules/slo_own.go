package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// chunk is how many of the policy's own objectives share a group, which holds two steps and two totals of each.
const chunk = groupLimit / 4

// ownLedger adds up the events of the policy's own objectives. From the totals on they are judged by the same
// rules as requests.
func ownLedger(p *config.Policy) ([]Group, error) {
	var groups []Group
	var errs []error
	for start := 0; start < len(p.SLOs); start += chunk {
		var rules []Rule
		for i, s := range p.SLOs[start:min(start+chunk, len(p.SLOs))] {
			path := fmt.Sprintf("slos[%d]", start+i)
			total, err := perStep(s.Total, p.Environment)
			if err != nil {
				errs = append(errs, p.ErrorAt(path+".total", "%v", err))
			}
			bad, err := perStep(s.Bad, p.Environment)
			if err != nil {
				errs = append(errs, p.ErrorAt(path+".bad", "%v", err))
			}
			labels := map[string]string{
				metric.LabelEnvironment: p.Environment, metric.LabelAppService: s.AppService, metric.LabelSLO: s.Name,
			}
			planned := "\nunless on () " + metric.Maintenance.Select(
				fmt.Sprintf("%s=%q", metric.LabelEnvironment, p.Environment), fmt.Sprintf("%s=%q", metric.LabelAppService, s.AppService))
			rules = append(rules,
				Rule{Record: metric.EventsLedger.Step, Labels: labels, Expr: "sum(" + total + ")" + planned},
				// Nothing bad is 0, as long as there is something at all.
				Rule{Record: metric.BadLedger.Step, Labels: labels, Expr: "(sum(" + bad + ") or 0 * sum(" + total + "))" + planned},
			)
			for _, total := range sloTotals(fmt.Sprintf("%s=%q", metric.LabelSLO, s.Name)) {
				total.Labels = labels // the same as its series have; promtool asks for rules that differ
				rules = append(rules, total)
			}
		}
		groups = append(groups, Group{
			Name:     fmt.Sprintf("thorbis-slo-own-%d", len(groups)+1),
			Interval: ledgerInterval,
			Rules:    rules,
		})
	}
	return groups, errors.Join(errs...)
}

// CheckSLO tells why an expression cannot count for an objective, if it cannot.
func CheckSLO(expr string) error {
	_, err := perStep(expr, "")
	return err
}

// perStep turns an expression over $window into what was added since the ledger was last written. What rate and
// increase would extrapolate is counted exactly; sums and counts over time add up as they are. Without an environment it is
// not known which one the series must be of.
func perStep(text, environment string) (string, error) {
	step := span(ledgerInterval)
	text = strings.TrimSpace(strings.ReplaceAll(text, config.WindowPlaceholder, step))
	root, err := grammar.ParseExpr(text)
	if err != nil {
		return "", fmt.Errorf("this is no PromQL: %w", err)
	}
	if t := root.Type(); t != parser.ValueTypeVector {
		return "", fmt.Errorf("this yields a %s; write an expression that yields a vector, such as sum(rate(x_total[%s]))", t, config.WindowPlaceholder)
	}
	if other := foreignEnvironment(root, environment); environment != "" && other != "" {
		return "", fmt.Errorf("%s selects another environment than the policy's, which is %q; take it out, the policy's own is added", other, environment)
	}
	c := counter{text: text}
	parser.Inspect(root, func(node parser.Node, path []parser.Node) error {
		c.visit(node, path)
		return nil
	})
	if c.err != nil {
		return "", c.err
	}
	// From the end, so that earlier positions stay true.
	slices.SortFunc(c.edits, func(a, b edit) int { return b.start - a.start })
	for _, e := range c.edits {
		text = text[:e.start] + e.text + text[e.end:]
	}
	_, err = grammar.ParseExpr(text)
	return text, err
}

// edit replaces a part of an expression.
type edit struct {
	start, end int
	text       string
}

// counter finds what counts in an expression and refuses what does not add up from one step to the next.
type counter struct {
	text  string
	edits []edit
	err   error
}

func (c *counter) refuse(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// additive are the functions of a range whose values over two steps add up to that over both.
var additive = []string{"rate", "increase", "sum_over_time", "count_over_time"}

func (c *counter) visit(node parser.Node, path []parser.Node) {
	inSubquery := slices.ContainsFunc(path, func(n parser.Node) bool { _, ok := n.(*parser.SubqueryExpr); return ok })
	switch n := node.(type) {
	case *parser.BinaryExpr:
		if n.Op == parser.DIV && ranges(n.LHS) && ranges(n.RHS) {
			c.refuse("a ratio does not add up over time; write what is above the line as bad and what is below it as total")
		}
	case *parser.AggregateExpr:
		if !inSubquery && n.Op != parser.SUM {
			c.refuse("%s does not add up over time; write sum, or no aggregation", n.Op)
		}
	case *parser.Call:
		if inSubquery || len(n.Args) == 0 {
			return
		}
		switch arg := n.Args[0].(type) {
		case *parser.MatrixSelector:
			c.call(n, arg)
		case *parser.SubqueryExpr:
			c.additive(n)
			if arg.Range != ledgerInterval {
				c.refuse("write [%s:...] for the range, so that every window can be filled in", config.WindowPlaceholder)
			}
		}
	}
}

func (c *counter) additive(call *parser.Call) {
	if !slices.Contains(additive, call.Func.Name) {
		c.refuse("%s does not add up over time; write one of %s", call.Func.Name, strings.Join(additive, ", "))
	}
}

func (c *counter) call(call *parser.Call, arg *parser.MatrixSelector) {
	c.additive(call)
	if arg.Range != ledgerInterval {
		c.refuse("write [%s] for the range, so that every window can be filled in", config.WindowPlaceholder)
	}
	selector, ok := arg.VectorSelector.(*parser.VectorSelector)
	if !ok {
		return
	}
	if selector.OriginalOffset != 0 || selector.Timestamp != nil || selector.StartOrEnd != 0 {
		c.refuse("offset and @ have no place in an objective; take them out")
		return
	}
	if name := call.Func.Name; name == "rate" || name == "increase" {
		at := call.PositionRange()
		c.edits = append(c.edits, edit{int(at.Start), int(at.End), counted(selector.String(), ledgerInterval)})
	}
}

// ranges reports whether an expression looks at a range of time.
func ranges(e parser.Expr) bool {
	found := false
	parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
		switch node.(type) {
		case *parser.MatrixSelector, *parser.SubqueryExpr:
			found = true
		}
		return nil
	})
	return found
}
