package config

import (
	"fmt"
	"strings"
	"testing"
)

// oneService is a policy of one service, to which any other section can be added.
const oneService = `version: 1
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}]
`

// A list that is too long is refused with its length and the most that is permitted.
func TestTooMany(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		kind string
	}{
		{"alertmanagers: [%s]", maxAlertmanagers, "Alertmanagers"},
		{"backups: [%s]", maxBackups, "backups"},
		{"objectives: {latency: [%s]}", maxLatencies, "thresholds"},
		{"slos: [%s]", maxSLOs, "objectives"},
		{"tenants: {sources: [%s]}", maxSources, "sources"},
		{"health: {checks: [%s]}", maxChecks, "checks"},
		{"health: {reference_names: [%s]}", maxReferences, "names"},
		{"health: {reference_targets: [%s]}", maxReferences, "targets"},
		{"domains: {limit: 3, names: [%s]}", 3, "names"},
	} {
		item := "{}"
		if strings.Contains(c.text, "reference_names") {
			item = "www.example.com"
		}
		list := strings.TrimSuffix(strings.Repeat(item+", ", c.most+1), ", ")
		_, err := loadText(t, oneService+fmt.Sprintf(c.text, list)+"\n")
		want := fmt.Sprintf("too many %s (%d): write at most %d", c.kind, c.most+1, c.most)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %s, got %v", c.text, want, err)
		}
	}
}

// A duration that is too short is refused with the value, a service of a backup with the one that was meant.
func TestErrorsNameTheValueAndTheCure(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{
			"health: {checks: [{name: a, app_service: web, target: \"https://a.example.com\", interval: 10ms}]}",
			`health.checks[0].interval: invalid duration "10ms": write 1s or more`,
		},
		{"health: {recheck_interval: 1ms}", `health.recheck_interval: invalid duration "1ms": write 100ms or more`},
		{"backups: [{name: a, refresh: 1s}]", `backups[0].refresh: invalid duration "1s": write 10s or more`},
		{"backups: [{name: a, app_service: wbe}]", `backups[0].app_service: unknown service "wbe": did you mean web?`},
		{"host: {processes: [{name: a, match: 'a)(b'}]}", `invalid regular expression "a)(b": unexpected )`},
		{
			"host: {processes: [{name: a, match: '" + strings.Repeat("x", 5000) + "'}]}",
			"invalid regular expression of 5000 bytes: write at most 4096",
		},
	} {
		_, err := loadText(t, oneService+c.text+"\n")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.100s: want %s, got %v", c.text, c.want, err)
		}
	}
}

// A policy whose aliases multiply it beyond the bound is refused with the cure.
func TestAliasesBeyondTheBound(t *testing.T) {
	text := "version: 1\nbackups:\n- {name: a, locations: &many [a" + strings.Repeat(", a", 999) + "]}\n" +
		strings.Repeat("- {name: a, locations: *many}\n", maxNodes/1000)
	if _, err := loadText(t, text); err == nil || !strings.Contains(err.Error(), "use fewer aliases or fewer values") {
		t.Errorf("got %.300v", err)
	}
}
