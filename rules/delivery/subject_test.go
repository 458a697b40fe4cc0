package delivery_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/rules/delivery"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestSubject checks the generated rules on deployments, promtool's tests of them and the cases of their alerts.
func TestSubject(t *testing.T) {
	ruletest.Check(t, []rule.Subject{delivery.Subject}, []string{"delivery.yaml"})
}
