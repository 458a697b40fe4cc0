package mixin

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
)

// Marks are what stands in an expression of the jsonnet mixin where lib/render.libsonnet writes matchers: of series
// that exporters expose, or of records and alerts; within braces, or where a selector has none.
const (
	markSeriesWithin = "%SERIES,%"
	markSeriesBare   = "%SERIES%"
	markRecordWithin = "%RECORD,%"
	markRecordBare   = "%RECORD%"
)

// unmark removes all marks.
var unmark = strings.NewReplacer(markSeriesWithin, "", markSeriesBare, "", markRecordWithin, "", markRecordBare, "")

// markedName is the name of a file of rules with marks, which Prometheus does not read.
func markedName(name string) string { return strings.TrimSuffix(name, ".rules.yaml") + ".marked.yaml" }

// marked returns a file of rules with a mark in each selector of a series of ours.
func marked(text []byte) ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				Expr yaml.Node `yaml:"expr"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := root.Decode(&file); err != nil {
		return nil, err
	}
	exprs := map[[2]int]string{} // by line and column
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			expr, err := markedExpr(r.Expr.Value)
			if err != nil {
				return nil, err
			}
			exprs[[2]int{r.Expr.Line, r.Expr.Column}] = expr
		}
	}
	replaceScalars(&root, exprs)
	root.HeadComment = ""
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err := encoder.Encode(&root)
	return out.Bytes(), err
}

// replaceScalars replaces the scalars at some positions.
func replaceScalars(n *yaml.Node, by map[[2]int]string) {
	if text, ok := by[[2]int{n.Line, n.Column}]; ok && n.Kind == yaml.ScalarNode {
		n.Value = text
	}
	for _, child := range n.Content {
		replaceScalars(child, by)
	}
}

// markedExpr returns an expression with a mark in each selector of a series of ours.
func markedExpr(text string) (string, error) {
	root, err := grammar.ParseExpr(withoutVariables(text))
	if err != nil {
		return "", err
	}
	type mark struct {
		at   int
		text string
	}
	var marks []mark
	parser.Inspect(root, func(n parser.Node, _ []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		bare, within := marksOf(s)
		at := int(s.PosRange.Start)
		if strings.HasPrefix(text[at:], s.Name) {
			at += len(s.Name)
		}
		switch {
		case bare == "":
		case strings.HasPrefix(text[at:], "{"):
			marks = append(marks, mark{at + 1, within})
		default:
			marks = append(marks, mark{at, bare})
		}
		return nil
	})
	slices.SortFunc(marks, func(a, b mark) int { return cmp.Compare(b.at, a.at) })
	for _, m := range marks {
		text = text[:m.at] + m.text + text[m.at:]
	}
	return text, nil
}

// marksOf returns the marks of a selector, none for series of other programs.
func marksOf(s *parser.VectorSelector) (bare, within string) {
	for _, name := range rules.NamesOf(s) {
		switch {
		case strings.HasPrefix(name, "ALERTS") || metric.Ours(name) && strings.Contains(name, ":"):
			return markRecordBare, markRecordWithin
		case metric.Ours(name):
			return markSeriesBare, markSeriesWithin
		}
	}
	return "", ""
}
