package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func init() {
	examples["delivery"] = example{
		valid: "delivery: {failed_if: [rollback, {page_within: 30m}], services: [{app_service: web, " +
			"sources: [{github: {repo: acme/app, token: {env: TOKEN}}}, {vercel: {project: p, token: {env: TOKEN}}}, " +
			"{gitlab: {project: acme/app, token: {env: TOKEN}}}, {events: {key: {env: KEY}}}]}]}",
		invalid: "delivery:\n  failed_if:\n    - {hotfix_within: 1s}",
		want:    `p.yaml:4: delivery.failed_if[0]: invalid duration "1s"`,
	}
}

func TestDelivery(t *testing.T) {
	d := loadedFrom(t, minimal+`delivery:
  failed_if: [rollback, {hotfix_within: 2h}]
  services:
    - app_service: web
      sources:
        - {github: {repo: acme/app, token: {env: A}, webhook_secret: {env: B}, workflows: [ci.yml]}}
        - {vercel: {project: prj_1, token: {env: C}}}
        - {gitlab: {project: acme/sub/app, token: {env: D}}}
        - {events: {key: {env: E}}}
`).Delivery()
	for by, want := range map[string]time.Duration{FailedByRollback: 0, FailedByHotfix: 2 * time.Hour} {
		if within, ok := d.Failure(by); !ok || within != want {
			t.Errorf("%s within %s, %v", by, within, ok)
		}
	}
	if _, ok := d.Failure(FailedByPage); ok {
		t.Error("a page is a failure that the policy does not name")
	}
	var names []string
	for _, s := range d.Services[0].Sources {
		names = append(names, s.Name())
	}
	want := []string{"github:acme/app", "vercel:prj_1", "gitlab:acme/sub/app", "events:events"}
	if !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
	g := d.Services[0].Sources[0].GitHub
	if g.Environment != "production" || g.URL != "https://api.github.com" || g.Branch != "main" ||
		g.Interval.Std() != time.Minute {
		t.Errorf("the defaults are %+v", g)
	}
	d = loadedFrom(t, minimal+"delivery: {}\n").Delivery()
	if within, ok := d.Failure(FailedByIncident); !ok || within != 30*time.Minute || d.Hotfix == "" {
		t.Errorf("the defaults are %+v", d)
	}
	if loadedFrom(t, minimal).Delivery() != nil {
		t.Error("a policy without the section has one")
	}
}

func TestDeliveryErrors(t *testing.T) {
	source := func(text string) string {
		return "delivery: {services: [{app_service: web, sources: [" + text + "]}]}\n"
	}
	for text, want := range map[string]string{
		"delivery: {failed_if: [sadness]}\n":            "unknown failure",
		"delivery: {failed_if: [rollback, rollback]}\n": `duplicate name "rollback"`,
		"delivery: {failed_if: [{}]}\n":                 "must have exactly one of rollback",
		"delivery: {hotfix: '('}\n":                     "invalid regular expression",
		"delivery: {services: [{app_service: none}]}\n": `unknown service "none"`,
		source(""):   "missing sources",
		source("{}"): "must have exactly one of github",
		source("{github: {repo: app, token: {env: A}}}"):                              `invalid repository "app"`,
		source("{github: {repo: acme/app}}"):                                          "missing token or webhook_secret",
		source("{github: {repo: acme/app, token: {}}}"):                               "must have either file or env",
		source("{github: {repo: a/b, webhook_secret: {env: A}, commits_only: true}}"): "needs a token",
		source("{github: {repo: a/.., token: {env: A}}}"):                             `invalid name "a/.."`,
		source("{vercel: {project: a/b, token: {env: A}}}"):                           `invalid name "a/b"`,
		source("{vercel: {project: a, token: {env: A}, interval: 1s}}"):               `invalid duration "1s"`,
		source("{vercel: {project: a, token: {env: A}, url: 'https://u:p@h'}}"):       "holds credentials",
		source("{events: {}}"):                                                        "missing key",
		source("{events: {key: {env: A}}}, {events: {key: {env: B}}}"):                `duplicate name "events:events"`,
	} {
		_, err := parseStream(t.Context(), "p.yaml", strings.NewReader(minimal+text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// Secrets are those that the exporter reads.
func TestDeliverySecrets(t *testing.T) {
	for _, key := range []string{
		"delivery.services[].sources[].github.token", "delivery.services[].sources[].github.webhook_secret",
		"delivery.services[].sources[].vercel.token", "delivery.services[].sources[].vercel.webhook_secret",
		"delivery.services[].sources[].gitlab.token", "delivery.services[].sources[].events.key",
	} {
		if !slices.Contains(SecretKeys(), key) {
			t.Errorf("%s is not a key of a secret", key)
		}
	}
}
