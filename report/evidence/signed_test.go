package evidence

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/promtest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/report/source"
)

// recorded is what an exporter has of a week: the same review reached two exporters, one of which has a note.
var recorded = map[string]string{
	"procedures": `{"procedures":[{"procedure":"access-review","task":true},{"procedure":"gone"}]}`,
	"procedures/access-review": `{"procedure":"access-review","task":true,"runs":[
		{"at":"2026-10-09T00:00:00Z","result":"success","by":"late"},
		{"at":"2026-10-05T10:00:00Z","result":"failure","by":"eve","note":"two accounts too many"},
		{"at":"2026-10-02T06:00:00.4Z","result":"success","by":"ada","note":"see https://wiki.example.com/1",
			"link":"https://wiki.example.com/1"},
		{"at":"2026-09-30T23:59:59Z","result":"success","by":"early"}]}`,
	"incidents": `{"open":[
		{"id":"o-1","fingerprint":"o","alert":"ThorbisDiskFull","priority":"P1","began":"2026-10-07T23:00:00Z"}],
		"past":[
		{"id":"a-1","fingerprint":"a","alert":"ThorbisCheckDown","app_service":"web","priority":"P1","owner":"sre",
			"tenant":"acme","began":"2026-10-03T10:00:00Z","acknowledged":"2026-10-03T10:05:00Z","acknowledged_by":"ann",
			"resolved":"2026-10-03T11:00:00Z","exact":true,
			"write_up":{"at":"2026-10-04T10:59:00Z","by":"ada","link":"https://wiki.example.com/a"}},
		{"id":"b-1","fingerprint":"b","alert":"ThorbisSLOBurn","priority":"P2","began":"2026-10-04T10:00:00Z",
			"resolved":"2026-10-04T12:00:00Z",
			"write_up":{"at":"2026-10-06T12:00:00Z","by":"eve","link":"https://wiki.example.com/b"}},
		{"id":"c-1","fingerprint":"c","alert":"ThorbisSLOBurn","priority":"P1","began":"2026-10-05T10:00:00Z",
			"resolved":"2026-10-05T12:00:00Z"},
		{"id":"d-1","fingerprint":"d","alert":"ThorbisSLOBurn","priority":"P1","began":"2026-10-07T10:00:00Z",
			"resolved":"2026-10-07T12:00:00Z"},
		{"id":"e-1","fingerprint":"e","alert":"ThorbisDiskSlow","priority":"P3","began":"2026-10-05T10:00:00Z",
			"resolved":"2026-10-05T12:00:00Z"},
		{"id":"f-1","fingerprint":"f","alert":"ThorbisDrill","priority":"P1","drill":true,"began":"2026-10-06T10:00:00Z",
			"acknowledged":"2026-10-06T10:02:00Z","acknowledged_by":"bob","resolved":"2026-10-06T10:30:00Z"}]}`,
}

func exporter(t *testing.T, data map[string]string) *source.Exporter {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := data[strings.TrimPrefix(r.URL.Path, "/api/v1/")]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"status":"error","errorType":"not_found","error":"unknown"}`)
			return
		}
		fmt.Fprintf(w, `{"status":"success","data":%s}`, text)
	}))
	t.Cleanup(site.Close)
	c, err := source.NewClient(site.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	return source.NewExporter(c, time.UTC)
}

func collectSigned(t *testing.T, exporters ...*source.Exporter) (all map[string][]byte, defects []string) {
	t.Helper()
	c, err := source.NewClient(promtest.Serve(t, week), nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "key"), "a-key-of-a-person-that-is-long-enough\n")
	signed := strings.Replace(policy, "  expected:", "  people: [{name: ada, key: {file: "+dir+"/key}}]\n  expected:", 1)
	signed += "alertmanagers: [{name: main, url: \"http://127.0.0.1:9093\"}]\nwrite_ups: {}\n"
	populations, defects, err := Collect(t.Context(), Options{
		Policy: policytest.Load(t, dir, signed), Prometheus: &source.Prometheus{Client: c}, From: from,
		To: from.AddDate(0, 0, 7), Exporters: exporters, Incidents: &source.Incidents{Exporters: exporters},
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := Files(Manifest{Platform: "thorbis", From: from, Seed: "a"}, populations, 2, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	all = map[string][]byte{}
	for _, f := range list {
		all[f.Name] = f.Text
	}
	return all, defects
}

// Tasks have who signed them and when, each once, and none of outside the time; write-ups have their link, by whom, and
// whether they were in time.
func TestSignatures(t *testing.T) {
	other := map[string]string{
		"procedures": recorded["procedures"],
		"procedures/access-review": `{"procedure":"access-review","runs":[
			{"at":"2026-10-02T06:00:00.4Z","result":"success","by":"ada"}]}`,
	}
	all, defects := collectSigned(t, exporter(t, recorded), exporter(t, other), exporter(t, nil))
	if len(defects) > 0 {
		t.Errorf("%q", defects)
	}
	for name, want := range map[string][]string{
		"access_reviews.csv": {
			"1,2026-10-02T06:00:00.4Z,access-review,success,ada,https://wiki.example.com/1,see https://wiki.example.com/1," +
				"CC6.2 CC6.3",
			"2,2026-10-05T10:00:00Z,access-review,failure,eve,signature of eve,two accounts too many,CC6.2 CC6.3",
		},
		"write_ups.csv": {
			"1,2026-10-04T10:59:00Z,write-up of ThorbisCheckDown web,success,ada,https://wiki.example.com/a,incident a, " +
				"resolved 2026-10-03T11:00:00Z, due 2026-10-04T11:00:00Z, written after 23h 59m,CC7.4 CC7.5",
			"2,2026-10-06T12:00:00Z,write-up of ThorbisSLOBurn,late,eve,https://wiki.example.com/b,incident b, " +
				"resolved 2026-10-04T12:00:00Z, due 2026-10-05T12:00:00Z, written after 2d,CC7.4 CC7.5",
			"3,2026-10-06T12:00:00Z,write-up of ThorbisSLOBurn,missing,,incident c,resolved 2026-10-05T12:00:00Z, " +
				"due 2026-10-06T12:00:00Z,CC7.4 CC7.5",
			"4,2026-10-08T12:00:00Z,write-up of ThorbisSLOBurn,not due yet,,incident d,resolved 2026-10-07T12:00:00Z, " +
				"due 2026-10-08T12:00:00Z,CC7.4 CC7.5",
		},
		"alert_drills.csv": {
			"1,2026-10-06T10:00:00Z,ThorbisDrill,success,bob,incident f,priority P1, acknowledged 2026-10-06T10:02:00Z bob," +
				"CC7.3 CC7.4",
		},
	} {
		var got []string
		for _, row := range rows(t, all[name]) {
			got = append(got, strings.Join(row, ","))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	incidents := rows(t, all["incidents.csv"])
	if len(incidents) != 6 || !strings.Contains(incidents[0][6], "acknowledged 2026-10-03T10:05:00Z ann, tenant acme") {
		t.Errorf("%q", incidents)
	}
}

// Without an exporter nothing says who signed: that is a defect where the policy asks for signatures.
func TestSignaturesWithoutAnExporter(t *testing.T) {
	all, defects := collectSigned(t)
	if len(defects) != 1 || !strings.Contains(defects[0], "--exporter.url") {
		t.Errorf("%q", defects)
	}
	// What only Prometheus has is listed all the same.
	if reviews := rows(t, all["access_reviews.csv"]); len(reviews) != 1 || reviews[0][4] != "security" {
		t.Errorf("%q", reviews)
	}
}
