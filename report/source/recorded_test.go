package source

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/promtest"
	"github.com/thorbis/thorbis_exporter/report"
)

// What two exporters recorded of an incident is one incident, and what was scraped of it is not a second one.
func TestIncidentsOfSeveralSources(t *testing.T) {
	exporter := func(past string) *Exporter {
		return NewExporter(answers(t, map[string]string{"incidents": success(`{"open":[],"past":[` + past + `]}`)}), time.UTC)
	}
	began := time.Date(2026, 10, 1, 10, 0, 0, 0, time.UTC)
	c, err := NewClient(promtest.Serve(t, func(query string, at time.Time) []promtest.Sample {
		if at.Before(began) || at.After(began.Add(9*time.Minute)) {
			return nil
		}
		one := func(id string) promtest.Sample {
			return promtest.Sample{Labels: map[string]string{"incident": id, "priority": "P1"}, Value: float64(began.Unix())}
		}
		if query == "" {
			return nil
		}
		return []promtest.Sample{one("ab"), one("before-the-record")}
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	i := &Incidents{
		Exporters: []*Exporter{
			exporter(`{"id":"ab-1","fingerprint":"ab","priority":"P1","began":"2026-10-01T10:00:04Z",
				"acknowledged":"2026-10-01T10:05:00Z","acknowledged_by":"ann","resolved":"2026-10-01T10:10:00Z","exact":false}`),
			exporter(`{"id":"ab-2","fingerprint":"ab","priority":"P1","began":"2026-10-01T10:00:00Z",
				"acknowledged":"2026-10-01T10:06:00Z","resolved":"2026-10-01T10:09:31Z","exact":true}`),
			NewExporter(answers(t, nil), time.UTC), // without the collector
		},
		Scraped: &ScrapedIncidents{Prometheus: &Prometheus{c}, Environment: "production"},
	}
	all, err := i.Incidents(t.Context(), began.Add(-time.Hour), began.Add(time.Hour))
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	known := all[1]
	if all[0].ID == "ab" {
		known = all[0]
	}
	if known.ID != "ab" || known.AcknowledgedBy != "ann" || !known.Exact || known.Resolved.Second() != 31 ||
		known.Acknowledged.Minute() != 5 {
		t.Errorf("%+v", known)
	}
	i.ID, i.Scraped = "absent", nil
	if all, err := i.Incidents(t.Context(), began, began.Add(time.Hour)); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

// An exporter lists a bounded number of incidents: of a time that has more, all are read all the same, each once.
func TestIncidentsThatAnAnswerLeavesOut(t *testing.T) {
	const most = 3
	first := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	asked := 0
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		from, err1 := time.Parse(time.RFC3339, r.FormValue("from"))
		to, err2 := time.Parse(time.RFC3339, r.FormValue("to"))
		if err1 != nil || err2 != nil {
			t.Error(err1, err2)
		}
		var past []string
		omitted := 0
		for n := 20; n >= 0; n-- { // one every hour, of 90 minutes
			began := first.Add(time.Duration(n) * time.Hour)
			ended := began.Add(90 * time.Minute)
			switch {
			case ended.Before(from) || !began.Before(to):
			case len(past) >= most:
				omitted++
			default:
				past = append(past, fmt.Sprintf(`{"fingerprint":"f%d","began":%q,"resolved":%q,"drill":%t}`, n,
					began.Format(time.RFC3339), ended.Format(time.RFC3339), n == 20))
			}
		}
		fmt.Fprint(w, success(fmt.Sprintf(`{"open":[],"past":[%s],"past_omitted":%d}`, strings.Join(past, ","), omitted)))
	}))
	defer site.Close()
	c, err := NewClient(site.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	i := &Incidents{Exporters: []*Exporter{NewExporter(c, time.UTC)}}
	all, err := i.Incidents(t.Context(), first, first.Add(24*time.Hour))
	if err != nil || len(all) != 21 || all[0].ID != "f0" || all[20].ID != "f20" || !all[20].Drill || asked > 100 {
		t.Errorf("%d incidents in %d requests, %v", len(all), asked, err)
	}
	if kept := report.Real(all); len(kept) != 20 {
		t.Errorf("%d are left without drills", len(kept))
	}
}
