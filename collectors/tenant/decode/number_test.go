package decode

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A status counts whatever way its program writes numbers: no line that has one is rejected.
func TestStatusAsProgramsWriteIt(t *testing.T) {
	for text, want := range map[string]int{
		`503`: 503, `503.0`: 503, `503.000`: 503, `5.03e2`: 503, `5.03E+02`: 503, `50300e-2`: 503, `"503"`: 503,
		`"503.0"`: 503, `" 503"`: 503,
		`009`: 9, `000`: 0, `"009"`: 9, `"000"`: 0, `0503`: 503, `+503`: 503, `"+503"`: 503, `-`: 0, `"-"`: 0, `""`: 0, ``: 0,
		`0`: 0, `0.0`: 0,
		`null`: 0, `-1`: 0, `-1.0`: 0, `"-1"`: 0, `NaN`: 0, `502, 503`: 503, `"502, 503"`: 503, `503, -`: 0,
		`"200 : 503"`: 503, `"503 Service Unavailable"`: 503,
		`999999999999`: 999, `1e300`: 999, `12345678901234567890123`: 999,
	} {
		for _, line := range []string{
			`{"host":"a","status":` + text + `,"request_time":0.5}`, `{"status":` + text + `}`,
			`{ "status" : ` + text + ` , "request_time" : 0.5 }`,
			`{"request_time":0.5,"status":` + text + "}",
		} {
			d, err := New(Options{Format: "nginx-json"})
			if err != nil {
				t.Fatal(err)
			}
			var e Event
			if v := d.Decode([]byte(line), &e); v != Counted || e.Status != want ||
				strings.Contains(line, "time") && e.Duration != second/2 {
				t.Errorf("%s: outcome %d, status %d, duration %d", line, v, e.Status, e.Duration)
			}
		}
	}
	for text, want := range map[string]int{
		"503": 503, "009": 9, "000": 0, "-": 0, "0": 0, "-1": 0, "503.0": 503, "0503": 503, "+503": 503,
	} {
		d := &combined{}
		var e Event
		line := `::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" ` + text + ` +12 "-" "-"`
		if v := d.Decode([]byte(line), &e); v != Counted || e.Status != want || e.Bytes != 12 {
			t.Errorf("%s: outcome %d, %+v", line, v, e)
		}
	}
	for _, text := range []string{`"abc"`, `true`, `[503]`, `{}`, `503.5`, `"5O3"`, `"503, "`, `"HTTP/1.1 503"`} {
		d, err := New(Options{Format: "nginx-json"})
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		if v := d.Decode([]byte(`{"host":"a","status":`+text+`}`), &e); v != NoStatus {
			t.Errorf("%s: outcome %d", text, v)
		}
	}
}

// Every format reads its numbers the same way.
func TestNumbersOfEveryFormat(t *testing.T) {
	at := time.Date(2026, 9, 21, 10, 0, 0, 0, time.UTC).UnixNano()
	for line, tc := range map[string]struct {
		format string
		want   event
	}{
		`{"authority":"a","bytes_sent":12.0,"duration":84.0,"path":"/","response_code":503.0,"response_flags":"UF",` +
			`"start_time":"2026-09-21T10:00:00.000Z"}`: {
			"envoy", event{host: "a", path: "/", status: 503, duration: 84 * milli, bytes: 12, time: at},
		},
		`{"ts":1.7900000001e9,"logger":"http.log.access","request":{"host":"a"},"status":503.0,"duration":1.2e-05,` +
			`"size":1.2e1}`: {
			"caddy", event{host: "a", status: 503, duration: 12000, bytes: 12, time: 1790000000100 * milli},
		},
		`{"DownstreamStatus":5.03e2,"Duration":1.2345678e7,"DownstreamContentSize":5.12e+02,"RequestHost":"a"}`: {
			"traefik", event{host: "a", status: 503, duration: 12345678, bytes: 512},
		},
		`{"requestId":"r","timestamp":1.790000000123e12,"proxy":{"host":"a","statusCode":503.0,"responseByteSize":12.0}}`: {
			"vercel", event{host: "a", id: "r", status: 503, duration: -1, bytes: 12, time: 1790000000123 * milli},
		},
		`{"requestId":"r","host":"a","statusCode":-1.0}`: {"vercel", event{host: "a", id: "r", duration: -1}},
		`{"ClientRequestHost":"a","EdgeResponseStatus":503.0,"EdgeStartTimestamp":1.79000000002e18,` +
			`"EdgeEndTimestamp":1.790000000131e+18,"EdgeResponseBytes":9.12e2}`: {
			"cloudflare", event{host: "a", status: 503, duration: 111 * milli, bytes: 912, time: 1790000000020 * milli},
		},
		`{"host":"a","status":009,"request_time":00.010,"bytes_sent":-,"msec":1790000000.123}`: {
			"nginx-json", event{host: "a", status: 9, duration: 10 * milli, time: 1790000000123 * milli},
		},
		`{"upstream_status":502, 503,"urt":0.001, 0.002 : -,"x":,"host":"a","status":503,"request_time":0.010}`: {
			"nginx-json", event{host: "a", status: 503, duration: 10 * milli},
		},
	} {
		d, err := New(Options{Format: tc.format, Path: true})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			var e Event
			if v := d.Decode([]byte(line), &e); v != Counted || plainEvent(&e) != tc.want {
				t.Errorf("%s\noutcome %d\ngot  %+v\nwant %+v", line, v, plainEvent(&e), tc.want)
			}
		}
	}
	// Who asks, and for what, may be a number that a program writes as a float.
	d, err := New(Options{Format: "json", Fields: map[string]string{"status": "status", "tenant": "org", "id": "id"}})
	if err != nil {
		t.Fatal(err)
	}
	var e Event
	if v := d.Decode([]byte(`{"status":200,"org":42.0,"id":7}`), &e); v != Counted || string(e.Tenant) != "42" ||
		string(e.ID) != "7" {
		t.Errorf("outcome %d, tenant %q, id %q", v, e.Tenant, e.ID)
	}
	if v := d.Decode([]byte(`{"status":200,"org":"42.0","id":4.5}`), &e); v != Counted || string(e.Tenant) != "42.0" ||
		string(e.ID) != "4.5" {
		t.Errorf("outcome %d, tenant %q, id %q", v, e.Tenant, e.ID)
	}
}

// Lists of durations are summed, quoted or not.
func TestDurationListsOfCombined(t *testing.T) {
	for text, want := range map[string]int64{
		`"0.006, 0.002"`: 8 * milli, `0.006, 0.002`: 8 * milli, `"0.006, 0.002 : 0.001"`: 9 * milli,
		`0.006, 0.002 : 0.001 x`: 9 * milli, `"-, 0.002"`: 2 * milli,
		`0.006`: 6 * milli, `"0.006"`: 6 * milli, `0.006 extra`: 6 * milli, `"0.006" "x, y"`: 6 * milli, `-`: -1, `"-"`: -1,
		`"`: -1, ` `: -1,
	} {
		var e Event
		line := `::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-" "host" ` + text
		if v := (&combined{}).Decode([]byte(line), &e); v != Counted || e.Duration != want {
			t.Errorf("%s: outcome %d, duration %d, want %d", text, v, e.Duration, want)
		}
	}
}

// In a post, too: the record after one with bare values is found.
func TestBareValuesInABody(t *testing.T) {
	body := []byte(
		`[{"host":"a","status":009,"o":{"x":-}},{"host":"b","status":503, 502},` + "\n" + `{"host":"c","status":200}]`)
	d, err := NewJSON(Options{Format: "nginx-json"})
	if err != nil {
		t.Fatal(err)
	}
	at, got := 1, ""
	for at < len(body) {
		var e Event
		end, v := d.Next(body, at, &e)
		if end < 0 || v != Counted {
			t.Fatalf("at %d: %d", at, v)
		}
		got += string(e.Host)
		at = end + 1
	}
	if got != "abc" {
		t.Errorf("hosts %q", got)
	}
}

// quoteBare changes nothing but bare values, and only in what is no JSON.
func TestQuoteBare(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":009}`:          `{"a":"009"}`,
		`{"a":,"b":-,"c":1}`: `{"a":"","b":"-","c":1}`, `{"a":1, 2 : -, 3 ,"b":{"c":NaN}} x`: `{"a":"1, 2 : -, ` +
			`3" ,"b":{"c":"NaN"}}`,
		`{"a:":"x:,y","b": }`: `{"a:":"x:,y","b": ""}`, `{"a":-Infinity}`: `{"a":"-Infinity"}`, `{"a":+1}`: `{"a":"+1"}`,
		`{"a":1,}`: "", `{"a":1.}`: "", `{"a":tru}`: `{"a":tru}`, `{"a":1 2}`: "", `{"a":1,,"b":2}`: "", `{"a":009`: "",
		`{"a":"x`: "", `{"a":-inf}`: "", `{"a":0x10}`: "", `{"a":1,-`: "",
		`{"a":1x}`: "", `{"a":--1}`: "", `{"a":, ,"b":1}`: "",
	} {
		got, end, ok := quoteBare(nil, []byte(in), 0)
		if ok != (want != "") || ok && (string(got) != want || end != strings.LastIndexByte(in, '}')+1) {
			t.Errorf("%s: %s, %d, %v", in, got, end, ok)
		}
	}
}

func FuzzQuoteBare(f *testing.F) {
	f.Add([]byte(`{"a":009,"b":,"c":1, 2,"d":{"e":-}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if len(line) == 0 || line[0] != '{' {
			return
		}
		got, end, ok := quoteBare(nil, line, 0)
		if !ok {
			return
		}
		if end > len(line) || len(got) < end || len(got) > 3*end {
			t.Fatalf("%q: %q, %d", line, got, end)
		}
		if strings.ReplaceAll(string(got), `"`, "") != strings.ReplaceAll(string(line[:end]), `"`, "") {
			t.Fatalf("%q: %q", line, got)
		}
		if json.Valid(line[:end]) && string(got) != string(line[:end]) {
			t.Fatalf("%q was valid: %q", line, got)
		}
	})
}

func FuzzStatus(f *testing.F) {
	for _, text := range []string{"503", "503.0", "502, 503", "-", "-1", "503 Service Unavailable", "+5e2"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		n, ok := statusOf(text)
		if n < 0 || n > 999 {
			t.Errorf("%q is %d", text, n)
		}
		if want, err := strconv.Atoi(string(text)); err == nil && (!ok || n != min(max(want, 0), 999)) {
			t.Errorf("%q is %d, %v", text, n, ok)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	lines := map[string]string{
		"nginx-json": jsonSeeds[0], "caddy": jsonSeeds[1], "traefik": jsonSeeds[2], "envoy": jsonSeeds[3],
		"vercel": jsonSeeds[4], "cloudflare": jsonSeeds[5],
		"combined": `192.0.2.7 - bob [21/Sep/2026:12:00:00 +0200] "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8 \"x\"" ` +
			`"acme.example.com" 0.123`,
		"nginx-main": mainLine + `"203.0.113.9"`, "apache-vhost": vhostLine, "ingress-nginx": ingressLine,
		"haproxy": haproxyLine, "traefik-clf": traefikLine, "envoy-text": istioLine, "aws-alb": albLine,
		"cloudfront": cloudfrontLine, "iis": iisLine, "google-lb": googleLine,
	}
	headers := map[string]string{"cloudfront": cloudfrontHeader, "iis": iisHeader}
	for _, format := range []string{
		"nginx-json", "combined", "caddy", "traefik", "envoy", "vercel", "cloudflare", "nginx-main", "apache-vhost",
		"ingress-nginx", "haproxy", "traefik-clf", "envoy-text", "aws-alb", "cloudfront", "iis", "google-lb",
	} {
		b.Run(format, func(b *testing.B) {
			d, err := New(Options{Format: format})
			if err != nil {
				b.Fatal(err)
			}
			line := []byte(lines[format])
			var e Event
			d.Decode([]byte(headers[format]), &e)
			if v := d.Decode(line, &e); v != Counted {
				b.Fatalf("outcome %d: %s", v, line)
			}
			b.ReportAllocs()
			for range b.N {
				d.Decode(line, &e)
			}
		})
	}
}

func FuzzScaled(f *testing.F) {
	f.Add("0.123", 9)
	f.Add("12345678901234567890.5", 0)
	f.Fuzz(func(t *testing.T, s string, scale int) {
		if scale < 0 || scale > 9 || len(s) > 18 {
			return
		}
		got, ok := scaled([]byte(s), scale)
		want, isNumber := new(big.Rat).SetString(s)
		if !ok || !isNumber {
			return
		}
		if exp, err := strconv.ParseFloat(s, 64); err != nil || exp > 1e18 {
			return
		}
		want.Mul(want, new(big.Rat).SetInt64(int64(powers[scale])))
		diff := new(big.Rat).Sub(want, new(big.Rat).SetUint64(got))
		if want.Cmp(new(big.Rat).SetUint64(maxScaled)) < 0 && diff.Abs(diff).Cmp(big.NewRat(1, 2)) > 0 {
			t.Errorf("%q * 10^%d is %d, want %s", s, scale, got, want.FloatString(3))
		}
	})
}
