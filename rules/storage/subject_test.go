package storage_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
	"github.com/thorbis/thorbis_exporter/rules/storage"
)

// TestSubject checks the generated rules on disks, promtool's tests of them and the cases of their alerts.
func TestSubject(t *testing.T) {
	ruletest.Check(t, []rule.Subject{storage.Subject}, []string{
		"storage.yaml", "storage_days.yaml", "canary.yaml",
	})
}
