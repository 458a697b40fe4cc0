package decode

import (
	"fmt"
	"net/netip"
	"testing"
)

// testSecret is what the health checks of the tests send.
const testSecret = `s3cr3t "quoted"`

func testProbes() *Probes {
	p := NewProbes([]netip.Prefix{
		netip.MustParsePrefix("192.0.2.0/28"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("2001:db8:7::/48"),
	})
	p.SetSecrets(testSecret, "")
	return p
}

// A client that sends our User-Agent, our query parameter or a header of ours is a client; our own health checks are
// those that come from where they run or know the secret. An X-Forwarded-For proves nothing.
func TestOnlyProvenProbesLeaveTheCounts(t *testing.T) {
	const (
		nginx      = `{"host":"a","status":200,%s}`
		caddy      = `{"logger":"http.log.access","status":200,"request":{"host":"a",%s}}`
		traefik    = `{"RequestHost":"a","DownstreamStatus":200,%s}`
		envoy      = `{"authority":"a","response_code":200,%s}`
		vercel     = `{"requestId":"r","proxy":{"host":"a","statusCode":200,%s}}`
		cloudflare = `{"ClientRequestHost":"a","EdgeResponseStatus":200,%s}`
		combined   = `%s - - [21/Sep/2026:10:00:00 +0000] "GET %s HTTP/1.1" 200 1 "-" "%s" "a" 0.1`
		agent      = `"http_user_agent":"thorbis_exporter/1"`
		escaped    = `s3cr3t \"quoted\"`
	)
	for _, tc := range []struct {
		format, line string
		want         bool
	}{
		{"nginx-json", fmt.Sprintf(nginx, agent), false},
		{"nginx-json", fmt.Sprintf(nginx, agent+`,"remote_addr":"198.51.100.9"`), false},
		{"nginx-json", fmt.Sprintf(nginx, agent+`,"remote_addr":"198.51.100.9","http_x_forwarded_for":"192.0.2.7"`), false},
		{"nginx-json", fmt.Sprintf(nginx, agent+`,"remote_addr":"192.0.2.7, 198.51.100.9"`), false},
		{"nginx-json", fmt.Sprintf(nginx, agent+`,"remote_addr":""`), false},
		{"nginx-json", fmt.Sprintf(nginx, agent+`,"remote_addr":"192.0.2.7"`), true},
		{"nginx-json", fmt.Sprintf(nginx, agent+`,"remote_addr":"192.0.2.16"`), false},
		{"nginx-json", fmt.Sprintf(nginx, agent+`,"remote_addr":"::ffff:192.0.2.7"`), true},
		{"nginx-json", fmt.Sprintf(nginx, agent+`,"remote_addr":"2001:db8:7:1::9"`), true},
		{"nginx-json", fmt.Sprintf(nginx, `"uri":"/?thorbis_probe=1","remote_addr":"192.0.2.7"`), true},
		{"nginx-json", fmt.Sprintf(nginx, `"uri":"/?thorbis_probe=1","remote_addr":"198.51.100.9"`), false},
		{"nginx-json", fmt.Sprintf(nginx, `"http_user_agent":"curl","remote_addr":"192.0.2.7"`), false},
		{"nginx-json", fmt.Sprintf(nginx, `"http_x_thorbis_probe":"home"`), false},
		{"nginx-json", fmt.Sprintf(nginx, `"http_x_thorbis_probe":""`), false},
		{"nginx-json", fmt.Sprintf(nginx, `"http_x_thorbis_probe":"-"`), false},
		{"nginx-json", fmt.Sprintf(nginx, `"http_x_thorbis_probe":"s3cr3t"`), false},
		{"nginx-json", fmt.Sprintf(nginx, `"http_x_thorbis_probe":"`+escaped+`"`), true},
		{"nginx-json", fmt.Sprintf(nginx, `"http_x_thorbis_probe":["`+escaped+`"]`), true},
		{"nginx-json", fmt.Sprintf(nginx, `"http_x_thorbis_probe":[]`), false},
		{"nginx-json", fmt.Sprintf(nginx, `"http_x_thorbis_probe":true`), false},
		{"caddy", fmt.Sprintf(caddy, `"headers":{"User-Agent":["thorbis_exporter/1"]}`), false},
		{"caddy", fmt.Sprintf(caddy, `"remote_ip":"192.0.2.7","headers":{"User-Agent":["thorbis_exporter/1"]}`), true},
		{"caddy", fmt.Sprintf(caddy, `"remote_ip":"198.51.100.9","client_ip":"192.0.2.7",`+
			`"headers":{"User-Agent":["thorbis_exporter/1"]}`), false},
		{"caddy", fmt.Sprintf(caddy, `"headers":{"X-Thorbis-Probe":["`+escaped+`"]}`), true},
		{"caddy", fmt.Sprintf(caddy, `"headers":{"X-Thorbis-Probe":["home"]}`), false},
		{"traefik", fmt.Sprintf(traefik, `"request_User-Agent":"thorbis_exporter/1","ClientAddr":"192.0.2.7:4431"`), true},
		{
			"traefik",
			fmt.Sprintf(traefik, `"request_User-Agent":"thorbis_exporter/1","ClientAddr":"[2001:db8:7::9]:4431"`), true,
		},
		{"traefik", fmt.Sprintf(traefik, `"request_User-Agent":"thorbis_exporter/1","ClientAddr":"198.51.100.9:4431",`+
			`"ClientHost":"192.0.2.7"`), false},
		{"traefik", fmt.Sprintf(traefik, `"request_X-Thorbis-Probe":"`+escaped+`"`), true},
		{
			"envoy",
			fmt.Sprintf(envoy, `"user_agent":"thorbis_exporter/1","downstream_direct_remote_address":"192.0.2.7:4431"`), true,
		},
		{
			"envoy",
			fmt.Sprintf(envoy, `"user_agent":"thorbis_exporter/1","downstream_remote_address":"192.0.2.7:4431"`), false,
		},
		{"envoy", fmt.Sprintf(envoy, `"x_thorbis_probe":"`+escaped+`"`), true},
		{"vercel", fmt.Sprintf(vercel, `"userAgent":["thorbis_exporter/1"],"clientIp":"192.0.2.7"`), true},
		{"vercel", fmt.Sprintf(vercel, `"userAgent":["thorbis_exporter/1"],"clientIp":"198.51.100.9"`), false},
		{"cloudflare", fmt.Sprintf(cloudflare, `"ClientRequestUserAgent":"thorbis_exporter/1","ClientIP":"192.0.2.7"`), true},
		{
			"cloudflare",
			fmt.Sprintf(cloudflare, `"ClientRequestUserAgent":"thorbis_exporter/1","ClientIP":"198.51.100.9"`), false,
		},
		{"cloudflare", fmt.Sprintf(cloudflare, `"RequestHeaders":{"x-thorbis-probe":"`+escaped+`"}`), true},
		{"combined", fmt.Sprintf(combined, "192.0.2.7", "/", "thorbis_exporter/1"), true},
		{"combined", fmt.Sprintf(combined, "192.0.2.7", "/?thorbis_probe=1", "x"), true},
		{"combined", fmt.Sprintf(combined, "198.51.100.9", "/?thorbis_probe=1", "thorbis_exporter/1"), false},
		{"json", `{"s":200,"ua":"thorbis_exporter/1","ip":"192.0.2.7"}`, true},
		{"json", `{"s":200,"ua":"thorbis_exporter/1","ip":"198.51.100.9"}`, false},
		{"json", `{"s":200,"p":"` + escaped + `"}`, true},
	} {
		fields := map[string]string{}
		if tc.format == "json" {
			fields = map[string]string{"status": "s", "user_agent": "ua", "client_address": "ip", "probe": "p"}
		}
		for proven, probes := range map[bool]*Probes{true: testProbes(), false: nil} {
			d, err := New(Options{Format: tc.format, Fields: fields, Probes: probes})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				var e Event
				if v := d.Decode([]byte(tc.line), &e); v != Counted || e.Probe != (tc.want && proven) {
					t.Errorf("%s %s: outcome %d, probe %t, want %t", tc.format, tc.line, v, e.Probe, tc.want && proven)
				}
			}
		}
	}
}

// Without a secret an empty header proves nothing.
func TestNoSecretProvesNothing(t *testing.T) {
	p := NewProbes(nil)
	for range 2 {
		d, err := New(Options{Format: "nginx-json", Probes: p})
		if err != nil {
			t.Fatal(err)
		}
		for _, header := range []string{`""`, `"-"`, `[""]`, `null`} {
			var e Event
			d.Decode([]byte(`{"status":200,"http_user_agent":"thorbis_exporter/1","http_x_thorbis_probe":`+header+`}`), &e)
			if e.Probe {
				t.Errorf("%s proves a health check", header)
			}
		}
		p.SetSecrets("", "")
	}
}
