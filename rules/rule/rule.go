// Package rule is the kit of the rules: types of rules, groups and subjects, expansion of expressions, priorities,
// thresholds, cumulative totals and rendering. A subject is a package beside it.
package rule

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Rule is a recording rule (Record is set) or an alerting rule (Alert is set).
type Rule struct {
	Record *metric.Record
	Alert  *metric.Alert

	Expr          string
	For           time.Duration
	KeepFiringFor time.Duration
	// Priority of an alert: P1 to P4, empty for the one that always fires.
	Priority    string
	Labels      map[string]string
	Annotations map[string]string
}

// Group is a list of rules that are evaluated one after the other, each seeing the results of those before.
type Group struct {
	Name     string
	Interval time.Duration
	Rules    []Rule
}

// File is one generated rules file.
type File struct {
	Name   string
	Groups []Group
}

// Subject is what one generated file judges.
type Subject struct {
	// File is the name of the generated file.
	File string
	// Groups returns its groups in the order in which they are written. It fails on an invalid expression of the policy.
	Groups func(p *config.Policy) ([]Group, error)
}

// Names maps the placeholders of an expression to what stands for them.
type Names map[string]string

// Expand fills the $placeholders of a PromQL text. It is how every expression here takes its series and
// numbers from a declaration. A placeholder that nothing stands for is a bug and shows up in format.
func Expand(text string, n Names) string {
	return os.Expand(text, func(key string) string {
		if v, ok := n[key]; ok {
			return v
		}
		if v, ok := Levels[key]; ok {
			return v
		}
		return "$" + key
	})
}

// Grammar parses PromQL.
var Grammar = parser.NewParser(parser.Options{})

// format checks a PromQL text and strips the indentation it has in the Go source.
func format(text string) (string, error) {
	if _, err := Grammar.ParseExpr(text); err != nil {
		return "", fmt.Errorf("%w in\n%s", err, text)
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	indent := len(text)
	for _, line := range lines[1:] {
		if trimmed := strings.TrimLeft(line, "\t"); trimmed != "" {
			indent = min(indent, len(line)-len(trimmed))
		}
	}
	// The first line lost its indentation to TrimSpace; it is the outermost.
	for i, line := range lines[1:] {
		line = strings.TrimRight(line[min(indent, len(line)):], " \t")
		trimmed := strings.TrimLeft(line, "\t")
		lines[i+1] = strings.Repeat("  ", len(line)-len(trimmed)) + trimmed
	}
	return strings.Join(lines, "\n"), nil
}

// Braces puts a matcher in braces; none stays none.
func Braces(matcher string) string {
	if matcher == "" {
		return ""
	}
	return "{" + matcher + "}"
}

// Name returns the name of the record or of the alert.
func (r Rule) Name() string {
	if r.Record != nil {
		return r.Record.Name
	}
	return r.Alert.Name
}

// GroupLimit is how many rules mixtool permits in a group.
const GroupLimit = 20

// Constant records a value of the policy as a series, so that the rules are the same for every policy.
func Constant(p *config.Policy, r *metric.Record, value string, labels map[string]string) Rule {
	labels[metric.LabelEnvironment] = p.Environment
	return Rule{Record: r, Expr: "vector(" + value + ")", Labels: labels}
}

// Split cuts rules into groups that mixtool permits.
func Split(name string, rules []Rule) []Group {
	var groups []Group
	for chunk := range slices.Chunk(rules, GroupLimit) {
		groups = append(groups, Group{
			Name:     fmt.Sprintf("%s-%d", name, len(groups)+1),
			Interval: WindowInterval,
			Rules:    chunk,
		})
	}
	return groups
}
