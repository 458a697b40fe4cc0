package health_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/rules/health"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestSubject checks the generated rules on health checks, promtool's tests of them and the cases of their alerts.
func TestSubject(t *testing.T) {
	ruletest.Check(t, []rule.Subject{health.Subject, health.Uptime, health.SLA}, []string{
		"sla.yaml", "unwatched.yaml",
	}, ruletest.CasesOf(simulations)...)
}
