//go:build !race

// The race detector allocates by itself: make unit runs this file without it.

package decode

import "testing"

// A line with bare values costs no allocation either.
func TestDecodingAllocatesNothing(t *testing.T) {
	more := []string{
		`{"host":"a","status":200,"http_user_agent":"thorbis_exporter/1","remote_addr":"2001:db8::1",` +
			`"http_x_thorbis_probe":"\"x"}`,
		`{"host":"a","status":009,"upstream_response_time":0.1, 0.2,"request_time":0.010}`,
		`{"host":"a","status":200,"request_time":"0.010 s","duration":"1m1.5ms"}`,
		`{"host":"a","status":200,"request_time":"0.010, 0.5 s","duration":"-1.5ms"}`,
	}
	for _, line := range append(jsonSeeds[:6:6], more...) {
		for format := range layouts {
			d, err := New(Options{Format: format, Probes: testProbes()})
			if err != nil {
				t.Fatal(err)
			}
			var e Event
			b := []byte(line)
			d.Decode(b, &e)
			if n := testing.AllocsPerRun(10, func() { d.Decode(b, &e) }); n > 0 {
				t.Errorf("%s: %v allocations: %s", format, n, line)
			}
		}
	}
}

// Nor does a line of text, with its fields read and its prober compared.
func TestTextAllocatesNothing(t *testing.T) {
	for format, line := range map[string]string{
		"nginx-main": mainLine + `"203.0.113.9"`, "apache-vhost": vhostLine, "ingress-nginx": ingressLine,
		"haproxy": haproxyLine, "traefik-clf": traefikLine, "envoy-text": istioLine, "aws-alb": albLine,
		"cloudfront": cloudfrontLine, "iis": iisLine,
	} {
		d, err := New(Options{Format: format, Path: true, Probes: testProbes()})
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		for _, header := range []string{cloudfrontHeader, iisHeader} {
			if f, _ := formatOf(format); f.headed && (format == "iis") == (header == iisHeader) {
				d.Decode([]byte(header), &e)
			}
		}
		b := []byte(line)
		if v := d.Decode(b, &e); v != Counted {
			t.Fatalf("%s: outcome %d", format, v)
		}
		if n := testing.AllocsPerRun(10, func() { d.Decode(b, &e) }); n > 0 {
			t.Errorf("%s: %v allocations", format, n)
		}
	}
}
