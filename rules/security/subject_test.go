package security_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
	"github.com/thorbis/thorbis_exporter/rules/security"
)

// TestSubject checks the generated rules on scans and access, promtool's tests of them and the cases of their alerts.
func TestSubject(t *testing.T) {
	files := []string{"security.yaml", "security_secret.yaml", "security_access.yaml"}
	ruletest.Check(t, []rule.Subject{security.Subject}, files)
}
