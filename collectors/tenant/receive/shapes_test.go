package receive

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// records are one request of each kind, as its vendor documents them: vercel.com/docs/drains/reference/logs (schema
// v1), developers.cloudflare.com/logs/logpush (HTTP requests, unixnano). The host and the id are to be filled in.
var records = map[string]string{
	"vercel": `{"id":"1","deploymentId":"dpl_1","source":"lambda","host":"app-7h2.vercel.app","timestamp":1790000000123,` +
		`"projectId":"prj",` +
		`"level":"info","requestId":%[2]q,"statusCode":200,"path":"/api","executionRegion":"fra1",` +
		`"proxy":{"timestamp":1790000000020,` +
		`"method":"GET","host":%[1]q,"path":"/api?x=1","userAgent":["curl/8"],"region":"fra1","statusCode":200,` +
		`"responseByteSize":512}}`,
	"cloudflare": `{"ClientRequestHost":%[1]q,"ClientRequestMethod":"GET","ClientRequestPath":"/a",` +
		`"ClientRequestSource":"eyeball",` +
		`"EdgeResponseStatus":200,"EdgeStartTimestamp":1790000000020000000,"EdgeEndTimestamp":1790000000131000000,` +
		`"EdgeResponseBytes":912,"RayID":%[2]q}`,
	"json": `{"h":%[1]q,"s":200,"i":%[2]q}`,
}

func recordOf(kind, tenant, id string) string {
	return fmt.Sprintf(records[kind], tenant+".example.com", id)
}

// Records may come as an array, as one object, or one on each line. Each counts once, also in the same post and in the
// next one.
func TestShapes(t *testing.T) {
	for kind := range records {
		one, two, three := recordOf(kind, "acme", "1"), recordOf(kind, "beta", "2"), recordOf(kind, "acme", "3")
		for name, tc := range map[string]struct {
			body string
			want uint64
		}{
			"one object":        {one, 1},
			"array":             {"[" + one + "," + two + "]", 2},
			"array with space":  {" [ " + one + " ,\n " + two + " ]\n", 2},
			"lines":             {one + "\n" + two + "\n" + three + "\n", 3},
			"lines of DOS":      {one + "\r\n" + two + "\r\n", 2},
			"no line breaks":    {one + two + three, 3},
			"over many lines":   {strings.ReplaceAll(one, ",", ",\n  ") + "\n" + two, 2},
			"one twice":         {"[" + one + "," + two + "," + one + "]", 2},
			"a line is broken":  {one + "\n{\"x\n" + two, 2},
			"a record is empty": {one + "\n{}\n" + two, 2},
			"gzip":              {zipped(one + "\n" + two), 2},
		} {
			r := newTestReceiver(t, kind, nil)
			for range 2 { // the second is a duplicate
				if w := r.send(tc.body); w.Code != http.StatusOK || r.requests() != tc.want {
					t.Errorf("%s, %s: answered %d with %d requests, want %d: %s", kind, name, w.Code, r.requests(), tc.want, w.Body)
				}
			}
		}
		for name, body := range map[string]string{
			"array without end": "[" + one, "array with a broken record": "[" + one + ",{]",
			"behind an array": "[" + one + "]" + two, "a number": "1",
		} {
			r := newTestReceiver(t, kind, nil)
			if w := r.send(body); w.Code != http.StatusBadRequest || r.requests() != 0 {
				t.Errorf("%s, %s: answered %d with %d requests", kind, name, w.Code, r.requests())
			}
		}
	}
}

// What a vendor sends besides requests of visitors is left out, by its reason.
func TestRecordsThatAreLeftOut(t *testing.T) {
	for _, tc := range []struct {
		kind, record string
		outcome      decode.Outcome
	}{
		{"vercel", `{"requestId":"r","host":"a","statusCode":200,"message":"hello"}`, decode.NoRequest},
		{
			"vercel", `{"requestId":"r","statusCode":200,"proxy":{"host":"acme.example.com","statusCode":-1}}`,
			decode.Revalidation,
		},
		{"cloudflare", `{"content":"tests"}`, decode.Test},
		{
			"cloudflare",
			`{"ClientRequestHost":"acme.example.com","ClientRequestSource":"edgeWorkerFetch","EdgeResponseStatus":200}`,
			decode.Subrequest,
		},
		{"json", `{"h":"acme.example.com"}`, decode.NoStatus},
	} {
		r := newTestReceiver(t, tc.kind, nil)
		w := r.send(tc.record)
		if s, _ := r.store.Source(0); w.Code != http.StatusOK || r.requests() != 0 || s.Outcomes[tc.outcome] != 1 {
			t.Errorf("%s: answered %d, outcomes %v", tc.record, w.Code, s.Outcomes)
		}
	}
}

// Whatever a body holds, it is answered.
func FuzzReceiver(f *testing.F) {
	for kind := range records {
		f.Add([]byte("[" + recordOf(kind, "acme", "1") + "]"))
		f.Add([]byte(recordOf(kind, "acme", "1") + "\n"))
	}
	f.Add([]byte("{}\n{"))
	f.Add([]byte("[{},1]"))
	f.Add([]byte(`{"content":"tests"}`))
	f.Add([]byte(zipped("{}"))[:12])
	var all []*testReceiver
	for kind := range records {
		all = append(all, newTestReceiver(f, kind, nil))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, r := range all {
			for encoding, sent := range map[string]string{"": string(body), "gzip": zipped(string(body))} {
				w := r.send(sent, "Content-Encoding", encoding)
				if w.Code != http.StatusOK && w.Code != http.StatusBadRequest && w.Code != http.StatusServiceUnavailable {
					t.Errorf("%s %s answered %d", r.Kind, encoding, w.Code)
				}
			}
		}
	})
}
