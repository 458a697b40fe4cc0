package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Why selectors name the environment. Several bundles, one for each environment, may be loaded into one Prometheus. A
// rule that read the series of all environments would write what the rule of another bundle writes too. Every running
// total would then grow twice. So finish adds the policy's environment to the selectors of series of ours, after the
// expression is written: to all but those whose series meet the environment by a match. Series of other programs are
// read whatever their environment, because they seldom use the same names. docs/alerts.md lists them.

// EnvironmentMatcher selects the series of an environment.
func EnvironmentMatcher(environment string) string {
	return fmt.Sprintf("%s=%q", metric.LabelEnvironment, environment)
}

// OtherEnvironments selects the series of all other environments. A selector that names the environment itself is left
// as it is.
func OtherEnvironments(environment string) string {
	return fmt.Sprintf("%s!=%q", metric.LabelEnvironment, environment)
}

// Scope is the environment whose series a bundle reads.
type Scope struct {
	environment string
	Matcher     string // of the environment
}

// ScopeOf returns the scope of one environment.
func ScopeOf(environment string) Scope {
	return Scope{environment, EnvironmentMatcher(environment)}
}

// Restrict adds the matcher of the environment to the selectors of series of ours that need it.
func (sc Scope) Restrict(expr string) (string, error) {
	root, err := Grammar.ParseExpr(expr)
	if err != nil {
		return "", fmt.Errorf("%w in\n%s", err, expr)
	}
	at := sc.unrestricted(root, false)
	// From the end, so that earlier positions stay true.
	slices.SortFunc(at, func(a, b *parser.VectorSelector) int { return int(b.PosRange.Start - a.PosRange.Start) })
	for _, s := range at {
		expr = addMatcher(expr, int(s.PosRange.Start), s.Name, sc.Matcher)
	}
	return expr, nil
}

// addMatcher adds a matcher to the selector that begins at a position: name, name{...}, {"name", ...} or
// {__name__="name"}.
func addMatcher(expr string, start int, name, matcher string) string {
	end := start
	if strings.HasPrefix(expr[start:], name) {
		end += len(name)
	}
	brace := skipSpace(expr, end)
	if brace < len(expr) && expr[brace] == '{' {
		return expr[:brace+1] + matcher + "," + expr[brace+1:]
	}
	return expr[:end] + "{" + matcher + "}" + expr[end:]
}

// skipSpace returns the position of what follows blanks and comments.
func skipSpace(expr string, from int) int {
	for from < len(expr) {
		switch {
		case strings.ContainsRune(" \t\r\n", rune(expr[from])):
			from++
		case expr[from] == '#':
			end := strings.IndexByte(expr[from:], '\n')
			if end < 0 {
				return len(expr)
			}
			from += end
		default:
			return from
		}
	}
	return from
}

// namedOther reports whether a matcher leaves series of other environments in.
func (sc Scope) namedOther(m *labels.Matcher) bool {
	return m.Name == metric.LabelCopy || m.Name == metric.LabelEnvironment && m.Type != labels.MatchEqual
}

// named reports whether a matcher compares the environment with the policy's, by = or by !=. Copies of what the
// policy's own objectives read keep the labels of their sources, which may have another environment or none: theirs is
// in the name of the copy.
func (sc Scope) named(m *labels.Matcher) bool {
	if m.Name == metric.LabelCopy {
		return m.Type == labels.MatchEqual
	}
	return m.Name == metric.LabelEnvironment && m.Value == sc.environment &&
		(m.Type == labels.MatchEqual || m.Type == labels.MatchNotEqual)
}

// readsOurs reports whether a selector reads series of the exporter, records of these rules or their alerts.
func readsOurs(s *parser.VectorSelector) bool {
	bundle, prefix := false, false
	for _, m := range s.LabelMatchers {
		bundle = bundle || m.Name == metric.LabelBundle && m.Type == labels.MatchEqual && m.Value == metric.BundleThorbis
		prefix = prefix || m.Name == model.MetricNameLabel && metric.Ours(m.Value) // a regular expression as well
	}
	return prefix || slices.ContainsFunc(NamesOf(s), func(name string) bool {
		return metric.Ours(name) || bundle && strings.HasPrefix(name, "ALERTS")
	})
}

// ForeignEnvironment returns the first environment that an expression asks of a series of ours and that is not the
// policy's.
func ForeignEnvironment(root parser.Expr, environment string) string {
	var found string
	parser.Inspect(root, func(node parser.Node, _ []parser.Node) error {
		s, ok := node.(*parser.VectorSelector)
		if !ok || !readsOurs(s) {
			return nil
		}
		for _, m := range s.LabelMatchers {
			if m.Name == metric.LabelEnvironment && !m.Matches(environment) && found == "" {
				found = m.String()
			}
		}
		return nil
	})
	return found
}

// Adopted gives series of other programs the policy's environment. It leaves out those that name the environment of
// another loaded bundle. A set operator in the expression must be in parentheses.
func Adopted(p *config.Policy, expr string) string {
	return Expand(`label_replace(
		$expr
		unless on (environment) $others,
		"environment", "$own", "", ""
	)`, Names{
		"expr": expr, "own": p.Environment,
		"others": metric.PolicyErrorBudget.Select(OtherEnvironments(p.Environment)),
	})
}
