package importer

import "testing"

// alertmanagerExample has the shape of the examples in Alertmanager's documentation.
const alertmanagerExample = `global:
  smtp_smarthost: 'localhost:25'
  smtp_from: 'alertmanager@example.org'
  smtp_auth_username: 'alertmanager'
  smtp_auth_password: 'password'
  slack_api_url_file: /etc/alertmanager/slack
templates: ['/etc/alertmanager/template/*.tmpl']
route:
  group_by: ['alertname', 'cluster', 'service']
  receiver: team-X-mails
  routes:
    - matchers: [service=~"foo1|foo2|baz"]
      receiver: team-X-mails
      routes:
        - matchers: [severity="critical"]
          receiver: team-X-pager
    - matchers: [team="db"]
      receiver: team-DB-pager
    - match: {owner: network team}
      receiver: chat
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: [severity="warning"]
    equal: ['alertname']
receivers:
  - name: 'team-X-mails'
    email_configs: [{to: 'team-X+alerts@example.org', headers: {Subject: x}}]
  - name: 'team-X-pager'
    email_configs: [{to: 'team-X+alerts-critical@example.org'}]
    pagerduty_configs: [{routing_key: 0123456789abcdef0123456789abcdef}]
  - name: 'team-DB-pager'
    pagerduty_configs: [{routing_key_file: /etc/alertmanager/db}]
  - name: chat
    slack_configs: [{channel: '#network'}]
    webhook_configs: [{url: 'http://127.0.0.1:5001/'}]
    msteamsv2_configs: [{webhook_url: 'https://example.org/x'}]
    sns_configs: [{topic_arn: 'arn:aws:sns:us-east-1:123456789012:ops', sigv4: {region: us-east-1}}]
  - name: nothing
`

func TestImportAlertmanager(t *testing.T) {
	part, err := convertAlertmanager([]byte(alertmanagerExample))
	if err != nil {
		t.Fatal(err)
	}
	p := accepted(t, part)
	if len(p.Channels) != 8+2 { // the head of the policy has two
		t.Errorf("%d channels\n%s", len(p.Channels), part.Policy)
	}
	mail := p.Channels["team-X-mails"].Email
	if mail == nil || mail.To != "team-X+alerts@example.org" || mail.From != "alertmanager@example.org" ||
		mail.Smarthost != "localhost:25" || mail.Username != "alertmanager" ||
		mail.PasswordFile != "/etc/thorbis/secrets/team-X-mails" {
		t.Errorf("%+v", mail)
	}
	if c := p.Channels["team-DB-pager"].PagerDuty; c == nil || c.RoutingKeyFile != "/etc/alertmanager/db" {
		t.Errorf("%+v", c)
	}
	if c := p.Channels["chat"].Slack; c == nil || c.Channel != "#network" || c.URLFile != "/etc/alertmanager/slack" {
		t.Errorf("%+v", c)
	}
	for owner, want := range map[string]int{"db": 1, "network-team": 4} {
		if o := p.Owners[owner]; o == nil || len(o.Notify) != want {
			t.Errorf("owner %s: %+v", owner, o)
		}
	}
	noted(t, part, "line 7: Alertmanager: templates", "line 21: Alertmanager: inhibit_rules",
		"line 12: a route to team-X-mails",
		"line 30: team-X-pager-2: write its secret into /etc/thorbis/secrets/team-X-pager-2",
		"line 27: team-X-mails: headers")
	for _, secret := range []string{"0123456789abcdef", "127.0.0.1:5001", "'password'"} {
		if contains(part, secret) {
			t.Errorf("the secret %s is in the policy", secret)
		}
	}
}

func TestImportAlertmanagerRefused(t *testing.T) {
	refused(t, convertAlertmanager, alertmanagerExample, map[string][3]string{
		"kind":        {"slack_configs", "opsgenie_configs", "line 34: chat: opsgenie: a policy has slack"},
		"service key": {"routing_key_file: /etc/alertmanager/db", "service_key: x", "line 32: team-DB-pager: a service key"},
		"nothing":     {"receivers:", "receiver:", "nothing was imported"},
		"no YAML":     {"global:", "\t:", "invalid configuration of Alertmanager"},
	})
}

func FuzzImportAlertmanager(f *testing.F) {
	fuzzed(f, convertAlertmanager, alertmanagerExample, "route: &a {receiver: x, routes: [*a, *a]}")
}
