package decode

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// Lines as the formats' own programs write them (docs/tenants.md), and what is hard about JSON.
var jsonSeeds = []string{
	`{"time":"2026-09-21T10:00:00+02:00","msec":1790000000.123,"host":"acme.example.com","method":"GET","uri":"/a",` +
		`"status":200,"request_time":0.123,"upstream_response_time":"0.002, 0.010 : 0.003","bytes_sent":512,` +
		`"request_id":"r1"}`,
	`{"level":"info","ts":1790000000.12,"logger":"http.log.access.log0","msg":"handled request",` +
		`"request":{"remote_ip":"192.0.2.7","remote_port":"4431","client_ip":"192.0.2.7","proto":"HTTP/2.0","method":"GET",` +
		`"host":"acme.example.com","uri":"/a?b=1","headers":{"User-Agent":["thorbis_exporter/1"]}},"bytes_read":0,` +
		`"user_id":"","duration":0.0123,"size":512,"status":200,"resp_headers":{}}`,
	`{"ClientHost":"192.0.2.7","DownstreamStatus":200,"DownstreamContentSize":512,"Duration":12345678,` +
		`"OriginDuration":11000000,"OriginStatus":200,"Overhead":1345678,"RequestHost":"acme.example.com",` +
		`"RequestMethod":"GET","RequestPath":"/a","RouterName":"app@file","ServiceName":"app@file",` +
		`"StartUTC":"2026-09-21T10:00:00.123456789Z","RequestCount":7,"RetryAttempts":0,"level":"info","msg":"",` +
		`"time":"2026-09-21T10:00:00Z"}`,
	`{"start_time":"2026-09-21T10:00:00.123Z","method":"GET","path":"/a","response_code":0,"response_flags":"DC",` +
		`"bytes_sent":12,"duration":84,"authority":"acme.example.com"}`,
	`{"id":"1","deploymentId":"dpl","source":"lambda","host":"app-7h2.vercel.app","timestamp":1790000000123,` +
		`"projectId":"prj","level":"info","requestId":"r","statusCode":200,"proxy":{"timestamp":1790000000020,` +
		`"method":"GET","host":"acme.example.com","path":"/api?x=1","userAgent":["curl/8"],"statusCode":200,` +
		`"responseByteSize":512}}`,
	`{"ClientRequestHost":"acme.example.com","ClientRequestMethod":"GET","ClientRequestPath":"/a",` +
		`"ClientRequestSource":"eyeball","EdgeResponseStatus":200,"EdgeStartTimestamp":1790000000020000000,` +
		`"EdgeEndTimestamp":1790000000131000000,"EdgeResponseBytes":912,"RayID":"8f"}`,
	`{"status":"200","host":"a\u0062\ud83d\ude00\ud800x\"\\\/","host":null}`,
	`{ "host" : "x" , "st\u0061tus" : 204 , "request":{"host":{"deep":[1,{"a":[]}]}} }`,
	`{"request":{"host":"one"},"request":{"uri":"/two"},"status":1e2}`,
	"{\"host\":\"\xff\xfe caf\xc3\xa9\",\"status\":599}",
	`{"host":"a","status":200}x`, `{"host":"a",}`, `{"host":"a" "b":1}`, `[]`, `null`, `{}`, `{"a":01}`, `{"a":1.}`,
	`{"a":-}`, `{"a":+1}`,
	`{"a":tru}`, `{"a":"\x"}`, `{"a":"\u12"}`, "{\"a\":\"\n\"}", `{"a":`, `{"a"`, `{`, ``, `{"":1,"status":"-"}`,
	`{"host":"a","status":009}`, `{"status":,"host":"a"}`, `{"status":502, 503 : -,"request":{"host":-}}`,
	`{"status":null,"host":"a"}`, `{"a":1e999,"status":200}`,
}

// want reads a line with encoding/json and finds a value by its path: what the fast decoder must have found.
func want(line []byte) (map[string]any, bool) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil || m == nil {
		return nil, false
	}
	var more json.RawMessage
	return m, errors.Is(d.Decode(&more), io.EOF)
}

func lookup(m map[string]any, path string) (kind, string) {
	var v any = m
	for part := range strings.SplitSeq(path, "/") {
		object, ok := v.(map[string]any)
		if !ok {
			return absent, ""
		}
		if v, ok = object[part]; !ok {
			return absent, ""
		}
	}
	switch v := v.(type) {
	case nil:
		return null, ""
	case string:
		return text, v
	case json.Number:
		return number, v.String()
	}
	return other, ""
}

// differ compares a decoder with encoding/json on one line, which comes after others: whether it is valid, and
// every known value.
func differ(t *testing.T, format string, l layout, line []byte, before ...[]byte) {
	t.Helper()
	d, err := NewJSON(Options{Format: format, Fields: map[string]string{"status": "status"}})
	if format != "json" {
		d, err = NewJSON(Options{Format: format})
	}
	if err != nil {
		t.Fatal(err)
	}
	var e Event
	for _, line := range before {
		d.Decode(line, &e)
	}
	outcome := d.Decode(line, &e)
	m, valid := want(line)
	if !valid { // quoteBare has tests of its own
		start := skipSpace(line, 0)
		if start < len(line) && line[start] == '{' {
			if quoted, end, ok := quoteBare(nil, line, start); ok {
				m, valid = want(append(quoted, line[end:]...))
			}
		}
	}
	if valid != (outcome != Syntax) {
		t.Fatalf("%s: outcome %d, but encoding/json: valid %v\n%q", format, outcome, valid, line)
	}
	if !valid {
		return
	}
	for f, path := range l {
		k, v := lookup(m, path)
		if k != d.v.kinds[f] {
			t.Fatalf("%s: %s is of kind %d, want %d\n%q", format, path, d.v.kinds[f], k, line)
		}
		if (k == text || k == number) && v != string(d.v.raw[f]) {
			t.Fatalf("%s: %s is %q, want %q\n%q", format, path, d.v.raw[f], v, line)
		}
	}
}

// layouts are the keys of the formats whose records are JSON objects.
var layouts = func() map[string]layout {
	all := map[string]layout{}
	for _, f := range formats {
		if f.read != nil {
			all[f.name] = f.keys
		}
	}
	all["json"] = layout{fStatus: "status"}
	return all
}()

func TestFastDecodersAgreeWithTheStandardLibrary(t *testing.T) {
	for _, line := range jsonSeeds {
		for format, l := range layouts {
			differ(t, format, l, []byte(line))
		}
	}
	deep := strings.Repeat(`[`, maxDepth-1) + strings.Repeat(`]`, maxDepth-1)
	differ(t, "json", layouts["json"], []byte(`{"status":200,"a":`+deep+`}`))
	differ(t, "json", layouts["json"], []byte(`{"status":200,"a":[`+deep+`]}`))
}

// spellings are a record with different space in it.
func spellings(line string) []string {
	var tight, wide bytes.Buffer
	if json.Compact(&tight, []byte(line)) != nil || json.Indent(&wide, []byte(line), "", "\t") != nil {
		return nil
	}
	lines := strings.ReplaceAll(wide.String(), "\n", " \r\n ")
	return []string{
		tight.String(), wide.String(), lines, strings.ReplaceAll(wide.String(), `": `, `":`),
		strings.ReplaceAll(wide.String(), `": `, `":   `), strings.ReplaceAll(wide.String(), `": `, `" : `),
		strings.NewReplacer("\n", "", "\t", "").Replace(wide.String()),
	}
}

// TestSpaceMakesNoDifference checks records that are alike but for the space in them, one after the other.
func TestSpaceMakesNoDifference(t *testing.T) {
	for _, line := range append(slices.Clip(jsonSeeds), `{"h":"a.example.com","status":200}`) {
		for _, before := range spellings(line) {
			for _, after := range spellings(line) {
				for format, l := range layouts {
					differ(t, format, l, []byte(after), []byte(before))
				}
			}
		}
	}
}

func FuzzJSON(f *testing.F) {
	for _, line := range jsonSeeds {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		for format, l := range layouts {
			differ(t, format, l, line)
		}
	})
}

// What is remembered of a line decides nothing about the next: neither whether it is valid nor what it says.
func FuzzJSONAfterAnother(f *testing.F) {
	for i, line := range jsonSeeds {
		f.Add([]byte(jsonSeeds[(i+1)%len(jsonSeeds)]), []byte(line))
	}
	for _, pair := range [][2]string{
		{`{"status":200,"host":"a"}`, `{,"status":200,"host":"a"}`},
		{`{"request":{"host":"a","uri":"b"},"status":200}`, `{"x":1,"request":{,"uri":"b"},"status":200}`},
		// the same key of another object
		{`{"request":{"host":"a","status":1},"status":3}`, `{"request":{"host":"a"},"status":200}`},
		{`{"status":200,"k234567890123456789012345678":1}`, `{"status":200,"k234567890123456789012345678":`},
		{`{"status":200,"host":"a"}`, `{"status":200,"host":}`},
		{`{"status":200,"host":"a"}`, `{"status": 200, "host": "a"}`},
		{`{"status": 200, "host": "a"}`, `{"status":  200,  "host":  "a"}`},
		{`{"status":200,"host":"a"}`, `{"status":200,"host":`},
		{`{"status":200,"host":"a","x":[1]}`, `{"status":200 ,"host":"b" , "x" : [ 1 ] }`},
		{
			`{"a":"` + strings.Repeat("x", 200) + `","status":200,"host":"a"}`,
			`{"a":"` + strings.Repeat("x", 63) + `\"","status":201,"host":"b"}`,
		},
	} {
		f.Add([]byte(pair[0]), []byte(pair[1]))
	}
	f.Fuzz(func(t *testing.T, before, line []byte) {
		for format, l := range layouts {
			differ(t, format, l, line, before, before)
		}
	})
}

// A record in the middle of a body is read as it is alone.
func TestRecordsOfABody(t *testing.T) {
	for _, padding := range []int{0, 1, 63, 64, 65, 500, 512, 600} {
		var body []byte
		for i := range 20 {
			body = append(body,
				`{"pad":"`+strings.Repeat("x", padding)+`é","host":"h`+string(rune('a'+i))+`","status":200}`+"\n"...)
		}
		d, err := NewJSON(Options{Format: "nginx-json"})
		if err != nil {
			t.Fatal(err)
		}
		at, n := 0, 0
		for at < len(body) {
			var e Event
			end, v := d.Next(body, at, &e)
			if want := "h" + string(rune('a'+n)); v != Counted || string(e.Host) != want {
				t.Fatalf("padding %d, record %d: outcome %d, host %q", padding, n, v, e.Host)
			}
			at, n = end+1, n+1
		}
		if n != 20 {
			t.Errorf("%d records", n)
		}
	}
}
