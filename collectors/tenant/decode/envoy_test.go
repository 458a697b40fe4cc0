package decode

import "testing"

func TestEnvoyLines(t *testing.T) {
	testLines(t, "envoy", map[string]lineCase{
		"client left": {jsonSeeds[3], Counted, event{
			host: "acme.example.com", path: "/a", status: 499, duration: 84 * milli, bytes: 12, time: testTime + 123*milli,
		}},
		"gateway": {
			`{":authority":"a","response_code":"0","response_flags":"UF","duration":"12"}`, Counted,
			event{host: "a", duration: 12 * milli},
		},
	})
}

// docs/tenants.md lists how the program reports a request that was aborted.
func TestEnvoyAborted(t *testing.T) {
	const istio = `{"authority":"a","method":"GET","protocol":"HTTP/2",`
	testStatuses(t, "envoy", map[string]statusCase{
		istio + `"response_code":0,"response_flags":"DC"}`:                                                {Counted, 499},
		istio + `"response_code":0,"response_flags":"DR"}`:                                                {Counted, 499},
		istio + `"response_code":0.0,"response_flags":"DR","response_code_details":"http2.remote_reset"}`: {Counted, 499},
		istio + `"response_code":"0","response_flags":"DownstreamRemoteReset"}`:                           {Counted, 499},
		istio + `"response_code":0,"response_flags":"DownstreamConnectionTermination"}`:                   {Counted, 499},
		istio + `"response_code":0,"response_flags":"UF,DC"}`:                                             {Counted, 499},
		istio + `"response_code":0,"response_flags":"DPE","response_code_details":"http2.violation.of.messaging.rule"}`: {
			Counted, 499,
		},
		istio + `"response_code":0,"response_flags":"-"}`:     {Counted, 499},
		istio + `"response_code":null,"response_flags":null}`: {Counted, 499},
		istio + `"response_code":0,"response_flags":"-","response_code_details":"downstream_remote_disconnect"}`: {
			Counted, 499,
		},
		istio + `"response_code":0,"response_flags":"DC","response_code_details":"downstream_local_disconnect(overload)"}`: {
			Counted, 0,
		},
		istio + `"response_code":0,"response_flags":"DC",` +
			`"response_code_details":"downstream_local_disconnect(http2_ping_timeout)"}`: {Counted, 499},
		istio + `"response_code":0,"response_flags":"UF"}`:     {Counted, 0},
		istio + `"response_code":0,"response_flags":"UMSDR"}`:  {Counted, 0},
		istio + `"response_code":200,"response_flags":"DC"}`:   {Counted, 200},
		istio + `"response_code":503.0,"response_flags":"UC"}`: {Counted, 503},
		`{"authority":null,"method":null,"protocol":"-","response_code":0,"response_flags":"-","duration":84}`: {
			NoRequest, 0,
		},
		`{":authority":"-","method":"-","protocol":"-","response_code":"0","response_flags":"UF","duration":"84"}`: {
			NoRequest, 0,
		},
	})
}
