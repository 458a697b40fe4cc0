package mixin

import "testing"

func TestMarkedQuery(t *testing.T) {
	for query, want := range map[string]string{
		"prometheus": "prometheus",
		`sum(rate(http_requests_total[$__rate_interval]))`: `sum(rate(http_requests_total[$__rate_interval]))`,
		`sum(increase(thorbis_policy_info{tenant="$tenant"}[$__range:$__interval])) / count(up{job="a"})`: `sum(` +
			`increase(thorbis_policy_info{%SERIES,%tenant="$tenant"}[$__range:$__interval])) / count(up{job="a"})`,
		`ALERTS > bool thorbis_policy_info`:         `ALERTS%RECORD% > bool thorbis_policy_info%SERIES%`,
		`label_values(up, job)`:                     `label_values(up, job)`,
		`label_values(thorbis_policy_info, sha256)`: `label_values(thorbis_policy_info%SERIES%, sha256)`,
		`label_values({__name__=~"check:thorbis_health_check:expected",tenant!~"_.*|"}, tenant)`: `label_values(` +
			`{%RECORD,%__name__=~"check:thorbis_health_check:expected",tenant!~"_.*|"}, tenant)`,
	} {
		if got, err := markedQuery(query); err != nil || got != want {
			t.Errorf("%s:\n%s, want\n%s (%v)", query, got, want, err)
		}
	}
	if _, err := markedQuery("sum("); err == nil {
		t.Error("a query that cannot be read is accepted")
	}
	if _, err := markedDashboard([]byte("  \"expr\": \"a \\u0026 b\"\n")); err == nil {
		t.Error("an expression that cannot be read is accepted")
	}
}
