package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestMistakesInProbesNameTheirCure(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{addresses: [192.0.2.7, "2001:db8::/48", "::ffff:192.0.2.8"]}`, ""},
		{`{secret: {file: key}}`, ""},
		{`{secret: {env: HOME}}`, ""},
		{
			`{addresses: [example.com]}`,
			`p.yaml:6: tenants.probes.addresses[0]: invalid address "example.com": write it like 192.0.2.7`,
		},
		{`{addresses: ["192.0.2.7:443"]}`, `invalid address "192.0.2.7:443"`},
		{
			`{addresses: [192.0.2.7, 0.0.0.0/0]}`,
			`tenants.probes.addresses[1]: invalid network "0.0.0.0/0": every client is in it`,
		},
		{`{addresses: ["::/0"]}`, "every client is in it"},
		{`{secret: {}}`, "tenants.probes.secret: must have either file or env"},
		{`{secret: {file: key, env: HOME}}`, "tenants.probes.secret: must have either file or env"},
		{`{secret: {file: "https://x.y/secret"}}`, "write the name of a file that holds the secret"},
		{`{header: X}`, "tenants.probes.header"},
	} {
		policy := strings.Replace(withSource, "  host:", "  probes: "+c.text+"\n  host:", 1)
		_, err := Load(filepath.Join(write(t, map[string]string{"p.yaml": policy, "key": "k"}), "p.yaml"))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.text, err, c.want)
		}
	}
}

// Health checks that would count as requests of tenants are warned of, wherever the reason lies.
func TestHealthChecksAmongRequestsAreWarnedOf(t *testing.T) {
	const (
		unproven = "User-Agent can be sent by any client"
		unlogged = "neither the address nor the secret"
		unsent   = "does not send the secret"
	)
	const check = "health: {checks: [{name: home, app_service: web, target: \"https://example.com/healthz\"}]}\n"
	const sends = "health: {checks: [{name: home, app_service: web, target: \"https://example.com/healthz\", " +
		"secret_headers: {x-thorbis-probe: {file: key}}}]}\n"
	const tcp = "health: {checks: [{name: home, app_service: web, target: \"example.com:443\", module: tcp_connect}]}\n"
	const addresses, secret = "{addresses: [192.0.2.7]}", "{secret: {file: key}}"
	const nginx, combined = "nginx-json", "combined"
	const bare = "json, fields: {status: s, host: h}"
	for _, tc := range []struct{ health, probes, format, want string }{
		{"", "", nginx, ""},
		{tcp, "", nginx, ""},
		{check, "", nginx, unproven},
		{sends, "", nginx, unproven},
		{check, addresses, nginx, ""},
		{check, addresses, combined, ""},
		{check, addresses, bare, unlogged},
		{check, addresses, "json, fields: {status: s, host: h, client_address: ip}", ""},
		{check, addresses, "envoy-text", unlogged},
		{sends, secret, "haproxy", unlogged},
		{sends, secret, "haproxy, fields: {probe: capture.2}", ""},
		{check, secret, nginx, unsent},
		{sends, secret, nginx, ""},
		{sends, secret, combined, unlogged},
		{sends, secret, bare, unlogged},
		{sends, secret, "json, fields: {status: s, host: h, probe: p}", ""},
		{check, "{addresses: [192.0.2.7], secret: {file: key}}", combined, ""},
	} {
		text := strings.Replace(withSource, "tenants:\n", tc.health+"tenants:\n", 1)
		text = strings.Replace(text, "format: nginx-json", "format: "+tc.format, 1)
		if tc.probes != "" {
			text = strings.Replace(text, "  host:", "  probes: "+tc.probes+"\n  host:", 1)
		}
		p, err := Load(filepath.Join(write(t, map[string]string{"p.yaml": text, "key": "k"}), "p.yaml"))
		if err != nil {
			t.Fatalf("%s\n%v", text, err)
		}
		var got []string
		for _, w := range p.Warnings() {
			for _, kind := range []string{unproven, unlogged, unsent} {
				if strings.Contains(w.Msg, kind) {
					got = append(got, kind)
				}
			}
		}
		if strings.Join(got, ", ") != tc.want {
			t.Errorf("%+v: warned of %q", tc, got)
		}
	}
}
