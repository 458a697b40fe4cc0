package domain_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/rules/domain"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestSubject checks the generated rules on registrations of domains, promtool's tests of them and the cases of their
// alerts.
func TestSubject(t *testing.T) {
	ruletest.Check(t, []rule.Subject{domain.Subject}, []string{
		"domain.yaml",
	})
}
