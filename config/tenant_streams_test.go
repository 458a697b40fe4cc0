package config

import (
	"path/filepath"
	"strings"
	"testing"
)

const withStream = `version: 1
channels: {deadman: none}
services: [{name: web, owner: sre}]
tenants:
  host: "{tenant}.example.com"
  sources:
    - {name: s, app_service: web, format: FORMAT, SOURCE}
`

func streamPolicy(format, source string) string {
	return strings.NewReplacer("FORMAT", format, "SOURCE", source).Replace(withStream)
}

func TestStreamsAreReadFromTheirFiles(t *testing.T) {
	dir := write(t, map[string]string{"p.yaml": streamPolicy("envoy", `kafka: {brokers: ["k:9092"], topic: requests, `+
		`sasl: {mechanism: plain, username: u, password: {file: password}}, `+
		`tls: {ca_file: ca.pem, cert_file: cert.pem, key_file: key.pem}}, start: end`)})
	p, err := Load(filepath.Join(dir, "p.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s := p.Tenants.Sources[0]
	k := s.Kafka
	for got, want := range map[string]string{
		k.SASL.Password.File: "password", k.TLS.CAFile: "ca.pem", k.TLS.CertFile: "cert.pem", k.TLS.KeyFile: "key.pem",
	} {
		if got != filepath.Join(dir, want) {
			t.Errorf("%s, want %s of the policy's directory", got, want)
		}
	}
	if !s.Streams() || s.Start != "end" {
		t.Errorf("%+v", s)
	}
	for _, w := range p.Warnings() {
		if strings.Contains(w.String(), "no effect") {
			t.Error(w)
		}
	}
}

func TestMistakesInStreamsNameTheirCure(t *testing.T) {
	const kafka, nats = `brokers: ["k:9092"], topic: requests`, `url: "nats://n:4222", stream: S`
	for source, want := range map[string]string{
		`kafka: {` + kafka + `}, file: x`:            "must have exactly one of file, stdin, receive, kafka or nats",
		`kafka: {topic: t}`:                          "p.yaml:7: tenants.sources[0].kafka: missing brokers",
		`kafka: {brokers: [k], topic: t}`:            `brokers[0]: invalid address "k": write it like kafka-1.example.com`,
		`kafka: {brokers: ["k:9092"]}`:               "kafka: missing topic",
		`kafka: {brokers: ["k:9092"], topic: "a b"}`: `invalid topic "a b"`,
		`kafka: {` + kafka + `, sasl: {mechanism: scram, username: u, password: {}}}`: `unknown value "scram"`,
		`kafka: {` + kafka + `, sasl: {mechanism: plain, username: u}}`:               "missing username or password",
		`kafka: {` + kafka + `, tls: {cert_file: c}}`:                                 "both cert_file and key_file",
		`nats: {stream: S}`:                                                                 "missing url",
		`nats: {url: "n:4222", stream: S}`:                                                  "nats.url: invalid address",
		`nats: {url: "nats://u:p@n:4222", stream: S}`:                                       "holds a user or password",
		`nats: {url: "nats://n:4222"}`:                                                      "missing stream",
		`nats: {url: "nats://n:4222", stream: "a.b"}`:                                       `invalid name "a.b"`,
		`nats: {` + nats + `, subject: "a.>"}`:                                              "without wildcards",
		`nats: {` + nats + `, partitions: 4}`:                                               "missing subject",
		`nats: {` + nats + `, partitions: 5000, subject: a}`:                                "write 0 to 4096",
		`nats: {` + nats + `, username: u}`:                                                 "both username and password",
		`nats: {` + nats + `, token: {env: T}, credentials: {env: C}}`:                      "at most one of credentials",
		`receive: vercel, secret_file: k, forward: {}`:                                      "must have either kafka or nats",
		`receive: vercel, secret_file: k, forward: {nats: {` + nats + `}}`:                  "missing subject: write the one",
		`receive: vercel, secret_file: k, forward: {nats: {` + nats + `, subject: s}}`:      "",
		`nats: {` + nats + `}, format: iis`:                                                 "",
		`nats: {` + nats + `, subject: a, partitions: 4, token: {file: t}, tls: {}}`:        "",
		`kafka: {` + kafka + `, group: lag, tls: {server_name: k}}`:                         "",
		`kafka: {` + kafka + `}, tenant_header: x-tenant`:                                   "",
		`kafka: {` + kafka + `}, tenant_by: header`:                                         "missing tenant_header",
		`kafka: {` + kafka + `}, tenant_header: x, tenant_by: host`:                         "is not read by tenant_by host",
		`file: x, tenant_header: x`:                                                         "needs kafka or nats",
		`kafka: {` + kafka + `}, rotated: "*.1"`:                                            "",
		`kafka: {` + kafka + `, sasl: {mechanism: plain, username: u, password: {env: P}}}`: "",
	} {
		format := "envoy"
		if stream, ok := strings.CutSuffix(source, ", format: iis"); ok {
			source, format, want = stream, "iis", "names its columns in lines of their own"
		}
		if strings.HasPrefix(source, "receive: ") {
			format = "vercel"
		}
		_, err := Load(filepath.Join(write(t, map[string]string{"p.yaml": streamPolicy(format, source)}), "p.yaml"))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s:\n%v\nwant %s", source, err, want)
		}
	}
}
