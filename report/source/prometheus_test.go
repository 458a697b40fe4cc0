package source

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/promtest"
	"github.com/thorbis/thorbis_exporter/report/sla"
)

// incidents are read from the points of their series: each beginning is one incident, and a gap in scrapes is none.
func TestScrapedIncidents(t *testing.T) {
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	minute := func(n int) int64 { return from.Add(time.Duration(n) * time.Minute).Unix() }
	points := func(value int64, minutes ...int) string {
		var all []string
		for _, n := range minutes {
			all = append(all, fmt.Sprintf(`[%d,"%d"]`, minute(n), value))
		}
		return strings.Join(all, ",")
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		start, err := strconv.ParseFloat(r.FormValue("start"), 64)
		if err != nil || !strings.Contains(query, `environment="production"`) {
			t.Errorf("query %s, start %q", query, r.FormValue("start"))
		}
		series := ""
		switch {
		case int64(start) != from.Unix():
		case strings.Contains(query, "open_since"):
			series = `{"metric":{"incident":"a","alert":"ThorbisCheckDown","app_service":"web","priority":"P1"},"values":[` +
				points(minute(5), 6, 7, 8, 40, 41) + "," + points(minute(90), 91, 92) + `]}`
		case strings.Contains(query, "acknowledged"):
			series = `{"metric":{"incident":"a"},"values":[` + points(1, 8, 40, 41) + `]}`
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[%s]}}`, series)
	}))
	defer site.Close()
	c, err := NewClient(site.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	shares := 0
	s := &ScrapedIncidents{Prometheus: &Prometheus{c}, Environment: "production", Progress: func(float64) { shares++ }}
	all, err := s.Incidents(t.Context(), from, from.Add(30*24*time.Hour))
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	first, second := all[0], all[1]
	if !first.Began.Equal(from.Add(5*time.Minute)) || !first.Acknowledged.Equal(from.Add(8*time.Minute)) ||
		!first.Resolved.Equal(from.Add(42*time.Minute)) || first.Alert != "ThorbisCheckDown" || first.Priority != "P1" {
		t.Errorf("%+v", first)
	}
	if second.Acknowledged != nil || !second.Began.Equal(from.Add(90*time.Minute)) || second.Resolved == nil {
		t.Errorf("%+v", second)
	}
	if shares < 4 {
		t.Errorf("progress was reported %d times", shares)
	}
	if open := incidentsOf(Series{Points: []Point{{from, 5}}}, nil, from.Add(time.Second)); open[0].Resolved != nil {
		t.Errorf("%+v", open)
	}
}

// Seconds down come with the places that Prometheus has them of, and with whether a counter began anew.
func TestDownOfPrometheus(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		result := `{"metric":{"check":"home","location":"fra","tenant":""},"value":[1,"61.2"]},
			{"metric":{"check":"home","location":"nyc"},"value":[1,"7"]}`
		if strings.Contains(query, "resets") {
			result = `{"metric":{"check":"home","location":"nyc"},"value":[1,"1"]}`
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[%s]}}`, result)
	}))
	defer site.Close()
	c, err := NewClient(site.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := (&Prometheus{c}).Down(t.Context(), "production", "", time.Unix(0, 0), time.Unix(86400, 0))
	if err != nil || len(got) != 2 || got[sla.PlaceKey{Check: "home", Location: "fra"}].Down != 61_200*time.Millisecond ||
		!got[sla.PlaceKey{Check: "home", Location: "nyc"}].Reset {
		t.Errorf("%+v, %v", got, err)
	}
}

// An alert is open only if it fired until the end of what was read: one that ended two minutes before has ended.
func TestAlertsThatEndedBeforeTheEnd(t *testing.T) {
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	to := from.Add(24 * time.Hour)
	c, err := NewClient(promtest.Serve(t, func(_ string, at time.Time) []promtest.Sample {
		all := []promtest.Sample{{Labels: map[string]string{"alertname": "ThorbisDiskFull"}, Value: 1}}
		if at.Before(to.Add(-2 * time.Minute)) {
			all = append(all, promtest.Sample{Labels: map[string]string{"alertname": "ThorbisCheckDown"}, Value: 1})
		}
		return all
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	fired, err := (&Prometheus{c}).Alerts(t.Context(), "production", from, to, nil)
	if err != nil || len(fired) != 2 || fired[0].Open || !fired[0].To.Equal(to.Add(-2*time.Minute)) || !fired[1].Open {
		t.Errorf("%+v, %v", fired, err)
	}
}

// An answer without a value gives no series, and one with NaN no time.
func TestAnswersWithoutValues(t *testing.T) {
	c := answers(t, map[string]string{
		"query": success(`{"result":[{"metric":{"a":"b"}},{"metric":{"check":"c"},"value":[1,"NaN"]}]}`),
	})
	series, err := (&Prometheus{c}).At(t.Context(), "up", time.Unix(0, 0))
	if err != nil || len(series) != 1 {
		t.Errorf("%+v, %v", series, err)
	}
	down, err := (&Prometheus{c}).Down(t.Context(), "production", "", time.Unix(0, 0), time.Unix(86400, 0))
	if got := down[sla.PlaceKey{Check: "c"}]; err != nil || got.Down != 0 || len(down) != 1 {
		t.Errorf("%+v, %v", down, err)
	}
}
