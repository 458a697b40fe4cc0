package database_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/rules/database"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestSubject checks the generated rules on PostgreSQL servers, promtool's tests of them and the cases of their alerts.
func TestSubject(t *testing.T) {
	ruletest.Check(t, []rule.Subject{database.Subject}, []string{
		"database.yaml", "database_work.yaml",
	})
}
