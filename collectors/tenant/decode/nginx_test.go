package decode

import "testing"

func TestNginxLines(t *testing.T) {
	testLines(t, "nginx-json", map[string]lineCase{
		"request": {jsonSeeds[0], Counted, event{
			host: "acme.example.com", path: "/a", status: 200, duration: 123 * milli, bytes: 512, time: 1790000000123 * milli,
		}},
		"all strings": {
			`{"host":"a","status":"499","request_time":"0.001","bytes_sent":"7","time":"21/Sep/2026:12:00:00 +0200"}`, Counted,
			event{host: "a", status: 499, duration: milli, bytes: 7, time: testTime},
		},
		"no answer":  {`{"host":"a","status":"000","request_time":"-"}`, Counted, event{host: "a", duration: -1}},
		"no status":  {`{"host":"a"}`, NoStatus, event{}},
		"bad status": {`{"host":"a","status":"abc"}`, NoStatus, event{}},
		"probe by query": {
			`{"remote_addr":"192.0.2.7","host":"a","status":200,"request_uri":"/healthz?thorbis_probe=17"}`, Counted,
			event{host: "a", path: "/healthz", status: 200, duration: -1, probe: true},
		},
		"probe by agent": {
			`{"remote_addr":"192.0.2.7","host":"a","status":200,"http_user_agent":"thorbis_exporter/1.0"}`, Counted,
			event{host: "a", status: 200, duration: -1, probe: true},
		},
	})
}

// docs/tenants.md lists how the program reports a request that was aborted.
func TestNginxAborted(t *testing.T) {
	testStatuses(t, "nginx-json", map[string]statusCase{
		`{"host":"a","status":"499"}`:                  {Counted, 499},
		`{"host":"a","status":"408"}`:                  {Counted, 408},
		`{"host":"a","status":"400"}`:                  {Counted, 400},
		`{"host":"a","status":"444"}`:                  {Counted, 444},
		`{"host":"a","status":"000"}`:                  {Counted, 0},
		`{"host":"a","status":009}`:                    {Counted, 9},
		`{"host":"a","status":"200","bytes_sent":"0"}`: {Counted, 200},
	})
}
