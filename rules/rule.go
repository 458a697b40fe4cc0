package rules

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

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

// names maps the placeholders of an expression to what stands for them.
type names map[string]string

// expand fills the $placeholders of a PromQL text. It is how every expression here takes its series and
// numbers from a declaration. A placeholder that nothing stands for is a bug and shows up in format.
func expand(text string, n names) string {
	return os.Expand(text, func(key string) string {
		if v, ok := n[key]; ok {
			return v
		}
		if v, ok := levels[key]; ok {
			return v
		}
		return "$" + key
	})
}

var grammar = parser.NewParser(parser.Options{})

// format checks a PromQL text and strips the indentation it has in the Go source.
func format(text string) (string, error) {
	if _, err := grammar.ParseExpr(text); err != nil {
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
