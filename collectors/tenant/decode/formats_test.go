package decode

import (
	"math/big"
	"strconv"
	"testing"
	"time"
)

// event is an Event that can be compared.
type event struct {
	host, path, tenant, id string
	status                 int
	duration               int64
	bytes                  uint64
	time                   int64
	probe                  bool
}

func plainEvent(e *Event) event {
	return event{string(e.Host), string(e.Path), string(e.Tenant), string(e.ID), e.Status, e.Duration, e.Bytes, e.Time, e.Probe}
}

const (
	second = int64(time.Second)
	milli  = int64(time.Millisecond)
)

func TestFormats(t *testing.T) {
	at := time.Date(2026, 9, 21, 10, 0, 0, 0, time.UTC).UnixNano()
	for name, tc := range map[string]struct {
		format, line string
		outcome      Outcome
		want         event
	}{
		"nginx":                {"nginx-json", jsonSeeds[0], Counted, event{host: "acme.example.com", path: "/a", status: 200, duration: 123 * milli, bytes: 512, time: 1790000000123 * milli}},
		"nginx all strings":    {"nginx-json", `{"host":"a","status":"499","request_time":"0.001","bytes_sent":"7","time":"21/Sep/2026:12:00:00 +0200"}`, Counted, event{host: "a", status: 499, duration: milli, bytes: 7, time: at}},
		"nginx no answer":      {"nginx-json", `{"host":"a","status":"000","request_time":"-"}`, Counted, event{host: "a", duration: -1}},
		"nginx no status":      {"nginx-json", `{"host":"a"}`, NoStatus, event{}},
		"nginx bad status":     {"nginx-json", `{"host":"a","status":"abc"}`, NoStatus, event{}},
		"nginx probe by query": {"nginx-json", `{"remote_addr":"192.0.2.7","host":"a","status":200,"request_uri":"/healthz?thorbis_probe=17"}`, Counted, event{host: "a", path: "/healthz", status: 200, duration: -1, probe: true}},
		"nginx probe by agent": {"nginx-json", `{"remote_addr":"192.0.2.7","host":"a","status":200,"http_user_agent":"thorbis_exporter/1.0"}`, Counted, event{host: "a", status: 200, duration: -1, probe: true}},
		"caddy":                {"caddy", jsonSeeds[1], Counted, event{host: "acme.example.com", path: "/a", status: 200, duration: 12300 * 1000, bytes: 512, time: 1790000000120 * milli, probe: true}},
		"caddy other logger":   {"caddy", `{"level":"info","ts":1790000000.12,"logger":"tls","msg":"renewed"}`, NoRequest, event{}},
		"caddy text duration":  {"caddy", `{"logger":"http.log.access","request":{"host":"a"},"status":200,"duration":"1.5ms"}`, Counted, event{host: "a", status: 200, duration: 3 * milli / 2}},
		"traefik":              {"traefik", jsonSeeds[2], Counted, event{host: "acme.example.com", path: "/a", status: 200, duration: 12345678, bytes: 512, time: at + 123456789}},
		"envoy client left":    {"envoy", jsonSeeds[3], Counted, event{host: "acme.example.com", path: "/a", status: 499, duration: 84 * milli, bytes: 12, time: at + 123*milli}},
		"envoy gateway":        {"envoy", `{":authority":"a","response_code":"0","response_flags":"UF","duration":"12"}`, Counted, event{host: "a", duration: 12 * milli}},
		"vercel":               {"vercel", jsonSeeds[4], Counted, event{host: "acme.example.com", path: "/api", id: "r", status: 200, duration: -1, bytes: 512, time: 1790000000020 * milli}},
		"vercel revalidation":  {"vercel", `{"requestId":"r","statusCode":200,"proxy":{"host":"a","statusCode":-1}}`, Revalidation, event{}},
		"vercel crash":         {"vercel", `{"requestId":"r","host":"a","statusCode":-1,"timestamp":1790000000123}`, Counted, event{host: "a", id: "r", duration: -1, time: 1790000000123 * milli}},
		"vercel output":        {"vercel", `{"requestId":"r","host":"a","statusCode":200,"message":"hello"}`, NoRequest, event{}},
		"vercel null status":   {"vercel", `{"requestId":"r","host":"a","proxy":{"host":"a","statusCode":null}}`, NoRequest, event{}},
		"cloudflare":           {"cloudflare", jsonSeeds[5], Counted, event{host: "acme.example.com", path: "/a", id: "8f", status: 200, duration: 111 * milli, bytes: 912, time: 1790000000020 * milli}},
		"cloudflare seconds":   {"cloudflare", `{"ClientRequestHost":"a","EdgeResponseStatus":502,"EdgeStartTimestamp":"2026-09-21T10:00:00Z","EdgeEndTimestamp":"2026-09-21T10:00:01Z"}`, Counted, event{host: "a", status: 502, duration: -1, time: at}},
		"cloudflare fractions": {"cloudflare", `{"ClientRequestHost":"a","EdgeResponseStatus":200,"EdgeStartTimestamp":"2026-09-21T10:00:00.25Z","EdgeEndTimestamp":"2026-09-21T10:00:01.000Z"}`, Counted, event{host: "a", status: 200, duration: 750 * milli, time: at + 250*milli}},
		"cloudflare worker":    {"cloudflare", `{"ClientRequestSource":"edgeWorkerFetch","EdgeResponseStatus":200}`, Subrequest, event{}},
		"cloudflare challenge": {"cloudflare", `{"content":"tests"}`, Test, event{}},
		"combined":             {"combined", `192.0.2.7 - bob [21/Sep/2026:12:00:00 +0200] "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8 \"x\"" "acme.example.com" 0.123`, Counted, event{host: "acme.example.com", path: "/a", status: 200, duration: 123 * milli, bytes: 512, time: at}},
		"combined bare host":   {"combined", `192.0.2.7 - - [21/Sep/2026:10:00:00 +0000] "GET /a HTTP/1.1" 502 - "-" "-" acme.example.com`, Counted, event{host: "acme.example.com", path: "/a", status: 502, duration: -1, time: at}},
		"combined plain":       {"combined", `::1 - - [21/Sep/2026:10:00:00 +0000] "-" 400 0 "-" "thorbis_exporter/1"`, Counted, event{status: 400, duration: -1, time: at, probe: true}},
		"combined no status":   {"combined", `::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" x 0 "-" "-"`, NoStatus, event{}},
		"combined broken":      {"combined", `::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1`, Syntax, event{}},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := New(Options{Format: tc.format, Path: true, Probes: testProbes()})
			if err != nil {
				t.Fatal(err)
			}
			var e Event
			for range 2 { // whatever is remembered of a line must not change the next
				if v := d.Decode([]byte(tc.line), &e); v != tc.outcome {
					t.Fatalf("outcome %d, want %d", v, tc.outcome)
				}
				if got := plainEvent(&e); tc.outcome == Counted && got != tc.want {
					t.Fatalf("got  %+v\nwant %+v", got, tc.want)
				}
			}
		})
	}
}

func TestFieldsOfThePolicy(t *testing.T) {
	d, err := New(Options{Format: "json", DurationUnit: "ms", Fields: map[string]string{
		"host": "req.host", "status": "code", "duration": "took", "tenant": "org.id", "bytes": "n", "time": "at", "id": "rid",
	}})
	if err != nil {
		t.Fatal(err)
	}
	var e Event
	v := d.Decode([]byte(`{"req":{"host":"h"},"code":201,"took":"1.5","org":{"id":42},"n":3,"at":1790000000,"rid":"x"}`), &e)
	if got := plainEvent(&e); v != Counted || got != (event{host: "h", tenant: "42", id: "x", status: 201, duration: 3 * milli / 2, bytes: 3, time: 1790000000 * second}) {
		t.Errorf("%d %+v", v, got)
	}
	// A key may have the dot itself.
	if d.Decode([]byte(`{"req.host":"dotted","code":200}`), &e); string(e.Host) != "dotted" {
		t.Errorf("host %q", e.Host)
	}
}

// Durations are read exactly, whatever their notation.
func TestDurationsAreExact(t *testing.T) {
	for text, want := range map[string]int64{
		"0.123": 123 * milli, "0.0005": milli / 2, "1": second, "1.5e-3": 3 * milli / 2, "1E+2": 100 * second, "0.0000000004": 0,
		"0.0000000005": 1, "0.002, 0.010 : 0.003": 15 * milli, "-, 0.5": second / 2, "-": -1, "": -1, "-1": -1, "x": -1, "1e": -1,
		"99999999999999999999": maxScaled, "1e99999999999": maxScaled, "1e-99999999999": 0, "0.1234567894999999999999": 123456789,
	} {
		if got, _ := duration([]byte(text), seconds); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
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

func TestTimes(t *testing.T) {
	at := time.Date(2026, 9, 21, 10, 0, 0, 0, time.UTC).UnixNano()
	for text, want := range map[string]int64{
		"2026-09-21T10:00:00Z": at, "2026-09-21T12:00:00+02:00": at, "2026-09-21T05:30:00-0430": at, "2026-09-21 10:00:00.5": at + second/2,
		"2026-09-21T10:00:00.123456789123Z": at + 123456789, "21/Sep/2026:12:00:00 +0200": at,
		"1790000000": 1790000000 * second, "1790000000.123": 1790000000123 * milli, "1790000000123": 1790000000123 * milli,
		"1790000000123456": 1790000000123456000, "1790000000123456789": 1790000000123456789,
		"": 0, "-": 0, "2026-13-21T10:00:00Z": 0, "2026-09-21T10:00:00Q": 0, "yesterday": 0,
	} {
		if got := ParseTime([]byte(text)); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}

// Whatever a line holds, a decoder ends with a outcome.
func FuzzCombined(f *testing.F) {
	f.Add([]byte(`192.0.2.7 - bob [21/Sep/2026:12:00:00 +0200] "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8 \"x\"" "acme.example.com" 0.123`))
	f.Add([]byte(`a [1] "`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var e Event
		if v := (&combined{}).Decode(line, &e); v >= Outcomes || e.Duration < -1 {
			t.Errorf("outcome %d, %+v", v, e)
		}
	})
}

func FuzzTime(f *testing.F) {
	f.Add([]byte("2026-09-21T10:00:00.123Z"))
	f.Add([]byte("21/Sep/2026:12:00:00 +0200"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got := ParseTime(text)
		if want, err := time.Parse(time.RFC3339Nano, string(text)); err == nil && want.Year() >= 1970 && want.Year() <= 2200 && got != want.UnixNano() && len(text) <= 64 {
			t.Errorf("%q is %d, want %d", text, got, want.UnixNano())
		}
	})
}
