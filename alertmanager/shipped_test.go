package alertmanager

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/mixin/routetest"
)

// TestShippedPolicy checks the routes of the shipped policy against its own table, offline and on the pinned
// Alertmanager.
func TestShippedPolicy(t *testing.T) {
	p := shipped(t)
	for _, warning := range p.Warnings() {
		if !strings.Contains(warning.String(), "secret file cannot be read") &&
			!strings.Contains(warning.String(), "whatever a human must fix") {
			t.Error(warning)
		}
	}
	file := filepath.Join("..", "deploy", "policy", "routes.yaml")
	table, err := routetest.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := Build(p)
	if err != nil {
		t.Fatal(err)
	}
	judge, err := routetest.NewTester(text)
	if err != nil {
		t.Fatal(err)
	}
	failures, err := judge.Run(table)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range failures {
		t.Errorf("%s:%d: %s: %v", file, f.Line, f.Name, f.Wrong)
	}
	notified := map[string]bool{}
	for _, test := range table.Tests {
		for _, receiver := range test.Expect.Receivers {
			notified[receiver] = true
		}
	}
	for name := range p.Channels {
		if !notified[name] {
			t.Errorf("the table notifies no one through %s", name)
		}
	}
	judgeOnServer(t, p, map[string]*routetest.Table{file: table})
}

// TestShippedChannels checks that the shipped policy has each kind of channel, under the names that the teams use.
func TestShippedChannels(t *testing.T) {
	p := shipped(t)
	if c := p.Channels["pagerduty"].PagerDuty; c.Service != "thorbis-production" ||
		c.EscalationPolicy != "critical-response" {
		t.Errorf("PagerDuty: %+v", c)
	}
	for _, name := range []string{"incidents-critical", "ops-general", "security-alerts"} {
		if c := p.Channels[name]; c == nil || c.Slack == nil || c.Slack.Channel != "#"+name {
			t.Errorf("Slack has no #%s", name)
		}
	}
	kinds := map[string]bool{}
	for _, c := range p.Channels {
		for kind, set := range map[string]bool{
			"email": c.Email != nil, "msteams": c.MSTeams != nil, "sns": c.SNS != nil, "webhook": c.Webhook != nil,
		} {
			kinds[kind] = kinds[kind] || set
		}
	}
	for kind, set := range kinds {
		if !set {
			t.Errorf("no channel is %s", kind)
		}
	}
	for _, owner := range []string{"ops-lead", "sre", "devops", "secops", "dba"} {
		owns := false
		for _, s := range p.Services {
			owns = owns || s.Owner == owner
		}
		if p.Owners[owner] == nil || !owns {
			t.Errorf("%s owns nothing, or has no channel", owner)
		}
	}
	if c := p.Channels["tickets"]; c.Webhook == nil || !slices.Equal(p.Notify("P4"), []string{"tickets"}) {
		t.Errorf("P4 goes to %v", p.Notify("P4"))
	}
	if c := p.Channels["deadman"]; c == nil || c.Webhook == nil {
		t.Error("no receiver notices when alerting itself dies")
	}
}
