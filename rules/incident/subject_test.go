package incident_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/rules/incident"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestSubject checks the generated rules on incidents, promtool's tests of them and the cases of their alerts.
func TestSubject(t *testing.T) {
	ruletest.Check(t, []rule.Subject{incident.Subject}, []string{
		"incident.yaml", "incident_quality.yaml",
	})
}
