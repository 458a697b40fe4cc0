package slo

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// CheckExpression returns why an expression cannot count for an objective, or nil.
func CheckExpression(expr string) error {
	_, err := perStep(expr, "", &ownCopies{})
	return err
}

// perStep rewrites an expression over $window to count what was added since the total was last written. What rate and
// increase would extrapolate is counted exactly, by copies of what they read; sums and counts over time add up as they
// are. With an environment, series of ours must be of that environment.
func perStep(text, environment string, read *ownCopies) (string, error) {
	root, err := parseOwn(text)
	if err != nil {
		return "", err
	}
	if t := root.Type(); t != parser.ValueTypeVector {
		return "", fmt.Errorf("this yields a %s; write an expression that yields a vector, such as sum(rate(x_total[%s]))", t,
			config.WindowPlaceholder)
	}
	if other := rule.ForeignEnvironment(root, environment); environment != "" && other != "" {
		return "", fmt.Errorf("%s selects another environment than the policy's, which is %q; take it out, "+
			"the policy's own is added", other, environment)
	}
	c := counter{read: read}
	root = c.rewrite(root, "")
	if c.err == nil && !c.counts {
		c.refuse("this counts nothing over %[1]s; write PromQL such as sum(rate(x_total[%[1]s]))", config.WindowPlaceholder)
	}
	if c.err != nil {
		return "", c.err
	}
	return root.String(), nil
}

// parseOwn reads an expression with the totals' step for the window.
func parseOwn(text string) (parser.Expr, error) {
	root, err := rule.Grammar.ParseExpr(strings.ReplaceAll(text, config.WindowPlaceholder, rule.Span(rule.TotalsInterval)))
	if err != nil {
		return nil, fmt.Errorf("invalid PromQL: %w", err)
	}
	return root, nil
}

// counter rewrites what counts in an expression and refuses what does not add up from one step to the next.
type counter struct {
	read     *ownCopies
	counts   bool // something is counted over the window
	products int  // of a fraction and a count, around what is rewritten
	err      error
}

func (c *counter) refuse(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// parse returns the expression of a text that was put together here.
func (c *counter) parse(format string, args ...any) parser.Expr {
	e, err := rule.Grammar.ParseExpr(fmt.Sprintf(format, args...))
	if err != nil {
		c.refuse("%w", err)
		return &parser.NumberLiteral{}
	}
	return e
}

// additive are the functions of a range whose values over two steps add up to that over both.
var additive = []string{"rate", "increase", "sum_over_time", "count_over_time"}

// Functions of native histograms. Those of linear add up, so they are taken of each series; a fraction is taken of what
// was added in the step.
const histogramFraction = "histogram_fraction"

var linear = []string{"histogram_count", "histogram_sum"}

// rewrite returns an expression of steps. of is the function of native histograms around it, or empty.
func (c *counter) rewrite(e parser.Expr, of string) parser.Expr {
	switch n := e.(type) {
	case *parser.ParenExpr:
		n.Expr = c.rewrite(n.Expr, of)
	case *parser.UnaryExpr:
		n.Expr = c.rewrite(n.Expr, of)
	case *parser.AggregateExpr:
		if n.Op != parser.SUM && ranges(n.Expr) {
			c.refuse("%s does not add up over time; write sum, or no aggregation", n.Op)
		}
		n.Expr = c.rewrite(n.Expr, of)
	case *parser.BinaryExpr:
		return c.binary(n, of)
	case *parser.Call:
		return c.call(n, of)
	case *parser.VectorSelector:
		return c.applied(of, n)
	}
	return e
}

// applied is a function of native histograms of one series.
func (c *counter) applied(of string, e parser.Expr) parser.Expr {
	if slices.Contains(linear, of) {
		return c.parse("%s(%s)", of, e)
	}
	return e
}

func (c *counter) binary(n *parser.BinaryExpr, of string) parser.Expr {
	left, right := ranges(n.LHS), ranges(n.RHS)
	switch {
	case n.Op == parser.DIV && left && right:
		c.refuse("a ratio does not add up over time; write what is above the line as bad and what is below it as total")
	case n.Op == parser.DIV && right:
		c.refuse("what is divided by a rate does not add up over time; " +
			"write what is above the line as bad and what is below it as total")
	case n.Op == parser.MUL && left && right && !fractionOf(n.LHS, n.RHS) && !fractionOf(n.RHS, n.LHS):
		c.refuse(
			"a product of two rates does not add up over time; write one of them, or histogram_fraction times histogram_count")
	case (n.Op == parser.POW || n.Op == parser.MOD || n.Op == parser.ATAN2) && (left || right):
		c.refuse("%s does not add up over time; write sums and differences of rates", n.Op)
	}
	if n.Op == parser.MUL && left && right {
		c.products++
		defer func() { c.products-- }()
	}
	joined := (n.Op == parser.ADD || n.Op == parser.SUB) && left && right &&
		(n.VectorMatching == nil || !n.VectorMatching.On && len(n.VectorMatching.MatchingLabels) == 0)
	n.LHS, n.RHS = c.rewrite(n.LHS, of), c.rewrite(n.RHS, of)
	if !joined || c.err != nil {
		return n
	}
	// A side that is absent counted nothing: total less good is all of total while nothing was ever good.
	sign := ""
	if n.Op == parser.SUB {
		sign = "-1 * "
	}
	return c.parse(`(sum without (side) (label_replace(%s, "side", "left", "", "") or label_replace(%s(%s), "side", `+
		`"right", "", "")))`, n.LHS, sign, n.RHS)
}

// fractionOf reports whether one side is a share of what the other counts.
func fractionOf(share, count parser.Expr) bool {
	return calls(share, histogramFraction) && !calls(count, histogramFraction) && calls(count, linear[0])
}

func (c *counter) call(n *parser.Call, of string) parser.Expr {
	name := n.Func.Name
	if len(n.Args) > 0 {
		switch arg := n.Args[0].(type) {
		case *parser.MatrixSelector:
			return c.counted(n, arg, of)
		case *parser.SubqueryExpr:
			c.additive(name)
			if arg.Range != rule.TotalsInterval {
				c.refuse("write [%s:...] for the range, so that every window can be filled in", config.WindowPlaceholder)
			}
			if arg.OriginalOffset != 0 || arg.Timestamp != nil || arg.StartOrEnd != 0 {
				c.refuse("offset and @ have no place in an objective; take them out")
			}
			c.counts = true
			return c.applied(of, n)
		}
	}
	switch {
	case slices.Contains(linear, name):
		return &parser.ParenExpr{Expr: c.rewrite(n.Args[0], name)}
	case name == histogramFraction && c.products == 0:
		c.refuse("a fraction does not add up over time; multiply it by histogram_count of the same histograms")
	case name != histogramFraction && strings.HasPrefix(name, "histogram_"):
		c.refuse("%s does not add up over time; write histogram_count, histogram_sum, "+
			"or histogram_fraction times histogram_count", name)
	case name == histogramFraction:
		of = histogramFraction
	}
	for i, arg := range n.Args {
		n.Args[i] = c.rewrite(arg, of)
	}
	return n
}

func (c *counter) additive(name string) {
	if !slices.Contains(additive, name) {
		c.refuse("%s does not add up over time; write one of %s", name, strings.Join(additive, ", "))
	}
}

// counted is what a function of a range counted in a step.
func (c *counter) counted(call *parser.Call, arg *parser.MatrixSelector, of string) parser.Expr {
	c.additive(call.Func.Name)
	if arg.Range != rule.TotalsInterval || arg.RangeExpr != nil {
		c.refuse("write [%s] for the range, so that every window can be filled in", config.WindowPlaceholder)
	}
	selector, ok := arg.VectorSelector.(*parser.VectorSelector)
	if !ok {
		return call
	}
	if selector.OriginalOffset != 0 || selector.Timestamp != nil || selector.StartOrEnd != 0 {
		c.refuse("offset and @ have no place in an objective; take them out")
	}
	c.counts = true
	if c.err != nil {
		return call
	}
	if name := call.Func.Name; name != "rate" && name != "increase" {
		return c.applied(of, call)
	}
	return c.parse("%s", c.read.step(selector.String(), of))
}

// ranges reports whether an expression looks at a range of time.
func ranges(e parser.Expr) bool {
	return contains(e, func(node parser.Node) bool {
		switch node.(type) {
		case *parser.MatrixSelector, *parser.SubqueryExpr:
			return true
		}
		return false
	})
}

// calls reports whether an expression calls a function.
func calls(e parser.Expr, function string) bool {
	return contains(e, func(node parser.Node) bool {
		call, ok := node.(*parser.Call)
		return ok && call.Func.Name == function
	})
}

func contains(e parser.Expr, is func(parser.Node) bool) bool {
	found := false
	parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
		found = found || node != nil && is(node)
		return nil
	})
	return found
}
