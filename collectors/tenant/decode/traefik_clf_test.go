package decode

import "testing"

const traefikLine = `192.0.2.7 - - [21/Sep/2026:10:00:00 +0000] "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8" 17 ` +
	`"web@docker" "http://10.0.0.5:80" 123ms`

func TestTraefikCLFLines(t *testing.T) {
	want := event{path: "/a", status: 200, duration: 123 * milli, bytes: 512, time: testTime}
	testLines(t, "traefik-clf", map[string]lineCase{
		"request": {traefikLine, Counted, want},
		"quotes of a client": {
			`192.0.2.7 - - [21/Sep/2026:10:00:00 +0000] "GET /a?x=" HTTP/1.1" 200 512 "" "x" "curl" 1 "r" 5ms" 17 "w" "u" 123ms`,
			Counted, want,
		},
		"no router": {
			`192.0.2.7 - bob [21/Sep/2026:10:00:00 +0000] "GET /a HTTP/2.0" - - "-" "-" 17 "-" "-" 0ms`, Counted,
			event{path: "/a", time: testTime},
		},
		"combined": {mainLine + `"-"`, Syntax, event{}},
		"own log":  {`2026-09-21T10:00:00Z INF Starting provider`, NoRequest, event{}},
	})
}

// docs/tenants.md lists how the program reports a request that was aborted.
func TestTraefikCLFAborted(t *testing.T) {
	testStatuses(t, "traefik-clf", map[string]statusCase{
		`::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" 499 21 "-" "-" 1 "r" "u" 9ms`: {Counted, 499},
		`::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" 0 0 "-" "-" 1 "r" "u" 9ms`:    {Counted, 499},
		`::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" x 0 "-" "-" 1 "r" "u" 9ms`:    {NoStatus, 0},
	})
}
