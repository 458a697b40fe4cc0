package backtest

import (
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
)

var grammar = parser.NewParser(parser.Options{})

// selectors are the series that an expression asks for, by name, as they are written. One that lists names is one for
// each of them.
func selectors(expr string) map[string][]string {
	root, err := grammar.ParseExpr(expr)
	if err != nil {
		return nil // the bundle was checked when it was built
	}
	found := map[string][]string{}
	parser.Inspect(root, func(node parser.Node, _ []parser.Node) error {
		s, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		names := rules.NamesOf(s)
		if len(names) == 0 {
			found[""] = nil // it may read anything
		}
		for _, name := range names {
			plain := parser.VectorSelector{Name: name, LabelMatchers: []*labels.Matcher{
				labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, name),
			}}
			for _, m := range s.LabelMatchers {
				if m.Name != model.MetricNameLabel {
					plain.LabelMatchers = append(plain.LabelMatchers, m)
				}
			}
			found[name] = append(found[name], plain.String())
		}
		return nil
	})
	return found
}

// inputs are the selectors of all series that the rules read and do not write themselves, those of our metrics in the
// policy's environment. A selector that asks for no more than another does is left out.
func inputs(bundle rules.Bundle) []string {
	written, wanted := map[string]bool{}, map[string]map[string]bool{}
	for _, g := range bundle.Groups() {
		for _, r := range g.Rules {
			if r.Record != nil {
				written[r.Record.Name] = true
			}
		}
	}
	for _, g := range bundle.Groups() {
		for _, r := range g.Rules {
			for name, texts := range selectors(r.Expr) {
				if written[name] || name == "ALERTS" {
					continue
				}
				if wanted[name] == nil {
					wanted[name] = map[string]bool{}
				}
				for _, text := range texts {
					if one, err := bundle.Restrict(text); err == nil {
						wanted[name][one] = true
					}
				}
			}
		}
	}
	var all []string
	for _, texts := range wanted {
		all = append(all, widest(slices.Sorted(maps.Keys(texts)))...)
	}
	slices.Sort(all)
	return all
}

// widest leaves out the selectors of one name of which another has some of the matchers and no others.
func widest(texts []string) []string {
	matchers := make([]map[string]bool, len(texts))
	for i, text := range texts {
		matchers[i] = map[string]bool{}
		if root, err := grammar.ParseExpr(text); err == nil {
			if s, ok := root.(*parser.VectorSelector); ok {
				for _, m := range s.LabelMatchers {
					matchers[i][m.String()] = true
				}
			}
		}
	}
	within := func(a, b map[string]bool) bool {
		for m := range a {
			if !b[m] {
				return false
			}
		}
		return len(a) < len(b)
	}
	var kept []string
	for i, text := range texts {
		if !slices.ContainsFunc(matchers, func(other map[string]bool) bool { return within(other, matchers[i]) }) {
			kept = append(kept, text)
		}
	}
	return kept
}

// ours is how the series of the exporter begin.
const ours = "thorbis_"

// reads reports whether an expression reads one of the names, other than itself.
func reads(expr, itself string, names map[string]bool) bool {
	for name := range selectors(expr) {
		if name != itself && names[name] {
			return true
		}
	}
	return false
}

// prune leaves out the rules that cannot yield anything, because no series that they read is there: most of the
// bundle, on a server that holds other people's series only. There, alerts on what is missing are left out as well:
// that no exporter of ours is up is no news where none ever was.
func prune(bundle rules.Bundle, present []string) map[string][]byte {
	there, known, foreign := map[string]bool{}, map[string]bool{}, true
	for _, s := range present {
		for name := range selectors(s) {
			there[name], known[name] = true, true
			foreign = foreign && !strings.HasPrefix(name, ours)
		}
	}
	for grew := true; grew; {
		grew = false
		for _, g := range bundle.Groups() {
			for _, r := range g.Rules {
				if r.Record == nil {
					continue
				}
				name, expr := r.Record.Name, r.Expr
				if r.Record == metric.PageRank {
					continue // it only ranks what other series state
				}
				if !there[name] && (len(selectors(expr)) == 0 || reads(expr, name, there)) {
					there[name], grew = true, true
				}
				if !known[name] && reads(expr, name, known) {
					known[name], grew = true, true
				}
			}
		}
	}
	alive := func(expr, record string) bool {
		if record == "" && foreign {
			return reads(expr, "", known)
		}
		return reads(expr, record, there) || record != "" && len(selectors(expr)) == 0
	}
	files := map[string][]byte{}
	for name, text := range bundle.Files() {
		var file struct {
			Groups []struct {
				Name     string           `yaml:"name"`
				Interval string           `yaml:"interval"`
				Rules    []map[string]any `yaml:"rules"`
			} `yaml:"groups"`
		}
		if yaml.Unmarshal(text, &file) != nil {
			continue
		}
		groups := file.Groups[:0]
		for _, g := range file.Groups {
			g.Rules = slices.DeleteFunc(g.Rules, func(r map[string]any) bool {
				record, _ := r["record"].(string)
				expr, _ := r["expr"].(string)
				return !alive(expr, record)
			})
			if len(g.Rules) > 0 {
				groups = append(groups, g)
			}
		}
		file.Groups = groups
		if out, err := yaml.Marshal(file); err == nil && len(groups) > 0 {
			files[name] = out
		}
	}
	return files
}
