package decode

import (
	"strings"
	"testing"
)

const (
	cloudfrontHeader = "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status " +
		"cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header " +
		"cs-protocol cs-bytes time-taken x-forwarded-for"
	cloudfrontLine = "2026-09-21\t10:00:00\tFRA2-C1\t512\t192.0.2.7\tGET\td111111abcdef8.cloudfront.net\t/a\t200\t-\t" +
		"curl/8%20x\tb=1\t-\tMiss\tSOX4xwn4XV6Q==\tacme.example.com\thttps\t23\t0.123\tvictim.example.com"
	// Of IIS by default, with cs-host and sc-bytes.
	iisHeader = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) " +
		"cs(Referer) cs-host sc-status sc-substatus sc-win32-status sc-bytes time-taken"
	iisLine = "2026-09-21 10:00:00 10.0.0.5 GET /a b=1 443 - 192.0.2.7 curl/8+x - acme.example.com 200 0 0 512 123"
)

// testColumns decodes a line after a header.
func testColumns(t *testing.T, format, header, line string) (Outcome, event) {
	t.Helper()
	d, err := New(testOptions(format))
	if err != nil {
		t.Fatal(err)
	}
	var e Event
	for _, directive := range []string{"#Software: x", "#Version: 1.0", header} {
		if v := d.Decode([]byte(directive), &e); directive != "" && v != NoRequest {
			t.Fatalf("%s: outcome %d", directive, v)
		}
	}
	v := d.Decode([]byte(line), &e)
	return v, plainEvent(&e)
}

func TestColumns(t *testing.T) {
	want := event{
		host: "acme.example.com", path: "/a", status: 200, duration: 123 * milli, bytes: 512, time: testTime,
	}
	viewed := want
	viewed.id = "SOX4xwn4XV6Q=="
	probe, fewer, aborted, bare := want, want, viewed, want
	probe.probe = true
	fewer.host, fewer.bytes, fewer.duration = "", 0, -1
	aborted.status = 499
	bare.time = 0
	without := want
	without.status = 0
	for name, tc := range map[string]struct {
		format, header, line string
		outcome              Outcome
		want                 event
	}{
		"CloudFront": {"cloudfront", cloudfrontHeader, cloudfrontLine, Counted, viewed},
		"CloudFront, aborted": {
			"cloudfront", cloudfrontHeader, strings.Replace(cloudfrontLine, "\t200\t", "\t000\t", 1), Counted, aborted,
		},
		"IIS": {"iis", iisHeader, iisLine, Counted, want},
		"IIS, a health check": {
			"iis", iisHeader, strings.Replace(iisLine, "curl/8", "thorbis_exporter/1", 1), Counted, probe,
		},
		"IIS, no date": {
			"iis", strings.Replace(iisHeader, "date ", "", 1), strings.TrimPrefix(iisLine, "2026-09-21 "), Counted, bare,
		},
		"IIS, fewer columns": {
			"iis", "#Fields: date time cs-uri-stem sc-status", "2026-09-21 10:00:00 /a 200", Counted, fewer,
		},
		"other columns than the header": {"iis", "#Fields: date time cs-uri-stem sc-status", iisLine, Syntax, event{}},
		"a space in a value": {
			"iis", iisHeader, strings.Replace(iisLine, "curl/8+x", "curl/8 x", 1), Syntax, event{},
		},
		"no header": {"iis", "#Date: x", iisLine, Syntax, event{}},
		"too many columns": {
			"iis", "#Fields:" + strings.Repeat(" sc-status", maxColumns+1), iisLine, Syntax, event{},
		},
		"no status":             {"iis", iisHeader, strings.Replace(iisLine, " 200 ", " - ", 1), Counted, without},
		"no column of a status": {"iis", "#Fields: date time", "2026-09-21 10:00:00", NoStatus, event{}},
		"not a date": {
			"iis", iisHeader, strings.Replace(iisLine, "2026-09-21", "2026-99-21", 1), Syntax, event{},
		},
	} {
		if v, got := testColumns(t, tc.format, tc.header, tc.line); v != tc.outcome || v == Counted && got != tc.want {
			t.Errorf("%s: outcome %d, want %d\ngot  %+v\nwant %+v", name, v, tc.outcome, got, tc.want)
		}
	}
}

// A header in the middle of a file names the columns of what follows.
func TestColumnsChange(t *testing.T) {
	d, err := New(testOptions("iis"))
	if err != nil {
		t.Fatal(err)
	}
	var e Event
	for _, tc := range []struct {
		line    string
		outcome Outcome
		host    string
	}{
		{"#Fields: date time cs-host sc-status cs(User-Agent)", NoRequest, ""},
		{"2026-09-21 10:00:00 acme.example.com 200 victim.example.com", Counted, "acme.example.com"},
		{"#Fields: date time cs(User-Agent) cs-host sc-status", NoRequest, ""},
		{"2026-09-21 10:00:01 victim.example.com acme.example.com 200", Counted, "acme.example.com"},
	} {
		if v := d.Decode([]byte(tc.line), &e); v != tc.outcome || string(e.Host) != tc.host {
			t.Errorf("%s: outcome %d, host %q", tc.line, v, e.Host)
		}
	}
}
