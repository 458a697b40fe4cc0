package change

import (
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
)

const policy = `version: 1
channels:
  deadman: none
  pager: {pagerduty: {routing_key_file: key}}
  chat: {slack: {channel: "#ops", url_file: url}}
priorities:
  P1: {notify: [pager]}
  P3: {notify: [chat]}
services:
  - {name: web, owner: sre}
  - {name: api, owner: sre}
health:
  checks:
    - {name: home, app_service: web, target: "https://example.com/"}
    - {name: api, app_service: api, target: "https://api.example.com/"}
`

func load(t *testing.T, text string) *config.Policy {
	t.Helper()
	p, err := config.LoadOnce(t.Context(), "-", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestBetween(t *testing.T) {
	for name, tc := range map[string]struct {
		replace []string // old, new, ...
		want    []string
	}{
		"nothing":         {nil, nil},
		"comment":         {[]string{"version: 1\n", "version: 1 # the only one\n"}, nil},
		"written default": {[]string{"services:", "environment: production\nservices:"}, nil},
		"one check less": {
			[]string{`    - {name: home, app_service: web, target: "https://example.com/"}` + "\n", ""},
			[]string{
				"health.checks[home].name: removed: home", "health.checks[home].target: removed: https://example.com/",
			},
		},
		"pager": {
			[]string{"P1: {notify: [pager]}", "P1: {notify: [pager, chat]}"},
			[]string{
				"priorities.P1.notify: [pager] -> [pager chat]",
				"P1 of no service: pager at any hour -> chat, pager at any hour",
				"P1 of service api: pager at any hour -> chat, pager at any hour",
				"P1 of service web: pager at any hour -> chat, pager at any hour",
			},
		},
		"hours": {
			[]string{"P3: {notify: [chat]}", "P3: {business_hours: false, notify: [chat]}"},
			[]string{
				"priorities.P3.business_hours: true -> false",
				"P3 of service web: chat Mon-Fri 09:00-18:00; no one at other hours -> chat at any hour",
			},
		},
		"objective": {
			[]string{"{name: web, owner: sre}", "{name: web, owner: sre, availability: 99.9%}"},
			[]string{"services[web].availability: added: 99.9%"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			after := strings.NewReplacer(tc.replace...).Replace(policy)
			changes, err := Between(load(t, policy), load(t, after))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range changes {
				got = append(got, c.String())
			}
			for _, want := range tc.want {
				if !slices.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, strings.Join(got, "\n"))
				}
			}
			if tc.want == nil && len(got) > 0 {
				t.Errorf("got\n%s", strings.Join(got, "\n"))
			}
			var text strings.Builder
			Write(&text, changes)
			if len(changes) == 0 != (text.String() == "The policies mean the same.\n") {
				t.Errorf("written: %s", text.String())
			}
		})
	}
}

// What an alert is made of is compared by name and priority.
func TestRuleChanges(t *testing.T) {
	before := map[string]string{"P1 A: for": "1m", "P1 A: condition": "a > 1", "P2 A: for": "1m"}
	after := map[string]string{"P1 A: for": "5m", "P1 A: condition": "a > 1", "P1 B: for": "1m"}
	got := compareBoth(Rule, before, after)
	if len(got) != 1 || got[0].String() != "P1 A: for: 1m -> 5m" {
		t.Errorf("got %v", got)
	}
	gone := compare(Alert, map[string]string{"P1 A": "exists"}, map[string]string{"P2 A": "exists"})
	if len(gone) != 2 || gone[0].String() != "P1 A is removed" || gone[1].String() != "P2 A is added" {
		t.Errorf("got %v", gone)
	}
}
