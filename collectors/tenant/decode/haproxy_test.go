package decode

import (
	"strings"
	"testing"
	"time"
)

const (
	// Of HAProxy's configuration manual, 8.2.3.
	haproxyLine = `10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- ` +
		`1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1"`
	haproxyCaptured = `192.0.2.7:33317 [06/Feb/2009:12:14:14.655] https~ bck/srv1 10/0/30/69/+109 200 +2750 a=b - --VN ` +
		`1/1/1/1/+2 0/0 {acme.example.com|s3cr3t #22quoted#22} {nginx} "GET https://victim.example.com/a?b=1 HTTP/2.0"`
)

func haproxyTest() int64 {
	return time.Date(2009, 2, 6, 12, 14, 14, 655e6, time.Local).UnixNano()
}

func TestHAProxyLines(t *testing.T) {
	plain := event{path: "/index.html", status: 200, duration: 109 * milli, bytes: 2750, time: haproxyTest()}
	named := plain
	named.host, named.path = "victim.example.com", "/a"
	none := plain
	none.path = "/a"
	testLines(t, "haproxy", map[string]lineCase{
		"the first capture is not the host": {haproxyLine, Counted, plain},
		"no capture":                        {strings.Replace(haproxyLine, "{1wt.eu} {} ", "", 1), Counted, plain},
		"HTTP/2":                            {haproxyCaptured, Counted, named},
		"an absolute URL in HTTP/1":         {strings.Replace(haproxyCaptured, "HTTP/2.0", "HTTP/1.1", 1), Counted, none},
		"httpslog": {
			strings.Replace(haproxyLine, "{1wt.eu} {} ", "", 1) + ` 0/000000000000000000/0/0/0 acme.example.com/TLSv1.3/X`,
			Counted, plain,
		},
		"a long request": {haproxyLine[:len(haproxyLine)-len(` HTTP/1.1"`)], Counted, plain},
		"a cookie with a space": {
			strings.Replace(haproxyLine, "- - ----", "a=b c - ----", 1), Syntax, event{},
		},
		"a cookie that looks like the rest of a line": {
			strings.Replace(haproxyLine, "2750 - - ----",
				`2750 a - ---- 1/1/1/1/0 0/0 {victim.example.com} "GET / HTTP/2.0" x - ----`, 1), Syntax, event{},
		},
		"a connection without a request": {
			`10.0.1.2:33317 [06/Feb/2009:12:14:14.655] in in/<NOSRV> -1/-1/-1/-1/0 -1 0 - - CR-- 1/1/0/0/0 0/0 "<BADREQ>"`,
			NoRequest,
			event{},
		},
		"a connection that is tried": {
			`10.0.1.2:33317 [06/Feb/2009:12:14:14.655] in in/<NOSRV> -1/-1/-1/-1/0 400 0 - - CR-- 1/1/0/0/0 0/0 "<BADREQ>"`,
			NoRequest,
			event{},
		},
		"a connection that is tried, HTTP/2": {
			`10.0.1.2:33317 [06/Feb/2009:12:14:14.655] in in/<NOSRV> -1/-1/-1/-1/0 0 0 - - PR-- 1/1/0/0/0 0/0 "<BADREQ>"`,
			NoRequest,
			event{},
		},
		"TCP": {
			`10.0.1.2:33313 [06/Feb/2009:12:12:51.443] fnt bck/srv1 0/0/5007 212 -- 0/0/0/0/3 0/0`, Syntax, event{},
		},
		"not a date": {strings.Replace(haproxyLine, "06/Feb", "46/Feb", 1), Syntax, event{}},
		"no status":  {strings.Replace(haproxyLine, " 200 ", " abc ", 1), NoStatus, event{}},
		"own log":    {`[NOTICE]   (7) : New worker (9) forked`, NoRequest, event{}},
		"a server": {
			`Server bck/srv1 is DOWN, reason: Layer4 connection problem. 0 active and 0 backup servers left.`, NoRequest,
			event{},
		},
		"a connection that failed": {
			`127.0.0.1:56059 [06/Feb/2009:12:14:14.655] fnt/f1: Connection error during SSL handshake`, NoRequest, event{},
		},
	})
}

// The source names the places of captures.
func TestHAProxyCaptures(t *testing.T) {
	for _, tc := range []struct {
		fields map[string]string
		host   string
		tenant string
	}{
		{map[string]string{"host": "capture.1"}, "acme.example.com", ""},
		{map[string]string{"host": "capture.2", "tenant": "capture.1"}, "s3cr3t #22quoted#22", "acme.example.com"},
		{map[string]string{"host": "capture.3"}, "", ""},
	} {
		d, err := New(Options{Format: "haproxy", Fields: tc.fields})
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		if v := d.Decode([]byte(haproxyCaptured), &e); v != Counted || string(e.Host) != tc.host ||
			string(e.Tenant) != tc.tenant {
			t.Errorf("%v: outcome %d, host %q, tenant %q", tc.fields, v, e.Host, e.Tenant)
		}
	}
	for _, fields := range []map[string]string{{"host": "host"}, {"host": "capture.0"}, {"bytes": "capture.1"}} {
		if _, err := New(Options{Format: "haproxy", Fields: fields}); err == nil {
			t.Errorf("%v is taken", fields)
		}
	}
}

// docs/tenants.md lists how the program reports a request that was aborted.
func TestHAProxyAborted(t *testing.T) {
	cases := map[string]statusCase{}
	for text, want := range map[string]int{
		"-1 CH": 499, "400 CH": 499, "-1 CC": 499, "503 CQ": 499, "400 CR": 400, "408 cR": 408, "200 CD": 200,
		"200 cD": 200, "-1 cD": 499, "-1 SH": 0, "502 SH": 502, "504 sH": 504, "503 sQ": 503, "400 PR": 400,
	} {
		status, state, _ := strings.Cut(text, " ")
		line := strings.Replace(strings.Replace(haproxyLine, "----", state+"--", 1), " 200 ", " "+status+" ", 1)
		cases[line] = statusCase{Counted, want}
	}
	testStatuses(t, "haproxy", cases)
	testStatuses(t, "haproxy-json", map[string]statusCase{
		`{"status":-1,"termination_state":"CH--"}`:            {Counted, 499},
		`{"status":400,"termination_state":"CH--"}`:           {Counted, 499},
		`{"status":-1,"termination_state":"SH--"}`:            {Counted, 0},
		`{"status":400,"bytes":0,"termination_state":"CR--"}`: {NoRequest, 0},
		`Proxy web stopped (cumulated conns: FE: 2, BE: 0).`:  {NoRequest, 0},
		`{"status":-1}`: {Counted, 0},
		`{"status":200,"termination_state":"CD--"}`: {Counted, 200},
	})
}

func TestHAProxyJSONLines(t *testing.T) {
	testLines(t, "haproxy-json", map[string]lineCase{
		"request": {
			`{"time":1790000000123,"client_address":"192.0.2.8","host":"acme.example.com","uri":"/a?b=1","status":200,` +
				`"duration":109,"bytes":2750,"termination_state":"----","x_thorbis_probe":null}`, Counted, event{
				host: "acme.example.com", path: "/a", status: 200, duration: 109 * milli, bytes: 2750,
				time: 1790000000123 * milli,
			},
		},
		"asap": {`{"status":200,"duration":+109,"bytes":+2750}`, Counted, event{
			status: 200, duration: 109 * milli, bytes: 2750,
		}},
		"no status": {`{"host":"a"}`, NoStatus, event{}},
	})
}
