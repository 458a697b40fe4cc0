package decode

import "testing"

func TestCloudflareLines(t *testing.T) {
	testLines(t, "cloudflare", map[string]lineCase{
		"request": {jsonSeeds[5], Counted, event{
			host: "acme.example.com", path: "/a", id: "8f", status: 200, duration: 111 * milli, bytes: 912,
			time: 1790000000020 * milli,
		}},
		"seconds": {`{"ClientRequestHost":"a","EdgeResponseStatus":502,"EdgeStartTimestamp":"2026-09-21T10:00:00Z",` +
			`"EdgeEndTimestamp":"2026-09-21T10:00:01Z"}`, Counted, event{host: "a", status: 502, duration: -1, time: testTime}},
		"fractions": {
			`{"ClientRequestHost":"a","EdgeResponseStatus":200,"EdgeStartTimestamp":"2026-09-21T10:00:00.25Z",` +
				`"EdgeEndTimestamp":"2026-09-21T10:00:01.000Z"}`,
			Counted,
			event{host: "a", status: 200, duration: 750 * milli, time: testTime + 250*milli},
		},
		"worker":    {`{"ClientRequestSource":"edgeWorkerFetch","EdgeResponseStatus":200}`, Subrequest, event{}},
		"challenge": {`{"content":"tests"}`, Test, event{}},
	})
}

// docs/tenants.md lists how the program reports a request that was aborted.
func TestCloudflareAborted(t *testing.T) {
	testStatuses(t, "cloudflare", map[string]statusCase{
		`{"ClientRequestHost":"a","EdgeResponseStatus":499}`: {Counted, 499},
		`{"ClientRequestHost":"a","EdgeResponseStatus":520}`: {Counted, 520},
		`{"ClientRequestHost":"a","EdgeResponseStatus":0}`:   {Counted, 0},
	})
}

// Requests of end users are those of visitors, also of visitors whose own zone is on Cloudflare.
func TestCloudflareSources(t *testing.T) {
	for source, want := range map[string]Outcome{
		`"eyeball"`: Counted, `"orangeToOrange"`: Counted, `""`: Counted, `null`: Counted, `"unknown"`: Counted, `1`: Counted,
		`9`: Counted, `"9"`: Counted,
		`"purge"`: Subrequest, `"alwaysOnline"`: Subrequest,
		`"healthcheck"`: Subrequest, `"edgeWorkerFetch"`: Subrequest, `"edgeWorkerCacheAPI"`: Subrequest,
		`"edgeWorkerKV"`: Subrequest, `"imageResizing"`: Subrequest, `"sslDetector"`: Subrequest,
		`"earlyHintsCache"`:    Subrequest,
		`"inBrowserChallenge"`: Subrequest, `5`: Subrequest, `10`: Subrequest,
	} {
		d, err := New(Options{Format: "cloudflare"})
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		if v := d.Decode(
			[]byte(`{"ClientRequestHost":"a","EdgeResponseStatus":200,"ClientRequestSource":`+source+`}`), &e,
		); v != want {
			t.Errorf("%s: outcome %d, want %d", source, v, want)
		}
	}
}
