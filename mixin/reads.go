package mixin

import (
	"maps"
	"slices"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/rules"
)

var grammar = parser.NewParser(parser.Options{})

// readers returns, for every series that the rules read, the alerts that rest on it, by way of records too.
func readers(bundle rules.Bundle) map[string][]string {
	inputs := map[string]map[string]bool{} // of a record, or of an alert
	alerts := map[string]bool{}
	for _, g := range bundle.Groups() {
		for _, r := range g.Rules {
			var name string
			if r.Record != nil {
				name = r.Record.Name
			} else {
				name = r.Alert.Name
				alerts[name] = true
			}
			if inputs[name] == nil {
				inputs[name] = map[string]bool{}
			}
			root, err := grammar.ParseExpr(r.Expr)
			if err != nil {
				continue // the bundle was checked when it was built
			}
			parser.Inspect(root, func(node parser.Node, _ []parser.Node) error {
				if s, ok := node.(*parser.VectorSelector); ok {
					for _, input := range rules.NamesOf(s) {
						inputs[name][input] = true
					}
				}
				return nil
			})
		}
	}
	found := map[string][]string{}
	for alert := range alerts {
		seen := map[string]bool{}
		for open := []string{alert}; len(open) > 0; {
			name := open[0]
			open = open[1:]
			for input := range inputs[name] {
				if !seen[input] {
					seen[input] = true
					open = append(open, input)
				}
			}
		}
		for name := range seen {
			found[name] = append(found[name], alert)
		}
	}
	for _, name := range slices.Collect(maps.Keys(found)) {
		slices.Sort(found[name])
	}
	return found
}
