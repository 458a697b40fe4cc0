package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

func loadText(t *testing.T, text string) (*Policy, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "p.yaml")
	testkit.WriteFile(t, file, text)
	return Load(file)
}

const sloPolicy = `version: 1
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}]
objectives: {latency: [{threshold: 300ms, ratio: 95%}]}
slos:
  - {name: checkout, app_service: web, objective: 99.9%, bad: 'sum(rate(b[$window]))', total: 'sum(rate(t[$window]))'}
`

func TestSLOInherits(t *testing.T) {
	p, err := loadText(t, sloPolicy)
	if err != nil {
		t.Fatal(err)
	}
	if s := p.SLOs[0]; s.Owner != "sre" || s.Page != "P2" || s.Unit != UnitEvents {
		t.Errorf("%+v", s)
	}
	err = p.ErrorAt("slos[0].bad", "is %s", "wrong")
	if !strings.HasSuffix(err.Error(), "p.yaml:6: slos[0].bad: is wrong") {
		t.Error(err)
	}
}

func TestSLORefused(t *testing.T) {
	for name, c := range map[string]struct{ old, replacement, want string }{
		"taken name":       {"name: checkout", "name: latency-5s", `invalid name "latency-5s": every service has`},
		"unknown service":  {"app_service: web", "app_service: wep", "did you mean web?"},
		"no objective":     {"objective: 99.9%, ", "", "objective: missing"},
		"never fires":      {"objective: 99.9%", "objective: 93%", "its alert could never fire; write more than 93.06%"},
		"no window":        {"bad: 'sum(rate(b[$window]))'", "bad: 'sum(rate(b[5m]))'", "counts over $window"},
		"no total":         {", total: 'sum(rate(t[$window]))'", "", "slos[0].total: write PromQL"},
		"bad unit":         {"objective: 99.9%", "objective: 99.9%, unit: hours", "write events or seconds"},
		"slow never fires": {"ratio: 95%", "ratio: 90%", "objectives.latency[0].ratio: 90% leaves a budget so large"},
		"same threshold": {
			"[{threshold: 300ms, ratio: 95%}]",
			"[{threshold: 300ms, ratio: 95%}, {threshold: 0.3s, ratio: 99%}]",
			"threshold",
		},
	} {
		text := strings.Replace(sloPolicy, c.old, c.replacement, 1)
		if text == sloPolicy {
			t.Fatalf("%s: nothing changed", name)
		}
		if _, err := loadText(t, text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
