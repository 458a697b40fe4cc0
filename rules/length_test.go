package rules_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// longest is how many characters an expression may have, white space counted once. One that is longer is not read at
// night: what several rules repeat, or a part that has a meaning of its own, is a record with a name.
const longest = 600

// chosen is what rule.OneEach puts around selectors, always in the same words. It does not count.
var chosen = regexp.MustCompile(`topk (by|without) \([a-z_, ]*\) \(1, `)

// examples are the policies of the repository whose bundles people read, beside the default.
var examples = []string{
	"testdata/policy.yaml", "../deploy/policy/thorbis.yaml", "../deploy/compose/thorbis.yaml",
	"../alertmanager/testdata/policy.yaml", "../collectors/incident/testdata/policy.yaml",
	"../testdata/machine/thorbis.yaml",
}

// exampleBundles returns the bundles of the default policy and of the examples.
func exampleBundles(t *testing.T) map[string]rules.Bundle {
	t.Helper()
	policies := map[string]*config.Policy{}
	var err error
	if policies["default"], err = config.Default("127.0.0.1:9870"); err != nil {
		t.Fatal(err)
	}
	for _, path := range examples {
		if policies[path], err = config.Load(path); err != nil {
			t.Fatal(err)
		}
	}
	bundles := map[string]rules.Bundle{}
	for path, p := range policies {
		if bundles[path], err = rules.Build(p); err != nil {
			t.Fatal(path, err)
		}
	}
	return bundles
}

// TestExpressionsAreShort checks the expressions of the bundle of each example policy.
func TestExpressionsAreShort(t *testing.T) {
	for path, b := range exampleBundles(t) {
		t.Run(path, func(t *testing.T) {
			var found []rule.Rule
			for _, g := range b.Groups() {
				found = append(found, g.Rules...)
			}
			length := func(r rule.Rule) int {
				n := len(strings.Join(strings.Fields(r.Expr), " "))
				for _, text := range chosen.FindAllString(r.Expr, -1) {
					n -= len(text + ")")
				}
				return n
			}
			most := slices.MaxFunc(found, func(a, b rule.Rule) int { return length(a) - length(b) })
			t.Logf("%d rules, the longest expression is that of %s: %d characters", len(found), most.Name(), length(most))
			for _, r := range found {
				if n := length(r); n > longest {
					t.Errorf("%s has an expression of %d characters, limit %d; record a part of it", r.Name(), n, longest)
				}
			}
		})
	}
}
