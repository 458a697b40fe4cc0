package importer

import (
	"strings"
	"testing"
	"time"
)

// gatusExample has the shape of the examples in Gatus' documentation.
const gatusExample = `ui: {title: x}
endpoints:
  - name: front-end
    group: core
    url: "https://twin.sh/health"
    interval: 5m
    conditions:
      - "[STATUS] == 200"
      - "[BODY].status == UP"
      - "[BODY].count > 3"
      - "[RESPONSE_TIME] < 150"
  - name: back-end
    group: core
    url: "https://example.org/"
    method: POST
    headers: {Content-Type: application/json, Authorization: Bearer x}
    body: '{"a": 1}'
    client: {insecure: true, ignore-redirect: true, timeout: 3s}
    conditions:
      - "[STATUS] == any(200, 429)"
      - "[BODY] == pat(*<h1>Example*)"
      - "[CERTIFICATE_EXPIRATION] > 48h"
    alerts: [{type: slack}]
  - name: redis
    url: "tcp://127.0.0.1:6379"
    conditions: ["[CONNECTED] == true"]
  - name: ping
    url: "icmp://example.org"
    conditions: ["[CONNECTED] == true"]
  - name: example-dns-query
    url: "8.8.8.8"
    dns: {query-name: example.org, query-type: A}
    conditions:
      - "[BODY] == 93.184.215.14"
      - "[DNS_RCODE] == NOERROR"
  - name: mail
    url: "tls://mail.example.org:465"
  - name: rpc
    url: "grpc://127.0.0.1:50051"
  - name: plain
    url: "https://example.net/"
    conditions: ["[STATUS] < 300", "[STATUS] >= 200", "[STATUS] == 5xx"]
  - name: off
    enabled: false
    url: "https://off.example.net/"
`

func TestImportGatus(t *testing.T) {
	part, err := convertGatus([]byte(gatusExample))
	if err != nil {
		t.Fatal(err)
	}
	p := accepted(t, part)
	want := [][4]string{
		{"core-front-end", "core", "https://twin.sh/health", "core-front-end"},
		{"core-back-end", "core", "https://example.org/", "core-back-end"},
		{"redis", "redis", "127.0.0.1:6379", "tcp_connect"},
		{"ping", "ping", "example.org", "icmp"},
		{"example-dns-query", "example-dns-query", "8.8.8.8", "example-dns-query"},
		{"mail", "mail", "mail.example.org:465", "mail"},
		{"rpc", "rpc", "127.0.0.1:50051", "rpc"},
		{"plain", "plain", "https://example.net/", "http_2xx"},
	}
	checksAre(t, p, want)
	if c := p.Health.Checks[1]; c.Timeout.Std() != 3*time.Second || c.Interval.Std() != time.Minute {
		t.Errorf("%+v", c)
	}
	if m, _ := p.Module("core-front-end"); len(m.HTTP.ValidStatusCodes) != 1 ||
		m.HTTP.FailIfBodyJsonNotMatchesCEL == nil {
		t.Errorf("%+v", m.HTTP)
	}
	if m, _ := p.Module("core-back-end"); len(m.HTTP.ValidStatusCodes) != 2 || m.HTTP.Method != "POST" ||
		len(m.HTTP.FailIfBodyNotMatchesRegexp) != 1 || !m.HTTP.HTTPClientConfig.TLSConfig.InsecureSkipVerify {
		t.Errorf("%+v", m.HTTP)
	}
	for _, expr := range []string{`body.status == "UP" && body.count > 3`, "Example.*$", `\s93\.184\.215\.14$`} {
		if !strings.Contains(string(part.Modules), expr) {
			t.Errorf("no %s in the modules\n%s", expr, part.Modules)
		}
	}
	noted(t, part, "line 1: Gatus: ui", "line 11: condition [RESPONSE_TIME] < 150 of core-front-end",
		"line 16: header Authorization",
		"line 22: condition [CERTIFICATE_EXPIRATION] > 48h", "line 23: core-back-end: alerts",
		"line 42: condition [STATUS] == 5xx of plain",
		"line 44: endpoint off is not enabled")
	if contains(part, "Bearer") {
		t.Error("a secret is in the policy")
	}
}

func contains(part Part, text string) bool {
	return strings.Contains(string(part.Policy)+string(part.Modules), text)
}

func TestImportGatusRefused(t *testing.T) {
	refused(t, convertGatus, gatusExample, map[string][3]string{
		"scheme":   {"tls://", "sctp://", "line 37: mail: nothing probes sctp"},
		"interval": {"interval: 5m", "interval: often", "line 6: core-front-end: time: invalid duration"},
		"timeout":  {"timeout: 3s", "timeout: soon", "line 18: core-back-end: time: invalid duration"},
		"url":      {"icmp://example.org", "http://[", `line 28: ping: invalid url "http://["`},
		"nothing":  {"endpoints:", "endpoint:", "nothing was imported"},
		"no YAML":  {"ui:", "\t:", "invalid configuration of Gatus"},
	})
}

func FuzzImportGatus(f *testing.F) { fuzzed(f, convertGatus, gatusExample) }
