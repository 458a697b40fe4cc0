package decode

import (
	"bytes"
	"math"
	"testing"
)

// fuzzFormat holds for every line that a decoder ends with an outcome, and with an event within its bounds that has
// nothing but what the line has.
func fuzzFormat(f *testing.F, o Options, seeds ...string) {
	for _, line := range seeds {
		f.Add([]byte(line))
		f.Add([]byte(line[:len(line)/2]))
	}
	o.Path, o.Probes = true, testProbes()
	f.Fuzz(func(t *testing.T, line []byte) {
		d, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		var first event
		for round := range 2 {
			var e Event
			v := d.Decode(line, &e)
			if v >= Outcomes || e.Duration < -1 || e.Status < 0 || e.Status > 999 || e.Bytes > math.MaxInt64 {
				t.Fatalf("outcome %d, %+v", v, e)
			}
			for _, part := range [][]byte{e.Host, e.Path, e.Tenant} {
				if !bytes.HasPrefix(line, []byte{'{'}) && !bytes.Contains(line, part) {
					t.Fatalf("%q is not in the line", part)
				}
			}
			if got := plainEvent(&e); round == 0 {
				first = got
			} else if v == Counted && got != first {
				t.Fatalf("decoded again it is %+v, was %+v", got, first)
			}
		}
	})
}

func FuzzNginxMain(f *testing.F) {
	fuzzFormat(f, Options{Format: "nginx-main"}, mainLine+`"203.0.113.9"`, mainLine+`"-" "acme.example.com" 0.1`)
}

func FuzzApacheVhost(f *testing.F) { fuzzFormat(f, Options{Format: "apache-vhost"}, vhostLine) }

func FuzzIngressNginx(f *testing.F) { fuzzFormat(f, Options{Format: "ingress-nginx"}, ingressLine) }

func FuzzHAProxy(f *testing.F) {
	fuzzFormat(f, Options{Format: "haproxy", Fields: map[string]string{"host": "capture.1", "probe": "capture.2"}},
		haproxyLine, haproxyCaptured)
}

func FuzzTraefikCLF(f *testing.F) { fuzzFormat(f, Options{Format: "traefik-clf"}, traefikLine) }

func FuzzEnvoyText(f *testing.F) { fuzzFormat(f, Options{Format: "envoy-text"}, envoyLine, istioLine) }

func FuzzAWSALB(f *testing.F) { fuzzFormat(f, Options{Format: "aws-alb"}, albLine) }

func FuzzCloudFront(f *testing.F) { fuzzColumns(f, "cloudfront", cloudfrontHeader, cloudfrontLine) }

func FuzzIIS(f *testing.F) { fuzzColumns(f, "iis", iisHeader, iisLine) }

// fuzzColumns decodes a header and a line.
func fuzzColumns(f *testing.F, format, header, line string) {
	f.Add([]byte(header), []byte(line))
	f.Add([]byte("#Fields:"), []byte(line))
	f.Add([]byte("#Fields: date date"), []byte("a b"))
	f.Fuzz(func(t *testing.T, header, line []byte) {
		d, err := New(Options{Format: format, Path: true, Probes: testProbes()})
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		for _, b := range [][]byte{header, line} {
			if v := d.Decode(b, &e); v >= Outcomes || e.Duration < -1 || e.Status < 0 || e.Status > 999 ||
				e.Bytes > math.MaxInt64 || !bytes.Contains(b, e.Host) {
				t.Fatalf("outcome %d, %+v", v, e)
			}
		}
	})
}

func FuzzSplitURL(f *testing.F) {
	for _, url := range []string{"https://acme.example.com:443/a?b", "http://u@h", "://", "/a", "https://a?b/c"} {
		f.Add([]byte(url))
	}
	f.Fuzz(func(t *testing.T, url []byte) {
		host, uri := splitURL(url)
		if bytes.ContainsAny(host, "/?#@") || !bytes.Contains(url, host) || !bytes.HasSuffix(url, uri) {
			t.Errorf("%q: %q and %q", url, host, uri)
		}
	})
}
