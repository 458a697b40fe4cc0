package packaging_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/mixin"
	"github.com/thorbis/thorbis_exporter/mixin/packaging"
)

// TestOperator: the operator's schemas take every object.
func TestOperator(t *testing.T) {
	rules, boards := count(t)
	p, err := config.Load(shippedPolicy)
	if err != nil {
		t.Fatal(err)
	}
	named, err := mixin.Options{Only: []string{"operator"}, Packaging: packaging.Options{
		Namespace: "monitoring", Labels: map[string]string{"release": "prometheus"},
		Targets: []string{"edge.example.com:10088", "[2001:db8::1]:10088"},
	}}.Render(p)
	if err != nil {
		t.Fatal(err)
	}
	dir := written(t, named, "operator")
	expectKinds(t, validated(t, all(t, dir, "*.yaml")...),
		map[string]int{"PrometheusRule": rules, "ServiceMonitor": 2, "ScrapeConfig": 2})

	files, _ := packed(t, "operator")
	if _, ok := files["operator/scrape-configs.yaml"]; ok {
		t.Error("a ScrapeConfig without a target")
	}

	_, dir = packed(t, "kubernetes")
	expectKinds(t, validated(t, all(t, dir, "*.yaml")...),
		map[string]int{"PrometheusRule": rules, "ConfigMap": boards, "Secret": 1})
	expectKinds(t, validated(t, all(t, "../../deploy/kubernetes/*.yaml")...),
		map[string]int{"Service": 1, "StatefulSet": 1, "PodDisruptionBudget": 1, "PodMonitor": 2})
}

const alertmanagerPolicy = "../../alertmanager/testdata/policy.yaml"

// inUTC is the policy of all kinds of channels with business hours that an AlertmanagerConfig can say.
func inUTC(t *testing.T) *config.Policy {
	t.Helper()
	p, err := config.Load(alertmanagerPolicy)
	if err != nil {
		t.Fatal(err)
	}
	p.Hours.TimeZone = "UTC"
	return p
}

// TestAlertmanagerConfig: an AlertmanagerConfig has as many routes, receivers and inhibitions as the configuration, and
// the operator's schema takes it, child routes included.
func TestAlertmanagerConfig(t *testing.T) {
	p := inUTC(t)
	files, err := mixin.Options{
		Only:      []string{"alertmanagerconfig", "alertmanager"},
		Packaging: packaging.Options{Secret: "secrets", Labels: map[string]string{"team": "sre"}},
	}.Render(p)
	if err != nil {
		t.Fatal(err)
	}
	text := files["alertmanagerconfig/alertmanager-config.yaml"]
	for in, out := range map[string]string{
		"receiver: ": "receiver: ", "source_matchers:": "sourceMatch:", "send_resolved: ": "sendResolved: ",
		"_file: ": "name: secrets\n", "active_time_intervals": "activeTimeIntervals", "continue: true": "continue: true",
		"group_wait:": "groupWait:",
	} {
		want := bytes.Count(files["alertmanager/alertmanager.yaml"], []byte(in))
		if got := bytes.Count(text, []byte(out)); got != want || want == 0 {
			t.Errorf("%s: %d times, want %d", out, got, want)
		}
	}
	for _, want := range []string{
		"alertmanagerConfigMatcherStrategy: {type: None}", "#   pagerduty\n", "thorbis.tmpl: |",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("it lacks %q", want)
		}
	}
	dir := t.TempDir()
	if err := files.Write(dir); err != nil {
		t.Fatal(err)
	}
	expectKinds(t, validated(t, all(t, dir, "alertmanagerconfig/*.yaml")...),
		map[string]int{"AlertmanagerConfig": 1, "ConfigMap": 1})
}

// TestAlertmanagerConfigRefuses: what an AlertmanagerConfig cannot say is an error that names another way.
func TestAlertmanagerConfigRefuses(t *testing.T) {
	elsewhere := inUTC(t)
	elsewhere.Hours.TimeZone = "Europe/Berlin"
	twice := inUTC(t)
	twice.Channels["general"].Slack.URLFile = "/elsewhere/" + "pagerduty"
	for name, c := range map[string]struct {
		policy *config.Policy
		base   string
		want   string
	}{
		"time zone":      {elsewhere, "", "business-hours: an AlertmanagerConfig has no time zones"},
		"one key of two": {twice, "", "would be one key of the Secret: rename one"},
		"a base": {
			inUTC(t), "route:\n  receiver: a\nreceivers:\n  - name: a\n    opsgenie_configs: [{api_key: x}]\n",
			"receiver a: opsgenie_configs has no counterpart here",
		},
		"global": {
			inUTC(t), "global: {resolve_timeout: 1m}\nroute:\n  receiver: a\nreceivers:\n  - name: a\n",
			"field global",
		},
	} {
		o := mixin.Options{Only: []string{"alertmanagerconfig"}, Packaging: packaging.Options{Secret: "s"}}
		if c.base != "" {
			o.Base = []byte(c.base)
		}
		if _, err := o.Render(c.policy); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
