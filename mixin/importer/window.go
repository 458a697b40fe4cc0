package importer

import (
	"errors"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/config"
)

// windowMark stands for a window while an expression is parsed: no query has a range of so many milliseconds.
const (
	windowMark  = "7654321ms"
	windowRange = 7654321 * time.Millisecond
)

var promQL = parser.NewParser(parser.Options{})

// parseWindowed parses an expression over the policy's placeholder of windows.
func parseWindowed(query string) (parser.Expr, error) {
	return promQL.ParseExpr(strings.ReplaceAll(query, config.WindowPlaceholder, windowMark))
}

// printWindowed returns the text of an expression that parseWindowed has parsed.
func printWindowed(e parser.Expr) string {
	return strings.ReplaceAll(e.String(), "["+model.Duration(windowRange).String()+"]", "["+config.WindowPlaceholder+"]")
}

// overWindow returns a query over the policy's window. Every range of it is taken for the window; a counter without a
// range is counted by its rate.
func overWindow(query string) (string, error) {
	query = windowed(query)
	root, err := parseWindowed(query)
	if err != nil {
		return "", err
	}
	ranges := 0
	parser.Inspect(root, func(n parser.Node, _ []parser.Node) error {
		if m, ok := n.(*parser.MatrixSelector); ok {
			m.Range = windowRange
			ranges++
		}
		return nil
	})
	if ranges > 0 {
		return printWindowed(root), nil
	}
	switch e := root.(type) {
	case *parser.VectorSelector:
		return "sum(rate(" + e.String() + "[" + config.WindowPlaceholder + "]))", nil
	case *parser.AggregateExpr:
		if s, ok := e.Expr.(*parser.VectorSelector); ok && e.Op == parser.SUM {
			e.Expr = &parser.Call{
				Func: parser.Functions["rate"],
				Args: parser.Expressions{&parser.MatrixSelector{VectorSelector: s, Range: windowRange}},
			}
			return printWindowed(e), nil
		}
	}
	return "", errors.New("it has no range: write what it counts in a window")
}
