package decode

import (
	"strings"
	"testing"
)

const googleLine = `{"insertId":"1fn8","jsonPayload":{"@type":"type.googleapis.com/google.cloud.loadbalancing.type.` +
	`LoadBalancerLogEntry","statusDetails":"response_sent_by_backend"},"httpRequest":{"requestMethod":"GET",` +
	`"requestUrl":"https://acme.example.com/a?b=1","requestSize":"80","status":200,"responseSize":"512",` +
	`"userAgent":"curl/8","remoteIp":"192.0.2.7","serverIp":"10.0.0.5","latency":"0.123s"},` +
	`"resource":{"type":"http_load_balancer"},` +
	`"timestamp":"2026-09-21T10:00:00Z","severity":"INFO","logName":"projects/p/logs/requests"}`

func TestGoogleLBLines(t *testing.T) {
	want := event{
		host: "acme.example.com", path: "/a", id: "1fn8", status: 200, duration: 123 * milli, bytes: 512, time: testTime,
	}
	probe := want
	probe.probe = true
	testLines(t, "google-lb", map[string]lineCase{
		"request":           {googleLine, Counted, want},
		"a user in the URL": {strings.Replace(googleLine, "//acme", "//victim.example.com@acme", 1), Counted, want},
		"a health check":    {strings.Replace(googleLine, "curl/8", "thorbis_exporter/1", 1), Counted, probe},
		"another log":       {`{"logName":"projects/p/logs/x","severity":"INFO","jsonPayload":{"a":1}}`, NoRequest, event{}},
		"another format":    {`{"host":"a","status":200}`, NoStatus, event{}},
	})
}

// docs/tenants.md lists how the program reports a request that was aborted.
func TestGoogleLBAborted(t *testing.T) {
	const left = `"statusDetails":"client_disconnected_before_any_response"`
	gone := strings.Replace(googleLine, `"statusDetails":"response_sent_by_backend"`, left, 1)
	testStatuses(t, "google-lb", map[string]statusCase{
		strings.Replace(gone, `"status":200`, `"status":0`, 1):                                          {Counted, 499},
		strings.Replace(gone, `"status":200,`, ``, 1):                                                   {Counted, 499},
		strings.Replace(gone, `"status":200`, `"status":499`, 1):                                        {Counted, 499},
		strings.Replace(googleLine, `"status":200`, `"status":0`, 1):                                    {Counted, 0},
		strings.Replace(googleLine, "response_sent_by_backend", "client_disconnected_after_partial", 1): {Counted, 200},
	})
}
