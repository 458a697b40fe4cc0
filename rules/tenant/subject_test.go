package tenant_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
	"github.com/thorbis/thorbis_exporter/rules/tenant"
)

// TestSubject checks the generated rules on the traffic of tenants, promtool's tests of them and the cases of their
// alerts.
func TestSubject(t *testing.T) {
	ruletest.Check(t, []rule.Subject{tenant.Subject}, []string{
		"tenant.yaml", "tenant_noisy.yaml", "tenant_refused.yaml", "tenant_silent.yaml", "tenant_source.yaml",
		"tenant_stream.yaml",
		"tenant_unknown.yaml",
	})
}
