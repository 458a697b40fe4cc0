package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// The format of a file is found by trying, and what a client sends as X-Forwarded-For does not look like a host.
func TestTenantsFindsTheFormat(t *testing.T) {
	const (
		clf  = `192.0.2.7 - - [21/Sep/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 512 "-" "curl/8"`
		host = "acme.example.com"
	)
	for name, tc := range map[string]struct {
		lines []string
		code  int
		want  string
	}{
		"JSON of nginx": {
			[]string{`{"host":"` + host + `","status":200,"request_time":0.1,"bytes_sent":1,"msec":1790000000.1}`, "rubbish"},
			0,
			"the format is nginx-json: 1 of the first 2 lines are requests, with hosts, durations, times, bytes",
		},
		"combined with a host": {
			[]string{clf + ` "` + host + `" 0.1`, clf + ` "` + host + `" 0.2`}, 0, "the format is combined: 2 of the first 2",
		},
		"a time without a host": {
			[]string{clf + ` 0.1`}, 0, "the format is combined: 1 of the first 1 lines are requests, with durations, times",
		},
		"main": {[]string{clf + ` "203.0.113.9"`}, 0, "is nginx-main: 1 of the first 1 lines are requests, with times"},
		"main with a time": {
			[]string{clf + ` "-" 0.1`, clf + ` "203.0.113.9, 192.0.2.1" 0.2`}, 0, "the format is nginx-main",
		},
		"plain combined": {[]string{clf}, 0, "the format is combined"},
		"too little": {
			[]string{`{"host":"` + host + `","status":200}`}, 1, "ambiguous: nginx-json and haproxy-json read 1 of the first 1",
		},
		"virtual hosts": {[]string{host + ":443 " + clf}, 0, "the format is apache-vhost"},
		"ingress-nginx": {
			[]string{clf + ` 473 0.1 [a-b-80] [] 10.0.0.1:80 9 0.1 200 6d8f`}, 0, "the format is ingress-nginx",
		},
		"HAProxy, syslog": {
			[]string{
				`Nov 25 10:00:00 lb haproxy[7]: Proxy web started.`,
				`Nov 25 10:00:00 lb haproxy[7]: 192.0.2.7:1 [25/Nov/2026:10:00:00.000] web app/one 0/0/0/1/1 200 9 - - ---- ` +
					`1/1/1/1/0 0/0 "GET https://` + host + `/ HTTP/2.0"`,
			}, 0, "the format is haproxy: 1 of the first 2 lines are requests, 1 are others, with hosts",
		},
		"Caddy": {
			[]string{
				`{"logger":"http.log.access","request":{"host":"` + host + `"},"status":200,"duration":0.1,"ts":1790000000.1}`,
			}, 0, "the format is caddy",
		},
		"IIS": {
			[]string{"#Fields: date time cs-host sc-status time-taken", "2026-09-21 10:00:00 " + host + " 200 123"},
			0,
			"the format is iis",
		},
		"nothing known": {[]string{"rubbish"}, 1, "no format reads one of the first 1 lines"},
	} {
		file := filepath.Join(t.TempDir(), "log")
		testkit.WriteFile(t, file, strings.Join(tc.lines, "\n")+"\n")
		code, _, errs := call(t, "tenants", "--once", "--format=auto", "--tenant-host={tenant}.example.com", file)
		if code != tc.code || !strings.Contains(errs, tc.want) {
			t.Errorf("%s: exit code %d, want %d:\n%s\nwant %q", name, code, tc.code, errs, tc.want)
		}
	}
	file := filepath.Join(t.TempDir(), "log")
	testkit.WriteFile(t, file, clf+` "acme.example.com"`+"\n")
	code, _, errs := call(t, "tenants", "--once", "--format=combined", "--tenant-host={tenant}.example.com", file)
	if code != 0 || !strings.Contains(errs, "warning: "+file+": the first 1 requests end with a text in quotes") {
		t.Errorf("main read as combined: %d %s", code, errs)
	}
	code, _, errs = call(t, "tenants", "--once", "--format=auto", "-")
	if code != 1 || !strings.Contains(errs, "read once") {
		t.Errorf("standard input: %d %s", code, errs)
	}
}
