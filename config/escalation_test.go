package config

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const routed = `version: 1
channels:
  deadman: none
  pd: {pagerduty: {routing_key_file: /etc/pd, api: {token_file: pd-token}}}
  secondary: {sns: {phone_number: "+4930123456", region: eu-central-1}}
  teams: {msteams: {url_file: /etc/teams}}
priorities:
  P1: {respond_within: 15m, notify: [pd]}
alertmanagers:
  - {name: main, url: "http://127.0.0.1:9093", token_file: token}
  - {name: other, url: "https://am.example.com/base", username: reader, password_file: password}
escalation:
  P1: {secondary: 15m, everyone: 1h}
  layers: {everyone: [pd, teams]}
owners:
  secops: {notify: [teams]}
`

func TestEscalation(t *testing.T) {
	dir := write(t, map[string]string{"p.yaml": routed})
	p, err := Load(filepath.Join(dir, "p.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if e := p.Escalation; !e.Enabled() || e.Ladder("P1").After(LayerEveryone) != time.Hour ||
		e.Ladder("P2").After(LayerSecondary) != 0 {
		t.Errorf("%+v", p.Escalation)
	}
	for layer, want := range map[string][]string{
		LayerSecondary: {"secondary"}, LayerManager: nil, LayerEveryone: {"pd", "teams"},
	} {
		if got := p.LayerChannels(layer); !slices.Equal(got, want) {
			t.Errorf("layer %s notifies %v, want %v", layer, got, want)
		}
	}
	if got, want := p.Alertmanagers[0].TokenFile, filepath.Join(dir, "token"); got != want {
		t.Errorf("the token is looked for at %s", got)
	}
	api := p.Channels["pd"].PagerDuty.API
	if api.TokenFile != filepath.Join(dir, "pd-token") || api.URL != "https://api.pagerduty.com" {
		t.Errorf("%+v", api)
	}
	var missing int
	for _, w := range p.Warnings() {
		if strings.Contains(w.Msg, "cannot be read on this machine") {
			missing++
		}
	}
	if missing != 5 { // /etc/pd, pd-token, /etc/teams, token, password
		t.Errorf("%d warnings of secret files that are missing: %v", missing, p.Warnings())
	}
}

func TestEscalationErrors(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, want string }{
		"order": {
			"everyone: 1h",
			"everyone: 5m",
			`p.yaml:13: escalation.P1.everyone: invalid duration "5m": write 15m or more, which is that of secondary`,
		},
		"unknown layer": {
			"everyone: 1h",
			"everybody: 1h",
			"p.yaml:13: escalation.P1.everybody: unknown key: write one of everyone",
		},
		"layer's channels": {
			"layers: {everyone",
			"layers: {evryone",
			`escalation.layers.evryone: unknown layer "evryone": did you mean everyone?`,
		},
		"no channel": {
			"everyone: 1h",
			"manager: 1h",
			"p.yaml:12: escalation: missing channel of layer manager: write escalation: {layers: {manager:",
		},
		"unknown channel": {
			"[pd, teams]",
			"[pd, temas]",
			`p.yaml:14: escalation.layers.everyone[1]: unknown channel "temas": did you mean teams?`,
		},
		"deadman": {
			"[pd, teams]",
			"[deadman]",
			`p.yaml:14: escalation.layers.everyone[0]: invalid channel "deadman": it receives the Watchdog and nothing else`,
		},
		"owner's channel": {"notify: [teams]", "notify: [x]", `p.yaml:16: owners.secops.notify[0]: unknown channel "x"`},
		"credentials": {
			"http://127.0.0.1:9093",
			"http://a:b@127.0.0.1:9093",
			"p.yaml:10: alertmanagers[0].url: holds credentials; put them into a file",
		},
		"no address": {
			"http://127.0.0.1:9093",
			"127.0.0.1:9093",
			"p.yaml:10: alertmanagers[0].url: invalid address: write it like",
		},
		"two ways": {
			"token_file: token",
			"token_file: token, username: x, password_file: y",
			"p.yaml:10: alertmanagers[0]: must have either token_file or",
		},
		"half a way": {
			", password_file: password",
			"",
			"p.yaml:11: alertmanagers[1]: username and password_file belong together",
		},
		"events nowhere": {
			"token_file: token", "token_file: token, events: {}",
			"p.yaml:10: alertmanagers[0].events: must have one of secret, for events that are posted, and file",
		},
		"events twice": {
			"token_file: token", "token_file: token, events: {file: a, secret: {file: b}}",
			"p.yaml:10: alertmanagers[0].events: must have one of secret",
		},
		"events with an empty secret": {
			"token_file: token", "token_file: token, events: {secret: {}}", "p.yaml:10: alertmanagers[0].events.secret",
		},
		"same name": {"name: other", "name: main", `p.yaml:11: alertmanagers[1].name: duplicate name "main"`},
		"phone": {
			`"+4930123456"`,
			`"030-1234"`,
			`p.yaml:5: channels.secondary.sns.phone_number: invalid phone number "030-1234"`,
		},
		"region": {", region: eu-central-1", "", "p.yaml:5: channels.secondary.sns: missing region"},
		"phone and topic": {
			"region:",
			"topic_arn: arn:aws:sns:x, region:",
			"p.yaml:5: channels.secondary.sns: must have either phone_number or topic_arn",
		},
		"teams": {"{url_file: /etc/teams}", "{}", "p.yaml:6: channels.teams: missing url_file of msteams"},
		"two kinds": {
			"teams: {",
			"teams: {webhook: {url: http://127.0.0.1}, ",
			"p.yaml:6: channels.teams: must have exactly one of",
		},
		"token of the API": {"{token_file: pd-token}", "{}", "p.yaml:4: channels.pd.pagerduty.api: missing token_file"},
		"nowhere to look":  {"alertmanagers:", "location: x\nmaintenance: []\nx-alertmanagers:", "missing alertmanagers"},
		"no alertmanager": {
			routed[strings.Index(routed, "alertmanagers:"):strings.Index(routed, "escalation:")],
			"",
			"escalation: missing alertmanagers",
		},
		"inline URL": {
			"{url_file: /etc/teams}",
			"{url: http://x}",
			"channels.teams.msteams.url: unknown key: write one of url_file",
		},
		"inline access key": {"region:", "secret_key: x, region:", "channels.secondary.sns.secret_key: unknown key"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string]string{"p.yaml": strings.Replace(routed, tc.old, tc.new, 1)})
			_, err := Load(filepath.Join(dir, "p.yaml"))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}
