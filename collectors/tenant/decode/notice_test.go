package decode

import "testing"

// Lines that servers write beside their requests are no requests, and no fault of the log.
func TestLinesThatAreNotRequests(t *testing.T) {
	for _, line := range []string{
		`{"level":"info","version":"3.5.0","time":"2026-11-25T10:00:00Z",` +
			`"message":"Traefik version 3.5.0 built on 2026-07-01"}`,
		`{"level":"error","msg":"Cannot reach the endpoint","time":"2026-11-25T10:00:00Z"}`,
		`{"entryPointName":"web","routerName":"a@docker","error":"EOF","level":"error","time":"2026-11-25T10:00:00Z",` +
			`"message":"Error"}`,
		`{"severity":"WARNING","message":"slow"}`, `{"level":30,"time":1790000000123,"pid":1,"msg":"listening"}`,
		`2026-11-25T10:00:00Z INF Starting provider *docker.Provider`,
		`time="2026-11-25T10:00:00Z" level=info msg="Configuration loaded"`,
		`2026/11/25 10:00:00 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream`,
		`2026/11/25 10:00:00 http: TLS handshake error from 192.0.2.7:4431: EOF`,
		`[2026-11-25 10:00:00.123][1][info][main] [source/server/server.cc:1] initializing epoch 0`,
		`[Wed Nov 25 10:00:00.123456 2026] [core:error] [pid 7:tid 8] [client 192.0.2.7:1] File does not exist`,
		"2026-11-25T10:00:00.123456Z\tinfo\txdsproxy\tconnected to upstream",
		`I1125 10:00:00.123456       7 main.go:205] "Creating API client"`,
		`/docker-entrypoint.sh: Configuration complete; ready for start up`,
		`10-listen-on-ipv6-by-default.sh: info: Enabled listen on IPv6`,
		`nginx: [warn] conflicting server name "a" on 0.0.0.0:80, ignored`,
		`2026-11-25 10:00:00,123 WARN  [main] o.e.j.Server - slow`,
		"\tat com.example.Shop.order(Shop.java:17)", `    at Object.<anonymous> (/app/shop.js:17:3)`, "\t... 23 more",
		`Caused by: java.net.ConnectException: Connection refused`, "\tSuppressed: java.io.IOException: closed",
		"\tCaused by: java.io.IOException", `Traceback (most recent call last):`, `  File "/app/shop.py", line 17, in order`,
		`panic: runtime error: index out of range [3] with length 3`, `goroutine 1 [running]:`,
		`main.main()`,
		`fatal error: concurrent map writes`, "\t/usr/local/go/src/runtime/proc.go:250 +0x1d", `exit.Shop(...)`,
		`net/http.(*conn).serve(0xc00011e000, {0x7f1a2b, 0xc0000b4000})`, `created by net/http.(*Server).Serve`,
		`[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x5f2a10]`, "\tpanic: again [recovered]",
	} {
		for _, format := range []string{"nginx-json", "traefik", "envoy", "json", "combined", "cloudflare"} {
			d, err := New(Options{Format: format, Fields: map[string]string{"status": "status"}})
			if err != nil {
				t.Fatal(err)
			}
			var e Event
			for range 2 {
				if v := d.Decode([]byte(line), &e); v != NoRequest {
					t.Errorf("%s: outcome %d: %s", format, v, line)
				}
			}
		}
	}
	// What may be a request in another format, or is broken, is still rejected.
	for line, tc := range map[string]struct {
		format  string
		outcome Outcome
	}{
		`{"host":"a","level":"info","msg":"request completed"}`: {"nginx-json", NoStatus},
		// every field dropped
		`{"level":"info","msg":"","time":"2026-11-25T10:00:00Z"}`: {"traefik", NoStatus},
		`{"RequestHost":"a","level":"info","msg":"x"}`:            {"traefik", NoStatus},
		`{"level":"info","message":"cut off`:                      {"nginx-json", Syntax},
		`{"level":"loud","message":"x"}`:                          {"nginx-json", NoStatus},
		`{"a":1}`:                                                 {"nginx-json", NoStatus},
		`[2016-04-15T20:17:00.310Z] "POST /info/error HTTP/2" 204 - 154 0 226 100 "-"`: {"envoy", Syntax},
		`::1 - - [21/Sep/2026:10:00:00 +0000] "GET /error HTTP/1.1" 200 1 "-" "-"`:     {"nginx-json", Syntax},
		`2026-11-25 10:00:00 192.0.2.7 GET /a 443 - 192.0.2.8 curl 200 0 0 15`:         {"combined", Syntax},
		`{"host":"a","status":200}`:  {"combined", Syntax},
		``:                           {"combined", Syntax},
		`at 10:00 GET /a 200`:        {"combined", Syntax},
		`  attempt GET /a 200`:       {"combined", Syntax},
		` {"host":"a","status":"x"}`: {"nginx-json", NoStatus},
		` 192.0.2.7 - - [at once] "GET / HTTP/1.1" 200 1`: {"combined", Syntax},
		`Cause: GET /a 200`: {"combined", Syntax},
		`garbage`:           {"nginx-json", Syntax},
	} {
		d, err := New(Options{Format: tc.format})
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		if v := d.Decode([]byte(line), &e); v != tc.outcome {
			t.Errorf("%s: outcome %d, want %d: %s", tc.format, v, tc.outcome, line)
		}
	}
}

func FuzzNotice(f *testing.F) {
	f.Add([]byte(`2026/11/25 10:00:00 [error] 7#7: x`))
	f.Add([]byte(`{"level":"info","msg":"x"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var e Event
		d, err := NewJSON(Options{Format: "nginx-json"})
		if err != nil {
			t.Fatal(err)
		}
		if v := d.Decode(line, &e); v == NoRequest && !d.isNotice(line) {
			t.Errorf("%q: outcome %d", line, v)
		}
		if v := (&combined{}).Decode(line, &e); v >= Outcomes {
			t.Errorf("%q: outcome %d", line, v)
		}
	})
}
