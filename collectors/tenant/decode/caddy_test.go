package decode

import "testing"

func TestCaddyLines(t *testing.T) {
	testLines(t, "caddy", map[string]lineCase{
		"request": {jsonSeeds[1], Counted, event{
			host: "acme.example.com", path: "/a", status: 200, duration: 12300 * 1000, bytes: 512, time: 1790000000120 * milli,
			probe: true,
		}},
		"other logger": {`{"level":"info","ts":1790000000.12,"logger":"tls","msg":"renewed"}`, NoRequest, event{}},
		"text duration": {
			`{"logger":"http.log.access","request":{"host":"a"},"status":200,"duration":"1.5ms"}`, Counted,
			event{host: "a", status: 200, duration: 3 * milli / 2},
		},
	})
}

// docs/tenants.md lists how the program reports a request that was aborted.
func TestCaddyAborted(t *testing.T) {
	const caddy = `{"logger":"http.log.access","request":{"host":"a"},`
	testStatuses(t, "caddy", map[string]statusCase{
		caddy + `"msg":"handled request","status":0}`:                                              {Counted, 499},
		caddy + `"msg":"handled request","status":499}`:                                            {Counted, 499},
		caddy + `"msg":"NOP","status":0}`:                                                          {Counted, 200},
		caddy + `"msg":"handled request","status":502}`:                                            {Counted, 502},
		`{"logger":"http.log.error","msg":"context canceled","request":{"host":"a"},"status":499}`: {NoRequest, 0},
	})
}
