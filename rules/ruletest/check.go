package ruletest

import (
	"os"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// Check runs what every subject is tested for:
//   - its generated files are those that are committed for the test policy,
//   - promtool's tests of the given names pass,
//   - its alerts have all kinds of cases, in these tests or simulated.
func Check(t *testing.T, subjects []rule.Subject, tests []string, simulated ...Case) {
	t.Helper()
	p := Policy(t)
	for _, s := range subjects {
		text, err := textOf(s, p)
		if err != nil {
			t.Fatal(err)
		}
		path := pathOf(t, "testdata", s.File)
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(golden) != string(text) {
			t.Errorf("%s differs from what the policy generates; "+
				"run go test ./rules -run TestGolden -update and read the difference", path)
		}
	}
	covered(t, subjects, simulated)
	Promtool(t, tests...)
}

// textOf returns the generated file of a subject.
func textOf(s rule.Subject, p *config.Policy) ([]byte, error) {
	f, err := rule.BuildFile(s, p, rule.ScopeOf(p.Environment))
	if err != nil {
		return nil, err
	}
	return rule.Render(f)
}
