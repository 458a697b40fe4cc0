package slo_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
	"github.com/thorbis/thorbis_exporter/rules/slo"
)

// TestSubject checks the generated rules on objectives, promtool's tests of them and the cases of their alerts.
func TestSubject(t *testing.T) {
	ruletest.Check(t, []rule.Subject{slo.Subject}, []string{
		"slo_own.yaml", "values_slo.yaml",
	}, simulatedCases()...)
}
