package slo_test

import (
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestOwnObjectiveOfAnotherEnvironment checks that an objective on series of another environment is refused: it would
// count nothing.
func TestOwnObjectiveOfAnotherEnvironment(t *testing.T) {
	for matcher, fine := range map[string]bool{
		`environment="staging"`: false, `environment!="production"`: false, `environment=~"stag.*"`: false,
		`environment="production"`: true, `environment=~"prod.*"`: true, `code_class="2xx"`: true,
	} {
		p := ruletest.Policy(t)
		p.SLOs[0].Total = `sum(rate(thorbis_tenant_requests_total{` + matcher + `}[$window]))`
		_, err := rules.Build(p)
		if fine != (err == nil) || err != nil &&
			(!strings.Contains(err.Error(), "policy.yaml:") || !strings.Contains(err.Error(), "another environment")) {
			t.Errorf("%s: %v", matcher, err)
		}
	}
	p := ruletest.Policy(t)
	p.SLOs[0].Total = `sum(rate(shop_orders_total{environment="live"}[$window]))`
	if _, err := rules.Build(p); err != nil {
		t.Errorf("another program's environment is refused: %v", err)
	}
}
