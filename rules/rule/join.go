package rule

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Why joins choose one series. A Prometheus that is restarted has forgotten which series its rules wrote, and ends none
// of them: one that has got another owner, page, tier or host meanwhile stands beside the former one for the five
// minutes of the lookback. A match with both fails ("many-to-many matching not allowed"), and with it each alert on the
// thing concerned. So finish puts a topk around the selector of a side that must have one series for each match, where
// the declared labels allow more. Of series whose value is a time, topk takes the newest.

// labelSet are names of labels.
type labelSet map[string]struct{}

func labelSetOf(names []string) labelSet {
	s := labelSet{}
	for _, name := range names {
		s[name] = struct{}{}
	}
	return s
}

func (s labelSet) without(other labelSet) labelSet {
	s = maps.Clone(s)
	maps.DeleteFunc(s, func(name string, _ struct{}) bool { _, ok := other[name]; return ok })
	return s
}

func (s labelSet) and(other labelSet) labelSet {
	both := labelSet{}
	maps.Copy(both, s)
	maps.Copy(both, other)
	return both
}

// declaredLabels are the labels of the metrics and records of the catalogue, by name.
var declaredLabels = sync.OnceValue(func() map[string]labelSet {
	all := map[string]labelSet{}
	for _, m := range metric.All() {
		all[m.Name] = labelSetOf(append([]string{metric.LabelEnvironment, "job", "instance"}, m.Labels...))
	}
	for _, r := range metric.Records() {
		all[r.Name] = labelSetOf(r.Labels)
	}
	return all
})

// shape is what is known of the series that an expression returns.
type shape struct {
	labels labelSet // which they can have
	unique labelSet // no two have the same values of these
}

// joins finds the sides of matches that may have several series for one match.
type joins struct{ edits []edit }

// edit puts text into an expression.
type edit struct {
	at   int
	text string
}

// OneEach changes the expression so that no match fails while a former series stands beside its successor. Series of
// other programs, whose labels are not declared, are left as they are.
func OneEach(expr string) (string, error) {
	root, err := Grammar.ParseExpr(expr)
	if err != nil {
		return "", fmt.Errorf("%w in\n%s", err, expr)
	}
	var j joins
	j.shape(root)
	slices.SortStableFunc(j.edits, func(a, b edit) int { return b.at - a.at }) // earlier positions stay true
	for _, e := range j.edits {
		expr = expr[:e.at] + e.text + expr[e.at:]
	}
	return expr, nil
}

func (j *joins) shape(e parser.Expr) shape {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return j.shape(e.Expr)
	case *parser.UnaryExpr:
		return j.shape(e.Expr)
	case *parser.SubqueryExpr:
		return j.shape(e.Expr)
	case *parser.MatrixSelector:
		return j.shape(e.VectorSelector)
	case *parser.VectorSelector:
		return selected(e)
	case *parser.AggregateExpr:
		return j.aggregated(e)
	case *parser.Call:
		return j.called(e)
	case *parser.BinaryExpr:
		return j.binary(e)
	}
	return shape{} // a number
}

func selected(s *parser.VectorSelector) shape {
	can := labelSet{}
	for _, name := range NamesOf(s) {
		can = can.and(declaredLabels()[name])
	}
	for _, m := range s.LabelMatchers {
		if m.Type == labels.MatchEqual {
			delete(can, m.Name)
		}
	}
	return shape{can, can}
}

func (j *joins) aggregated(e *parser.AggregateExpr) shape {
	inner := j.shape(e.Expr)
	by := labelSetOf(e.Grouping)
	if e.Without {
		by = inner.labels.without(by)
	}
	if e.Op == parser.TOPK || e.Op == parser.BOTTOMK {
		if n, ok := e.Param.(*parser.NumberLiteral); ok && n.Val == 1 {
			return shape{inner.labels, by}
		}
		return inner
	}
	return shape{by, by}
}

func (j *joins) called(e *parser.Call) shape {
	var s shape
	for _, a := range e.Args {
		if t := a.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			s = j.shape(a)
		}
	}
	switch e.Func.Name {
	case "absent", "absent_over_time", "scalar", "vector":
		return shape{}
	case "histogram_quantile":
		bucket := labelSetOf([]string{labels.BucketLabel})
		return shape{s.labels.without(bucket), s.unique.without(bucket)}
	case "label_replace", "label_join":
		return shape{s.labels.and(labelSetOf([]string{text(e.Args[1])})), s.unique}
	}
	return s
}

func text(e parser.Expr) string {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return text(e.Expr)
	case *parser.StringLiteral:
		return e.Val
	}
	return ""
}

func (j *joins) binary(e *parser.BinaryExpr) shape {
	left, right := j.shape(e.LHS), j.shape(e.RHS)
	switch {
	case e.LHS.Type() == parser.ValueTypeScalar:
		return right
	case e.RHS.Type() == parser.ValueTypeScalar || e.Op == parser.LAND || e.Op == parser.LUNLESS:
		return left
	case e.Op == parser.LOR:
		// The right side adds what matches nothing on the left.
		return shape{left.labels.and(right.labels), left.unique.and(right.unique)}
	}
	match := e.VectorMatching
	switch match.Card {
	case parser.CardManyToOne:
		j.choose(e.RHS, right, match)
		return j.many(e.LHS, left, match)
	case parser.CardOneToMany:
		j.choose(e.LHS, left, match)
		return j.many(e.RHS, right, match)
	}
	j.choose(e.LHS, left, match)
	j.choose(e.RHS, right, match)
	on := labelSetOf(match.MatchingLabels)
	if !match.On {
		on = left.labels.without(on)
	}
	return shape{on, on}
}

// many returns the result of a match with the many series of a side, and has one chosen of those that differ in nothing
// but the labels that they are given.
func (j *joins) many(side parser.Expr, s shape, match *parser.VectorMatching) shape {
	given := labelSetOf(match.Include)
	unique := s.unique.without(given)
	if len(unique) < len(s.unique) {
		j.edit(side, "by", slices.Sorted(maps.Keys(unique)))
	}
	return shape{s.labels.and(given), unique}
}

// choose has one series chosen for each match of a side, if it may have several.
func (j *joins) choose(side parser.Expr, s shape, match *parser.VectorMatching) {
	matched, by := labelSetOf(match.MatchingLabels), "by"
	if !match.On {
		matched, by = s.labels.without(matched), "without"
	}
	if len(s.unique.without(matched)) > 0 {
		j.edit(side, by, match.MatchingLabels)
	}
}

func (j *joins) edit(side parser.Expr, by string, names []string) {
	at := innermost(side).PositionRange()
	j.edits = append(j.edits, edit{int(at.End), ")"},
		edit{int(at.Start), "topk " + by + " (" + Join(names...) + ") (1, "})
}

// innermost is the selector of a side that only compares it with a number or reckons with one, else the whole side.
// The values of a selector are those to choose by: what is compared is 1 for all of them.
func innermost(side parser.Expr) parser.Expr {
	switch e := side.(type) {
	case *parser.ParenExpr:
		return innermost(e.Expr)
	case *parser.BinaryExpr:
		if e.LHS.Type() == parser.ValueTypeScalar {
			return innermost(e.RHS)
		}
		if e.RHS.Type() == parser.ValueTypeScalar {
			return innermost(e.LHS)
		}
	}
	return side
}
