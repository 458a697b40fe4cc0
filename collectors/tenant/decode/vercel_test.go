package decode

import "testing"

func TestVercelLines(t *testing.T) {
	testLines(t, "vercel", map[string]lineCase{
		"request": {jsonSeeds[4], Counted, event{
			host: "acme.example.com", path: "/api", id: "r", status: 200, duration: -1, bytes: 512,
			time: 1790000000020 * milli,
		}},
		"revalidation": {`{"requestId":"r","statusCode":200,"proxy":{"host":"a","statusCode":-1}}`, Revalidation, event{}},
		"crash": {
			`{"requestId":"r","host":"a","statusCode":-1,"timestamp":1790000000123}`, Counted,
			event{host: "a", id: "r", duration: -1, time: 1790000000123 * milli},
		},
		"output":      {`{"requestId":"r","host":"a","statusCode":200,"message":"hello"}`, NoRequest, event{}},
		"null status": {`{"requestId":"r","host":"a","proxy":{"host":"a","statusCode":null}}`, NoRequest, event{}},
	})
}

// docs/tenants.md lists how the program reports a request that was aborted.
func TestVercelAborted(t *testing.T) {
	testStatuses(t, "vercel", map[string]statusCase{
		`{"requestId":"r","proxy":{"host":"a","statusCode":499}}`: {Counted, 499},
		`{"requestId":"r","host":"a","statusCode":-1}`:            {Counted, 0},
		`{"requestId":"r","proxy":{"host":"a","statusCode":0}}`:   {Counted, 0},
	})
}
