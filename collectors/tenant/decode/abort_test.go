package decode

import "testing"

// Every way in which a program reports a request that was aborted; docs/tenants.md has the same table, with its sources.
func TestAbortedRequests(t *testing.T) {
	const caddy, istio = `{"logger":"http.log.access","request":{"host":"a"},`, `{"authority":"a","method":"GET","protocol":"HTTP/2",`
	for line, tc := range map[string]struct {
		format  string
		outcome Outcome
		status  int
	}{
		`{"host":"a","status":"499"}`:                                         {"nginx-json", Counted, 499},
		`{"host":"a","status":"408"}`:                                         {"nginx-json", Counted, 408},
		`{"host":"a","status":"400"}`:                                         {"nginx-json", Counted, 400},
		`{"host":"a","status":"444"}`:                                         {"nginx-json", Counted, 444},
		`{"host":"a","status":"000"}`:                                         {"nginx-json", Counted, 0},
		`{"host":"a","status":009}`:                                           {"nginx-json", Counted, 9},
		`{"host":"a","status":"200","bytes_sent":"0"}`:                        {"nginx-json", Counted, 200},
		`::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" 499 0 "-" "-"`: {"combined", Counted, 499},
		`::1 - - [21/Sep/2026:10:00:00 +0000] "-" 408 0 "-" "-"`:              {"combined", Counted, 408},
		`::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" 000 0 "-" "-"`: {"combined", Counted, 0},
		`::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" - 0 "-" "-"`:   {"combined", Counted, 0},

		caddy + `"msg":"handled request","status":0}`:                                              {"caddy", Counted, 499},
		caddy + `"msg":"handled request","status":499}`:                                            {"caddy", Counted, 499},
		caddy + `"msg":"NOP","status":0}`:                                                          {"caddy", Counted, 200},
		caddy + `"msg":"handled request","status":502}`:                                            {"caddy", Counted, 502},
		`{"logger":"http.log.error","msg":"context canceled","request":{"host":"a"},"status":499}`: {"caddy", NoRequest, 0},

		`{"RequestHost":"a","DownstreamStatus":499,"OriginStatus":499}`:                       {"traefik", Counted, 499},
		`{"RequestHost":"a","DownstreamStatus":0}`:                                            {"traefik", Counted, 499},
		`{"RequestHost":"a","DownstreamStatus":0,"OriginDuration":0,"OriginStatus":0}`:        {"traefik", Counted, 499},
		`{"RequestHost":"a","DownstreamStatus":0,"OriginDuration":84000000,"OriginStatus":0}`: {"traefik", Counted, 101},
		`{"RequestHost":"a","DownstreamStatus":502}`:                                          {"traefik", Counted, 502},

		istio + `"response_code":0,"response_flags":"DC"}`:                                                                           {"envoy", Counted, 499},
		istio + `"response_code":0,"response_flags":"DR"}`:                                                                           {"envoy", Counted, 499},
		istio + `"response_code":0.0,"response_flags":"DR","response_code_details":"http2.remote_reset"}`:                            {"envoy", Counted, 499},
		istio + `"response_code":"0","response_flags":"DownstreamRemoteReset"}`:                                                      {"envoy", Counted, 499},
		istio + `"response_code":0,"response_flags":"DownstreamConnectionTermination"}`:                                              {"envoy", Counted, 499},
		istio + `"response_code":0,"response_flags":"UF,DC"}`:                                                                        {"envoy", Counted, 499},
		istio + `"response_code":0,"response_flags":"DPE","response_code_details":"http2.violation.of.messaging.rule"}`:              {"envoy", Counted, 499},
		istio + `"response_code":0,"response_flags":"-"}`:                                                                            {"envoy", Counted, 499},
		istio + `"response_code":null,"response_flags":null}`:                                                                        {"envoy", Counted, 499},
		istio + `"response_code":0,"response_flags":"-","response_code_details":"downstream_remote_disconnect"}`:                     {"envoy", Counted, 499},
		istio + `"response_code":0,"response_flags":"DC","response_code_details":"downstream_local_disconnect(overload)"}`:           {"envoy", Counted, 0},
		istio + `"response_code":0,"response_flags":"DC","response_code_details":"downstream_local_disconnect(http2_ping_timeout)"}`: {"envoy", Counted, 499},
		istio + `"response_code":0,"response_flags":"UF"}`:                                                                           {"envoy", Counted, 0},
		istio + `"response_code":0,"response_flags":"UMSDR"}`:                                                                        {"envoy", Counted, 0},
		istio + `"response_code":200,"response_flags":"DC"}`:                                                                         {"envoy", Counted, 200},
		istio + `"response_code":503.0,"response_flags":"UC"}`:                                                                       {"envoy", Counted, 503},
		`{"authority":null,"method":null,"protocol":"-","response_code":0,"response_flags":"-","duration":84}`:                       {"envoy", NoRequest, 0},
		`{":authority":"-","method":"-","protocol":"-","response_code":"0","response_flags":"UF","duration":"84"}`:                   {"envoy", NoRequest, 0},

		`{"requestId":"r","proxy":{"host":"a","statusCode":499}}`: {"vercel", Counted, 499},
		`{"requestId":"r","host":"a","statusCode":-1}`:            {"vercel", Counted, 0},
		`{"requestId":"r","proxy":{"host":"a","statusCode":0}}`:   {"vercel", Counted, 0},
		`{"ClientRequestHost":"a","EdgeResponseStatus":499}`:      {"cloudflare", Counted, 499},
		`{"ClientRequestHost":"a","EdgeResponseStatus":520}`:      {"cloudflare", Counted, 520},
		`{"ClientRequestHost":"a","EdgeResponseStatus":0}`:        {"cloudflare", Counted, 0},
		`{"status":499}`:  {"json", Counted, 499},
		`{"status":null}`: {"json", Counted, 0},
		`{"status":-1}`:   {"json", Counted, 0},
	} {
		o := Options{Format: tc.format}
		if tc.format == "json" {
			o.Fields = map[string]string{"status": "status"}
		}
		d, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		if v := d.Decode([]byte(line), &e); v != tc.outcome || v == Counted && e.Status != tc.status {
			t.Errorf("%s: outcome %d, status %d, want %d, %d", line, v, e.Status, tc.outcome, tc.status)
		}
	}
}

// Requests of end users are those of visitors, also of visitors whose own zone is on Cloudflare.
func TestCloudflareSources(t *testing.T) {
	for source, want := range map[string]Outcome{
		`"eyeball"`: Counted, `"orangeToOrange"`: Counted, `""`: Counted, `null`: Counted, `"unknown"`: Counted, `1`: Counted, `9`: Counted, `"9"`: Counted,
		`"purge"`: Subrequest, `"alwaysOnline"`: Subrequest, `"healthcheck"`: Subrequest, `"edgeWorkerFetch"`: Subrequest, `"edgeWorkerCacheAPI"`: Subrequest,
		`"edgeWorkerKV"`: Subrequest, `"imageResizing"`: Subrequest, `"sslDetector"`: Subrequest, `"earlyHintsCache"`: Subrequest,
		`"inBrowserChallenge"`: Subrequest, `5`: Subrequest, `10`: Subrequest,
	} {
		d, err := New(Options{Format: "cloudflare"})
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		if v := d.Decode([]byte(`{"ClientRequestHost":"a","EdgeResponseStatus":200,"ClientRequestSource":`+source+`}`), &e); v != want {
			t.Errorf("%s: outcome %d, want %d", source, v, want)
		}
	}
}
