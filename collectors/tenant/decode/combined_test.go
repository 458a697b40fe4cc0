package decode

import (
	"strings"
	"testing"
)

func TestCombinedLines(t *testing.T) {
	testLines(t, "combined", map[string]lineCase{
		"request": {
			`192.0.2.7 - bob [21/Sep/2026:12:00:00 +0200] "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8 \"x\"" "acme.example.com" ` +
				`0.123`,
			Counted,
			event{host: "acme.example.com", path: "/a", status: 200, duration: 123 * milli, bytes: 512, time: testTime},
		},
		"bare host": {
			`192.0.2.7 - - [21/Sep/2026:10:00:00 +0000] "GET /a HTTP/1.1" 502 - "-" "-" acme.example.com`, Counted,
			event{host: "acme.example.com", path: "/a", status: 502, duration: -1, time: testTime},
		},
		"plain": {
			`::1 - - [21/Sep/2026:10:00:00 +0000] "-" 400 0 "-" "thorbis_exporter/1"`, Counted,
			event{status: 400, duration: -1, time: testTime, probe: true},
		},
		"no status": {`::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" x 0 "-" "-"`, NoStatus, event{}},
		"broken":    {`::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1`, Syntax, event{}},
	})
}

// A client sends what it likes as X-Forwarded-For, which nginx's packaged format main has last, and as its user name:
// neither is a host, nor ends the time.
func TestCombinedTakesNoHostFromClients(t *testing.T) {
	const (
		plain = `192.0.2.7 - - [21/Sep/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 512 "-" "curl/8" `
		user  = `192.0.2.7 - %s [21/Sep/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 512 "-" "curl/8" "acme.example.com" 0.1`
	)
	cases := map[string]lineCase{}
	none := event{path: "/a", status: 200, duration: -1, bytes: 512, time: testTime}
	for name, rest := range map[string]string{
		"main":                 `"victim.example.com"`,
		"main, a space":        `"victim.example.com" `,
		"main, labelled times": `"victim.example.com" rt=0.123 uct="0.001"`,
		"main, then host":      `"victim.example.com" "acme.example.com" 0.123`,
		"main, then bare host": `"victim.example.com" acme.example.com 0.123`,
		"main, without one":    `"-"`,
	} {
		cases[name] = lineCase{plain + rest, Counted, none}
	}
	known := none
	known.host, known.duration = "acme.example.com", 100*milli
	for name, text := range map[string]string{
		"user with a bracket":         `a[b`,
		"user with a time":            `[21/Sep/2026:10:00:00 +0000]`,
		"user with a line in nginx":   `x [21/Sep/2026:10:00:00 +0000] \x22GET / HTTP/1.1\x22 200 1`,
		"user with a line in Apache":  `x [21/Sep/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 1`,
		"user that ends in a bracket": `x [21/Sep/2020:10:00:00 +0000] \" [`,
	} {
		cases[name] = lineCase{strings.Replace(user, "%s", text, 1), Counted, known}
	}
	timed := none
	timed.duration = 123 * milli
	cases["a time without a host"] = lineCase{plain + "0.123", Counted, timed}
	cases["a bare address"] = lineCase{plain + "192.0.2.1", Counted, event{
		host: "192.0.2.1", path: "/a", status: 200, duration: -1, bytes: 512, time: testTime,
	}}
	testLines(t, "combined", cases)
}

// docs/tenants.md lists how the program reports a request that was aborted.
func TestCombinedAborted(t *testing.T) {
	testStatuses(t, "combined", map[string]statusCase{
		`::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" 499 0 "-" "-"`: {Counted, 499},
		`::1 - - [21/Sep/2026:10:00:00 +0000] "-" 408 0 "-" "-"`:              {Counted, 408},
		`::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" 000 0 "-" "-"`: {Counted, 0},
		`::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" - 0 "-" "-"`:   {Counted, 0},
	})
}

// Whatever a line holds, a decoder ends with an outcome.
func FuzzCombined(f *testing.F) {
	f.Add([]byte(`192.0.2.7 - bob [21/Sep/2026:12:00:00 +0200] "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8 \"x\"" ` +
		`"acme.example.com" 0.123`))
	f.Add([]byte(`a [1] "`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var e Event
		if v := (&combined{}).Decode(line, &e); v >= Outcomes || e.Duration < -1 {
			t.Errorf("outcome %d, %+v", v, e)
		}
	})
}
