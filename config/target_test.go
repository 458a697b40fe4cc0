package config

import (
	"path/filepath"
	"strings"
	"testing"
)

// with loads the minimal policy with another health section.
func with(t *testing.T, health string) (*Policy, error) {
	t.Helper()
	before, _, _ := strings.Cut(minimal, "health:")
	dir := write(t, map[string]string{
		"p.yaml":       before + "health:\n  modules_file: blackbox.yml\n" + health,
		"blackbox.yml": "modules:\n  sock: {prober: unix}\n  resolver: {prober: dns, dns: {query_name: example.com}}\n",
	})
	return Load(filepath.Join(dir, "p.yaml"))
}

func TestTargetsMustBeAddresses(t *testing.T) {
	for target, module := range map[string]string{
		"https://example.com/healthz": "http_2xx", "example.com": "http_2xx", "127.0.0.1:1": "tcp_connect",
		"[::1]:443": "tcp_tls", "/run/x.sock": "sock", "127.0.0.1:53": "resolver", "example.com:50051": "grpc",
	} {
		if _, err := with(t, "  checks: [{name: a, app_service: web, target: '"+target+"', module: "+module+"}]\n"); err != nil {
			t.Errorf("%s through %s: %v", target, module, err)
		}
	}
	for target, module := range map[string]string{
		"ht!tp://%zz": "http_2xx", "ftp://example.com": "http_2xx", "https:///path": "http_2xx",
		"https://user:pa55@example.com/": "http_2xx", "example.com": "tcp_connect", "x.sock": "sock", "two words": "resolver",
	} {
		_, err := with(t, "  checks: [{name: a, app_service: web, target: '"+target+"', module: "+module+"}]\n")
		if err == nil || !strings.Contains(err.Error(), "target: ") || !strings.Contains(err.Error(), "write") {
			t.Errorf("%s through %s: %v", target, module, err)
		}
		if err != nil && strings.Contains(err.Error(), "pa55") {
			t.Errorf("the password is repeated: %v", err)
		}
	}
}

// A secret that is pasted where its file belongs is not repeated.
func TestPastedSecretIsNotRepeated(t *testing.T) {
	for _, secret := range []string{"https://hooks.slack.com/services/T0/B0/s3cr3t", "R0UT1NGs3cr3t"} {
		text := strings.Replace(minimal, "deadman: none", "deadman: none, chat: {slack: {channel: '#c', url_file: '"+secret+"'}}", 1)
		p, err := Load(filepath.Join(write(t, map[string]string{"p.yaml": text}), "p.yaml"))
		said := ""
		if err != nil {
			said = err.Error()
		} else {
			for _, w := range p.Warnings() {
				said += w.String() + "\n"
			}
		}
		if !strings.Contains(said, "url_file") || strings.Contains(said, "s3cr3t") {
			t.Errorf("%s: %s", secret, said)
		}
	}
}

// Exporters that judge by other modules are not of one policy.
func TestModulesArePartOfTheHash(t *testing.T) {
	hash := func(status string) string {
		dir := write(t, map[string]string{
			"p.yaml":       strings.Replace(minimal, "health:", "health:\n  modules_file: blackbox.yml", 1),
			"blackbox.yml": "modules:\n  http_2xx: {prober: http, http: {valid_status_codes: [" + status + "]}}\n",
		})
		p, err := Load(filepath.Join(dir, "p.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		return p.Hash()
	}
	if hash("200") == hash("204") {
		t.Error("another module did not change the hash")
	}
	if hash("200") != hash("200 ") {
		t.Error("white space changed the hash")
	}
}

// Only what the prober keeps in memory is bounded where its author has not said so; the rest works as it did.
func TestModulesThatKeepBodiesAreBounded(t *testing.T) {
	modules, err := parseModules([]byte(`modules:
  plain: {prober: http}
  looks: {prober: http, http: {fail_if_body_matches_regexp: [x]}}
  wants: {prober: http, http: {fail_if_body_not_matches_regexp: [x]}}
  json: {prober: http, http: {fail_if_body_json_matches_cel: "body.x == 1"}}
  no_json: {prober: http, http: {fail_if_body_json_not_matches_cel: "body.x == 1"}}
  own: {prober: http, http: {fail_if_body_matches_regexp: [x], body_size_limit: 50MB}}
  tcp: {prober: tcp}
`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int64{
		"plain": 0, "looks": defaultBodyLimit, "wants": defaultBodyLimit, "json": defaultBodyLimit, "no_json": defaultBodyLimit, "own": 50 << 20, "tcp": 0,
	} {
		if got := int64(modules[name].HTTP.BodySizeLimit); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}
