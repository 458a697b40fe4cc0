package rule

import (
	"slices"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/metric"
)

// unrestricted returns the selectors of series of ours that must name the environment, so that the series of other
// environments change nothing in the result of an expression. bound states that what surrounds the expression takes
// only series of the policy's environment from it. So two sides that are matched by the environment need the matcher
// on one of them: series of another environment find no partner there.
func (sc Scope) unrestricted(e parser.Expr, bound bool) []*parser.VectorSelector {
	switch n := e.(type) {
	case *parser.VectorSelector:
		if bound || !readsOurs(n) || slices.ContainsFunc(n.LabelMatchers, sc.named) {
			return nil
		}
		return []*parser.VectorSelector{n}
	case *parser.AggregateExpr:
		all := sc.unrestricted(n.Expr, bound && grouped(n))
		if n.Param != nil {
			all = append(all, sc.unrestricted(n.Param, false)...)
		}
		return all
	case *parser.BinaryExpr:
		return sc.ofBinary(n, bound)
	case *parser.Call:
		bound = bound && labelKept(n)
	}
	var all []*parser.VectorSelector
	for _, child := range parser.Children(e) {
		if c, ok := child.(parser.Expr); ok {
			all = append(all, sc.unrestricted(c, bound)...)
		}
	}
	return all
}

// ofBinary is unrestricted for two sides.
func (sc Scope) ofBinary(n *parser.BinaryExpr, bound bool) []*parser.VectorSelector {
	both := func(left, right bool) []*parser.VectorSelector {
		return append(sc.unrestricted(n.LHS, left), sc.unrestricted(n.RHS, right)...)
	}
	m := n.VectorMatching
	switch {
	case m == nil: // one side is a number
		return both(bound, bound)
	case !matched(m): // a series of another environment can be the partner of one of ours
		return both(bound && (n.Op == parser.LAND || n.Op == parser.LUNLESS), bound && n.Op == parser.LOR)
	case bound || n.Op == parser.LOR:
		return both(bound, bound)
	case n.Op == parser.LUNLESS:
		return both(false, sc.restricts(n.LHS))
	}
	// Series of another environment are dropped on one side if the other has none. The side with fewer selectors names it.
	left, right := sc.unrestricted(n.LHS, false), sc.unrestricted(n.RHS, false)
	fromLeft := append(slices.Clone(left), sc.unrestricted(n.RHS, true)...)
	fromRight := append(sc.unrestricted(n.LHS, true), right...)
	switch {
	case sc.restricts(n.LHS) && (len(fromLeft) <= len(fromRight) || !sc.restricts(n.RHS)):
		return fromLeft
	case sc.restricts(n.RHS):
		return fromRight
	}
	return append(left, right...)
}

// restricts reports whether all series of an expression have the policy's environment, once the selectors that are
// unrestricted in it name the environment.
func (sc Scope) restricts(e parser.Expr) bool {
	switch n := e.(type) {
	case *parser.VectorSelector:
		return readsOurs(n) && !slices.ContainsFunc(n.LabelMatchers, sc.namedOther)
	case *parser.AggregateExpr:
		return grouped(n) && sc.restricts(n.Expr)
	case *parser.Call:
		return labelKept(n) && slices.ContainsFunc(n.Args, sc.restricts)
	case *parser.BinaryExpr:
		left, right := sc.restricts(n.LHS), sc.restricts(n.RHS)
		m := n.VectorMatching
		switch {
		case m == nil:
			return left || right
		case n.Op == parser.LOR:
			return left && right
		case n.Op == parser.LUNLESS:
			return left
		case n.Op == parser.LAND || matched(m):
			return left || right && matched(m)
		case m.Card == parser.CardManyToOne:
			return left && !slices.Contains(m.Include, metric.LabelEnvironment)
		case m.Card == parser.CardOneToMany:
			return right && !slices.Contains(m.Include, metric.LabelEnvironment)
		}
		return false // the result has the labels that are matched, which are without the environment
	}
	return slices.ContainsFunc(parser.Children(e), func(child parser.Node) bool {
		c, ok := child.(parser.Expr)
		return ok && sc.restricts(c)
	})
}

// matched reports whether two sides are matched by the environment.
func matched(m *parser.VectorMatching) bool {
	return m.On == slices.Contains(m.MatchingLabels, metric.LabelEnvironment) &&
		!slices.Contains(m.Include, metric.LabelEnvironment)
}

// grouped reports whether an aggregation keeps the environments apart.
func grouped(a *parser.AggregateExpr) bool {
	return a.Without != slices.Contains(a.Grouping, metric.LabelEnvironment)
}

// labelKept reports whether the series of a function's result are those of its argument, with their environment.
func labelKept(c *parser.Call) bool {
	switch c.Func.Name {
	case "absent", "absent_over_time", "scalar":
		return false
	case "label_replace", "label_join":
		label, ok := c.Args[1].(*parser.StringLiteral)
		return ok && label.Val != metric.LabelEnvironment
	}
	return true
}
