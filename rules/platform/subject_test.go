package platform_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/rules/platform"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestSubject checks the generated rules on machines and on the monitoring itself, promtool's tests of them and the
// cases of their alerts.
func TestSubject(t *testing.T) {
	ruletest.Check(t, []rule.Subject{platform.Resources, platform.Paging}, []string{
		"containers.yaml", "exporter.yaml", "paging.yaml", "resources.yaml", "scrape_labels.yaml",
	}, ruletest.CasesOf(simulations)...)
}
