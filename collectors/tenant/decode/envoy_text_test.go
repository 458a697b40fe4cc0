package decode

import (
	"strings"
	"testing"
)

const (
	// Of Envoy's documentation, with another time and authority.
	envoyLine = `[2026-09-21T10:00:00.123Z] "POST /api/v1/locations?x HTTP/2" 204 - 154 512 226 100 "10.0.35.28" ` +
		`"nsq2http" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "acme.example.com" "tcp://10.0.2.1:80"`
	// Of Istio's documentation, with another time and authority.
	istioLine = `[2026-09-21T10:00:00.123Z] "GET /api/v1/locations HTTP/1.1" 204 - via_upstream - "-" 154 512 226 100 ` +
		`"-" "curl/7.73.0-DEV" "84961386-6d84-929d-98bd-c5aee93b5c88" "acme.example.com" "10.44.1.27:80" ` +
		`outbound|8000||httpbin.foo.svc.cluster.local 10.44.1.23:37652 10.0.45.184:8000 10.44.1.23:46520 - default`
)

// Envoy escapes no quotes: a client cannot add an authority by a header.
func TestEnvoyTextLines(t *testing.T) {
	want := event{
		host: "acme.example.com", path: "/api/v1/locations", status: 204, duration: 226 * milli, bytes: 512,
		time: testTime + 123*milli,
	}
	const forged = `x" "id" "victim.example.com" "10.0.0.1:80`
	testLines(t, "envoy-text", map[string]lineCase{
		"Envoy":                       {envoyLine, Counted, want},
		"Istio":                       {istioLine, Counted, want},
		"an agent with fields, Envoy": {strings.Replace(envoyLine, "nsq2http", forged, 1), Counted, want},
		"an agent with fields, Istio": {strings.Replace(istioLine, "curl/7.73.0-DEV", forged, 1), Counted, want},
		"forwarded for, with fields":  {strings.Replace(envoyLine, "10.0.35.28", forged, 1), Counted, want},
		"a request id with fields":    {strings.Replace(envoyLine, "cc21d9b0-cf5c", forged+`" "`, 1), Counted, want},
		"a failure":                   {strings.Replace(istioLine, `- "-"`, `- "TLS_error:|268435581:x"`, 1), Counted, want},
		"more than is known":          {envoyLine + ` "x" y`, Syntax, event{}},
		"TCP": {
			strings.Replace(istioLine, "GET /api/v1/locations HTTP/1.1", "- - -", 1), NoRequest, event{},
		},
		"an authority with a space": {strings.Replace(envoyLine, "acme.example", "acme example", 1), Syntax, event{}},
		"combined":                  {mainLine + `"-"`, Syntax, event{}},
		"a path with a quote":       {strings.Replace(envoyLine, "?x", `?"`, 1), Counted, want},
		"Envoy's own": {
			`[2026-09-21 10:00:00.123][1][info][main] [source/server/server.cc:1] x`, NoRequest, event{},
		},
		"without a status":             {strings.Replace(envoyLine, " 204 ", " x ", 1), NoStatus, event{}},
		"no end of the time":           {`[2026-09-21T10:00:00.123Z "GET`, Syntax, event{}},
		"nothing after the start time": {`[2026-09-21T10:00:00.123Z]`, Syntax, event{}},
	})
}

// docs/tenants.md lists how the program reports a request that was aborted.
func TestEnvoyTextAborted(t *testing.T) {
	cases := map[string]statusCase{}
	for flags, want := range map[string]int{"DC": 499, "DR": 499, "-": 499, "UF": 0, "UMSDR": 0, "DPE": 499} {
		cases[strings.Replace(envoyLine, " 204 - ", " 0 "+flags+" ", 1)] = statusCase{Counted, want}
	}
	for details, want := range map[string]int{
		"0 DC downstream_remote_disconnect": 499, "0 DC downstream_local_disconnect(overload)": 0,
	} {
		cases[strings.Replace(istioLine, "204 - via_upstream", details, 1)] = statusCase{Counted, want}
	}
	testStatuses(t, "envoy-text", cases)
}
