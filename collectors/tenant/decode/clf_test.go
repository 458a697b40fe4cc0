package decode

import "testing"

const (
	mainLine  = `192.0.2.7 - - [21/Sep/2026:10:00:00 +0000] "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8" `
	vhostLine = `acme.example.com:443 192.0.2.7 - bob [21/Sep/2026:12:00:00 +0200] "GET /a HTTP/1.1" 200 512 "-" "curl/8"`
	// Of ingress-nginx' documentation, with another time.
	ingressLine = `192.0.2.7 - - [21/Sep/2026:10:00:00 +0000] "GET /a HTTP/1.1" 503 512 "-" "curl/8" 473 0.123 ` +
		`[default-web-80] [] 10.244.0.5:8080, 10.244.0.6:8080 0, 512 0.100, 0.020 502, 503 6d8f1d07cf07b4b2e1b7b3f1e0d4c0a1`
)

// X-Forwarded-For is never a host, wherever more was added to main.
func TestNginxMainLines(t *testing.T) {
	plain := event{path: "/a", status: 200, duration: -1, bytes: 512, time: testTime}
	timed := plain
	timed.duration = 123 * milli
	named := timed
	named.host = "acme.example.com"
	testLines(t, "nginx-main", map[string]lineCase{
		"packaged":              {mainLine + `"203.0.113.9, 198.51.100.1"`, Counted, plain},
		"a host of the client":  {mainLine + `"victim.example.com"`, Counted, plain},
		"a quote of the client": {mainLine + `"\x22 \x22victim.example.com\x22 0.1"`, Counted, plain},
		"time":                  {mainLine + `"victim.example.com" 0.123`, Counted, timed},
		"host and time":         {mainLine + `"victim.example.com" "acme.example.com" 0.123`, Counted, named},
		"bare host and time":    {mainLine + `"victim.example.com" acme.example.com 0.123`, Counted, named},
		"another quoted text":   {mainLine + `"-" "victim.example.com"`, Counted, plain},
		"combined":              {mainLine[:len(mainLine)-1], Syntax, event{}},
		"an error of nginx": {
			`2026/09/21 10:00:00 [error] 7#7: *1 open() "/x" failed (2: No such file or directory)`, NoRequest, event{},
		},
	})
}

func TestApacheVhostLines(t *testing.T) {
	want := event{host: "acme.example.com:443", path: "/a", status: 200, duration: -1, bytes: 512, time: testTime}
	testLines(t, "apache-vhost", map[string]lineCase{
		"request":  {vhostLine, Counted, want},
		"more":     {vhostLine + ` "victim.example.com" 0.1`, Counted, want},
		"combined": {vhostLine[len("acme.example.com:443 "):], Syntax, event{}},
		"an error of Apache": {
			`[Mon Sep 21 10:00:00.123456 2026] [core:notice] [pid 7:tid 7] AH00094: Command line: 'apache2'`, NoRequest, event{},
		},
	})
}

func TestIngressNginxLines(t *testing.T) {
	testLines(t, "ingress-nginx", map[string]lineCase{
		"request": {
			ingressLine, Counted, event{path: "/a", status: 503, duration: 123 * milli, bytes: 512, time: testTime},
		},
		"main": {mainLine + `"203.0.113.9"`, Syntax, event{}},
		"own log": {
			`I0921 10:00:00.123456       7 controller.go:190] "Configuration changes detected"`, NoRequest, event{},
		},
	})
}

// They begin as combined, and a request that was aborted looks the same.
func TestCombinedKinAborted(t *testing.T) {
	testStatuses(t, "nginx-main", map[string]statusCase{
		`::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" 499 0 "-" "-" "-"`: {Counted, 499},
		`::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" 000 0 "-" "-" "-"`: {Counted, 0},
	})
	testStatuses(t, "ingress-nginx", map[string]statusCase{
		`::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" 499 0 "-" "-" 9 0.1 [a] [] - - - - x`: {Counted, 499},
	})
	testStatuses(t, "apache-vhost", map[string]statusCase{
		`a:80 ::1 - - [21/Sep/2026:10:00:00 +0000] "-" 408 0 "-" "-"`: {Counted, 408},
	})
}
