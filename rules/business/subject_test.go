package business_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/rules/business"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestSubject checks the generated rules on the business, promtool's tests of them and the cases of their alerts.
func TestSubject(t *testing.T) {
	ruletest.Check(t, []rule.Subject{business.Subject}, []string{"business.yaml", "business_week.yaml"})
}
