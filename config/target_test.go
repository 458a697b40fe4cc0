package config

import (
	"path/filepath"
	"strconv"
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

// Each prober's target is read as that prober reads it: what it could never reach is an error, what works is none.
func TestTargetsMustBeAddresses(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, tc := range []struct {
		module string
		good   []string
		bad    []string
	}{
		{"http_2xx", []string{
			"https://example.com/healthz", "example.com", "example.com:8080/a?b=c", "http://192.0.2.1:1",
			"http://[2001:db8::1]:8080/", "https://bücher.example/",
			"http://xn--bcher-kva.example", "http://a_b.internal", "http://example.com.", "https://localhost",
			"http://[fe80::1%25eth0]/", "http://gateway/",
			"example.com/to?url=https://example.org",
		}, []string{
			"HTTP://host/ok", "Https://example.com", "ht!tp://%zz", "ftp://example.com", "wss://example.com/socket",
			"https:///path", "https:/example.com", "https//example.com", "http:example.com",
			"http://http://example.com", "https://user:pa55@example.com/", "http://example.com:99999", "http://example.com:0",
			"http://300.1.1.1/", "http://127.0.0.1.5", "http://1.2.3/",
			"http://exa mple.com", "http://-a.example", "http://a..example", "http://" + long + ".example",
			"http://\u2028.example", "https://xn--\u00fc.example", "http://exam*ple.com", "http://::1/",
		}},
		{"tcp_connect", []string{
			"127.0.0.1:1", "example.com:443", "[::1]:443", "example.com:https", "bücher.example:443",
			"127.0.0.1:65535",
		}, []string{
			"127.0.0.1:99999", "127.0.0.1:0", "127.0.0.1:-1", "example.com", "example.com:", ":443", "::1:443x",
			"tcp://example.com:443", "example.com:443/x", "example.com:no-such-service", "256.0.0.1:443", "[example.com:443",
		}},
		{"icmp", []string{"example.com", "192.0.2.1", "::1", "fe80::1%eth0", "bücher.example"}, []string{
			"[::1]", "[::1]:7", "example.com:80", "icmp://example.com", "http://example.com", "example.com/", "1.2.3.4.5",
			"two words", "a..b",
		}},
		{"resolver", []string{"127.0.0.1:53", "192.0.2.1", "::1", "[::1]:53", "example.com", "example.com:domain"}, []string{
			"two words", "[::1]", "dns://192.0.2.1", "192.0.2.1:99999", "192.0.2.1/32", "192.0.2.256", ":53",
		}},
		{"grpc", []string{
			"example.com:50051", "example.com", "[::1]:50051", "[::1]", "::1", "https://example.com:443", "http://example.com",
			"bücher.example:443",
		}, []string{
			"dns:///example.com", "grpc://example.com:50051", "example.com:99999", "example.com:", ":50051",
			"user:pa55@example.com:443", "https://", "192.0.2.300:1",
		}},
		{"sock", []string{"/run/x.sock", "@abstract", "/run/with space.sock"}, []string{
			"x.sock", "unix:///run/x.sock", "unix:/run/x.sock", "/" + strings.Repeat("a", 107),
		}},
	} {
		for _, place := range []string{"health.checks[0].target: ", "health.reference_targets[0].target: "} {
			policy := func(target string) (*Policy, error) {
				text := "  checks: [{name: a, app_service: web, target: " + strconv.Quote(target) +
					", module: " + tc.module + "}]\n"
				if strings.Contains(place, "reference") {
					text = "  reference_targets: [{target: " + strconv.Quote(target) + ", module: " + tc.module + "}]\n"
				}
				return with(t, text)
			}
			for _, target := range tc.good {
				if _, err := policy(target); err != nil {
					t.Errorf("%s through %s: %v", target, tc.module, err)
				}
			}
			for _, target := range tc.bad {
				_, err := policy(target)
				if err == nil || !strings.Contains(err.Error(), "p.yaml:6: "+place) ||
					!strings.Contains(err.Error(), "write ") && !strings.Contains(err.Error(), "move ") {
					t.Errorf("%s through %s: %v", target, tc.module, err)
				}
				if err != nil && strings.Contains(err.Error(), "pa55") {
					t.Errorf("the password is repeated: %v", err)
				}
			}
		}
	}
}

// What no prober exists for is refused at the module, and so is a source address that is none.
func TestModulesMustBeUsable(t *testing.T) {
	for module, want := range map[string]string{
		"ws: {prober: websocket}":                                       `module "ws" has prober "websocket"`,
		"ws: {prober: tcp, tcp: {source_ip_address: 10.0.0}}":           `invalid source_ip_address "10.0.0"`,
		"ws: {prober: icmp, icmp: {source_ip_address: eth0}}":           `invalid source_ip_address "eth0"`,
		"ws: {prober: dns, dns: {query_name: a, source_ip_address: x}}": `invalid source_ip_address "x"`,
	} {
		before, _, _ := strings.Cut(minimal, "health:")
		dir := write(t, map[string]string{
			"p.yaml": before + "health:\n  modules_file: blackbox.yml\n" +
				"  checks: [{name: a, app_service: web, target: 'example.com:443', module: ws}]\n",
			"blackbox.yml": "modules:\n  " + module + "\n",
		})
		if _, err := Load(filepath.Join(dir, "p.yaml")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", module, err)
		}
	}
}

// Whatever the bytes, reading a target ends, and one that is accepted has a host that the prober can look up.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{
		"https://example.com/healthz", "[::1]:443", "bücher.example:1", "HTTP://x", "/run/x.sock",
	} {
		for prober := range uint8(6) {
			f.Add(prober, seed)
		}
	}
	probers := []string{"http", "tcp", "icmp", "dns", "grpc", "unix"}
	f.Fuzz(func(t *testing.T, n uint8, target string) {
		prober := probers[int(n)%len(probers)]
		if targetError(prober, target) == nil && prober != "unix" && HostOf(prober, target) == "" {
			t.Errorf("%s accepts %q, which has no host", prober, target)
		}
	})
}

// A secret that is pasted where its file belongs is not repeated.
func TestPastedSecretIsNotRepeated(t *testing.T) {
	for _, secret := range []string{"https://hooks.slack.com/services/T0/B0/s3cr3t", "R0UT1NGs3cr3t"} {
		chat := "chat: {slack: {channel: '#c', url_file: '" + secret + "'}}"
		text := strings.Replace(minimal, "deadman: none", "deadman: none, "+chat, 1)
		p, err := Load(filepath.Join(write(t, map[string]string{"p.yaml": text}), "p.yaml"))
		reported := ""
		if err != nil {
			reported = err.Error()
		} else {
			for _, w := range p.Warnings() {
				reported += w.String() + "\n"
			}
		}
		if !strings.Contains(reported, "url_file") || strings.Contains(reported, "s3cr3t") {
			t.Errorf("%s: %s", secret, reported)
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

// Only what the prober keeps in memory is bounded where it has no limit of its own; the rest works as it did.
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
		"plain": 0, "looks": defaultBodyLimit, "wants": defaultBodyLimit, "json": defaultBodyLimit,
		"no_json": defaultBodyLimit, "own": 50 << 20, "tcp": 0,
	} {
		if got := int64(modules[name].HTTP.BodySizeLimit); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}
