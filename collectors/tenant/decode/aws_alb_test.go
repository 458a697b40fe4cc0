package decode

import (
	"strings"
	"testing"
)

// Of AWS' documentation, with other times, URL and addresses.
const albLine = `https 2026-09-21T10:00:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.0.2.7:2817 10.0.0.1:80 ` +
	`0.086 0.048 0.037 200 200 0 512 "GET https://acme.example.com:443/a?b=1 HTTP/1.1" "curl/7.46.0" ` +
	`ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 ` +
	`arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 ` +
	`"Root=1-58337281-1d84f3d73c47ec4e58577259" "sni.example.com" "arn:aws:acm:us-east-2:123456789012:certificate/1" 1 ` +
	`2026-09-21T09:59:59.364000Z "authenticate,forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_123456`

func TestALBLines(t *testing.T) {
	want := event{
		host: "acme.example.com:443", path: "/a", status: 200, duration: 171 * milli, bytes: 512,
		time: testTime + 186641*1000,
	}
	none, quote := want, want
	none.duration = -1
	quote.path = `/a"`
	probe := want
	probe.probe = true
	testLines(t, "aws-alb", map[string]lineCase{
		"request":        {albLine, Counted, want},
		"not dispatched": {strings.Replace(albLine, "0.086 0.048 0.037", "-1 -1 -1", 1), Counted, none},
		"a quote in the URL": {
			strings.Replace(albLine, "/a?b=1", `/a"?b="https://victim.example.com/`, 1), Counted, quote,
		},
		"a health check": {strings.Replace(albLine, "curl/7", "thorbis_exporter/1", 1), Counted, probe},
		"no status":      {strings.Replace(albLine, " 200 200 ", " x 200 ", 1), NoStatus, event{}},
		"another type":   {strings.Replace(albLine, "https 2026", "tls 2026", 1), Syntax, event{}},
		"short":          {albLine[:100], Syntax, event{}},
		"malformed": {
			strings.Replace(albLine, "GET https://acme.example.com:443/a?b=1 HTTP/1.1",
				"- http://lb-1.elb.amazonaws.com:80- -", 1), Counted,
			event{
				host: "lb-1.elb.amazonaws.com:80-", status: 200, duration: 171 * milli, bytes: 512,
				time: testTime + 186641*1000,
			},
		},
	})
}

// docs/tenants.md lists how the program reports a request that was aborted.
func TestALBAborted(t *testing.T) {
	cases := map[string]statusCase{}
	for status, want := range map[string]int{"460": 499, "000": 0, "-": 0, "502": 502, "561": 561, "499": 499} {
		cases[strings.Replace(albLine, " 200 200 ", " "+status+" - ", 1)] = statusCase{Counted, want}
	}
	testStatuses(t, "aws-alb", cases)
}
