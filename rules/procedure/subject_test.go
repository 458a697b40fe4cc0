package procedure_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/rules/procedure"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestSubject checks the generated rules on procedures, promtool's tests of them and the cases of their alerts.
func TestSubject(t *testing.T) {
	ruletest.Check(t, []rule.Subject{procedure.Subject}, []string{
		"procedure.yaml",
	})
}
