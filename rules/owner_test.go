package rules_test

import (
	"slices"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// An alert whose series carry an owner notifies that owner: a label of the rule's own would take its place.
func TestOwnersOfThingsAreNotified(t *testing.T) {
	b, err := rules.Build(ruletest.Policy(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range b.Groups() {
		for _, r := range g.Rules {
			if r.Alert == nil {
				continue
			}
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(r.Expr)
			if err != nil {
				t.Fatal(err)
			}
			if has := carries(expr, metric.LabelOwner); has != r.Alert.Page {
				t.Errorf("%s (%s): its series carry an owner: %v, its declaration says %v", r.Name(), r.Priority, has, r.Alert.Page)
			}
		}
	}
}

// carries reports whether the result of an expression can have a label.
func carries(e parser.Expr, label string) bool {
	switch n := e.(type) {
	case *parser.ParenExpr:
		return carries(n.Expr, label)
	case *parser.UnaryExpr:
		return carries(n.Expr, label)
	case *parser.StepInvariantExpr:
		return carries(n.Expr, label)
	case *parser.SubqueryExpr:
		return carries(n.Expr, label)
	case *parser.MatrixSelector:
		return carries(n.VectorSelector, label)
	case *parser.Call:
		return slices.ContainsFunc(n.Args, func(a parser.Expr) bool { return carries(a, label) })
	case *parser.AggregateExpr:
		switch listed := slices.Contains(n.Grouping, label); {
		case n.Op == parser.TOPK || n.Op == parser.BOTTOMK, n.Without && !listed:
			return carries(n.Expr, label)
		default:
			return listed && !n.Without && carries(n.Expr, label)
		}
	case *parser.BinaryExpr:
		return joined(n, label)
	case *parser.VectorSelector:
		return slices.ContainsFunc(rules.NamesOf(n), func(name string) bool { return slices.Contains(labelsOf(name), label) })
	}
	return false
}

// joined reports whether the result of an operation on two vectors can have a label.
func joined(n *parser.BinaryExpr, label string) bool {
	left, right := carries(n.LHS, label), carries(n.RHS, label)
	m := n.VectorMatching
	switch {
	case m == nil: // one side is a scalar
		return left || right
	case n.Op == parser.LOR:
		return left || right
	case n.Op == parser.LAND || n.Op == parser.LUNLESS:
		return left
	case m.Card == parser.CardManyToOne:
		return left || right && slices.Contains(m.Include, label)
	case m.Card == parser.CardOneToMany:
		return right || left && slices.Contains(m.Include, label)
	case m.On:
		return slices.Contains(m.MatchingLabels, label) && left
	}
	return left && !slices.Contains(m.MatchingLabels, label)
}

// labelsOf returns the labels of a metric or record that is declared.
func labelsOf(name string) []string {
	for _, m := range metric.All() {
		if m.Name == name {
			return m.Labels
		}
	}
	for _, r := range metric.Records() {
		if r.Name == name {
			return r.Labels
		}
	}
	return nil
}
