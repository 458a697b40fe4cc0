package config

import (
	"strings"
	"testing"
)

func TestPaceOfTenants(t *testing.T) {
	p, err := with(t, "  checks:\n"+
		"    - {name: a, app_service: web, target: \"http://{tenant}.example.com\", "+
		"per_tenant: {interval: 1m, max_per_second: 5}}\n"+
		"    - {name: b, app_service: web, target: \"http://{tenant}.example.org\", "+
		"per_tenant: {interval: 30s, max_per_second: 10}}\n"+
		"tenants: {registry: {file: none.yaml}}\n")
	if err != nil {
		t.Fatal(err)
	}
	// 1/60 + 1/30 = 1/20 of a probe a second for each tenant, 10 permitted in all.
	if w, slow := p.PaceWarning(200); slow {
		t.Errorf("200 tenants: %v", w)
	}
	const asked = "240 tenants ask for 12 probes a second, and max_per_second permits 10"
	w, slow := p.PaceWarning(240)
	if !slow || !strings.Contains(w.Msg, asked) || !strings.Contains(w.Msg, "less often") || w.Line == 0 {
		t.Errorf("240 tenants: %v", w)
	}
	if w, slow := p.PaceWarning(400); !slow || !strings.Contains(w.Msg, "unknown") {
		t.Errorf("400 tenants: %v", w)
	}
	if _, slow := (&Policy{}).PaceWarning(1e6); slow {
		t.Error("no check is per tenant")
	}
}

func TestCallsToOthersAreCounted(t *testing.T) {
	p, err := with(t, "  checks: []\n"+
		"alertmanagers: [{name: a, url: \"http://a:9093\"}, {name: b, url: \"http://b:9093\"}]\n")
	if err != nil {
		t.Fatal(err)
	}
	// Two calls to each every 15 seconds.
	if got := Estimate(p, 0).APICallsPerHour; got != 2*2*240 {
		t.Errorf("%d calls an hour", got)
	}
	p.Channels["pagerduty"] = &Channel{PagerDuty: &PagerDuty{API: &PagerDutyAPI{}}}
	if got := Estimate(p, 0).APICallsPerHour; got != (2*2+1)*240 {
		t.Errorf("%d calls an hour with PagerDuty", got)
	}
}
