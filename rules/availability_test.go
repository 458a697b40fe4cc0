package rules_test

import (
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestUptimeIsSecondsAndAvailabilityRequests checks that uptime is computed from seconds and availability from
// requests.
func TestUptimeIsSecondsAndAvailabilityRequests(t *testing.T) {
	b, err := rules.Build(ruletest.Policy(t))
	if err != nil {
		t.Fatal(err)
	}
	seconds, requests := 0, 0
	for _, g := range b.Groups() {
		for _, r := range g.Rules {
			if r.Record == nil {
				continue
			}
			name := r.Record.Name
			switch {
			case strings.Contains(name, "uptime"):
				seconds++
				if strings.Contains(r.Expr, "requests") || strings.Contains(r.Expr, "slo=") {
					t.Errorf("%s is made of requests:\n%s", name, r.Expr)
				}
			case strings.Contains(r.Expr, `"availability"`):
				requests++
				if strings.Contains(r.Expr, "health_check") || strings.Contains(r.Expr, "_seconds") {
					t.Errorf("%s is made of seconds:\n%s", name, r.Expr)
				}
			}
			if strings.Contains(name, "availability") {
				t.Errorf("%s: which of the two", name)
			}
		}
	}
	if seconds == 0 || requests == 0 {
		t.Errorf("%d records of uptime, %d of availability", seconds, requests)
	}
}
