package config

import (
	"strings"
	"testing"
	"time"
)

func TestSecretExpiries(t *testing.T) {
	p, err := vendorsOf(t, `owners: {security: {notify: []}}
security:
  secrets:
    - {name: signing-key, expires: 2027-03-01}
    - {name: token, expires: 2027-01-31, app_service: docs, owner: sre, warn_before: 3d}
`)
	if err != nil {
		t.Fatal(err)
	}
	key, token := p.Security().Secrets[0], p.Security().Secrets[1]
	const day = Duration(24 * time.Hour)
	if key.Owner != "security" || key.Page != "P2" || key.WarnBefore != 30*day || key.UrgentBefore != 7*day ||
		!key.Expires.Equal(time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the defaults are %+v", key)
	}
	if token.Owner != "sre" || token.Page != "P3" || token.WarnBefore != 3*day || token.UrgentBefore != 3*day {
		t.Errorf("what is written is %+v", token)
	}
	for text, want := range map[string]string{
		"[{name: a}]":                      "security.secrets[0].expires: missing date",
		"[{name: a, expires: 2027-13-01}]": "invalid date",
		"[{name: a, expires: 2027-01-01}, {name: a, expires: 2027-01-01}]":     "security.secrets[1].name",
		"[{name: a, expires: 2027-01-01, warn_before: 1h}]":                    "security.secrets[0].warn_before",
		"[{name: a, expires: 2027-01-01, warn_before: 2d, urgent_before: 3d}]": "write at most warn_before, which is 2d",
		"[{name: a, expires: 2027-01-01, app_service: nosuch}]":                "security.secrets[0].app_service",
		"[{name: a, expires: 2027-01-01, page: P9}]":                           "security.secrets[0].page",
	} {
		if _, err := vendorsOf(t, "security: {secrets: "+text+"}"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
