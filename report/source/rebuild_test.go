package source

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/report"
	"github.com/thorbis/thorbis_exporter/report/sla"
)

const rebuildPolicy = policytest.Minimal + `services: [{name: web, owner: sre}]
health: {checks: [{name: home, app_service: web, target: "https://www.example.com/"}]}
sla: {availability: 99.9%, time_zone: Europe/Berlin, minimum_outage: 1m}
`

const scrape = 15 * time.Second

// watched is a check that two locations watched in October 2026 and around it, with what happened to it.
type watched struct {
	t       *testing.T
	policy  *config.Policy
	month   sla.Month
	now     time.Time
	outages []sla.Span
	// reset is when the exporter in nyc lost its counters, zero for never.
	reset time.Time
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	w := &watched{t: t, policy: policytest.Load(t, t.TempDir(), rebuildPolicy)}
	var err error
	if w.month, err = sla.ParseMonth("2026-10", w.policy.SLA.Zone()); err != nil {
		t.Fatal(err)
	}
	w.now = w.at("11-20 00:00:00")
	for _, o := range [][2]string{
		{"09-30 23:58:20", "10-01 00:03:11"}, // over the beginning of the month
		{"10-03 23:40:02", "10-04 00:31:57"}, // over midnight
		{"10-07 10:00:00", "10-07 10:00:44"}, // too short to count
		{"10-15 08:00:09", "10-15 08:20:01"}, // in the morning of the day on which the history begins
		{"10-15 18:00:05", "10-15 18:10:00"}, // in its evening
		{"10-20 12:00:00", "10-20 12:30:00"}, // recorded
		{"10-25 01:50:00", "10-25 03:10:00"}, // on the day of 25 hours, recorded
	} {
		w.outages = append(w.outages, sla.Span{From: w.at(o[0]), To: w.at(o[1])})
	}
	return w
}

func (w *watched) at(text string) time.Time {
	w.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-"+text, w.policy.SLA.Zone())
	if err != nil {
		w.t.Fatal(err)
	}
	return at
}

// history is what an exporter recorded that was started at a time.
func (w *watched) history(location string, since time.Time) sla.Target {
	t := sla.Target{Check: "home", Location: location}
	within := func(s, in sla.Span) time.Duration {
		from, to := s.From, s.To
		if from.Before(in.From) {
			from = in.From
		}
		if to.After(in.To) {
			to = in.To
		}
		return max(to.Sub(from), 0)
	}
	for _, day := range sla.DaysOf(sla.Reads(w.month, w.now), w.month.Zone) {
		span := day.Span
		if span.From.Before(since) {
			span.From = since
		}
		if span.Length() == 0 {
			continue
		}
		d := sla.DaySeconds{Date: day.Date, Observed: span.Length()}
		for _, o := range w.outages {
			d.Down += within(o, span)
		}
		t.Days = append(t.Days, d)
	}
	for _, o := range w.outages {
		if !o.From.Before(since) {
			t.Outages = append(t.Outages, sla.Seen{Begin: o.From, End: o.To, Down: o.Length(), Reason: "timeout"})
		}
	}
	return t
}

// prometheus scraped both locations all the time, every 15 s at the seventh second. An outage is confirmed, and counts
// since its beginning, after 20 s.
func (w *watched) prometheus() *Prometheus {
	w.t.Helper()
	begin := w.at("09-20 00:00:00")
	value := func(query string, at time.Time) float64 {
		switch {
		case strings.Contains(query, "observed"):
			return at.Sub(begin).Seconds()
		case !strings.Contains(query, "down"):
			return 0
		}
		sum := 0.0
		for _, o := range w.outages {
			if !at.Before(o.From.Add(20 * time.Second)) {
				sum += min(at.Sub(o.From), o.Length()).Seconds()
			}
		}
		return sum
	}
	site := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		moment := func(name string) time.Time {
			seconds, err := strconv.ParseFloat(r.FormValue(name), 64)
			if err != nil || !strings.Contains(query, `environment="production",tenant=""`) {
				w.t.Errorf("%s of %s: %v", name, query, err)
			}
			return time.UnixMilli(int64(seconds * 1000))
		}
		var times, scrapes []time.Time // of points, and when they were scraped
		scraped := func(at time.Time) time.Time { return at.Add(-7 * time.Second).Truncate(scrape).Add(7 * time.Second) }
		if _, length, ok := strings.Cut(strings.TrimSuffix(query, "]"), "["); ok && r.URL.Path == "/api/v1/query" {
			long, err := time.ParseDuration(length)
			if err != nil {
				w.t.Error(err)
			}
			end := moment("time")
			for at := scraped(end); at.After(end.Add(-long)); at = at.Add(-scrape) {
				times = append(times, at)
			}
			slices.Reverse(times)
			scrapes = times
		} else {
			for at := moment("start"); !at.After(moment("end")); at = at.Add(grid) {
				times, scrapes = append(times, at), append(scrapes, scraped(at))
			}
		}
		var series []string
		for _, location := range []string{"fra", "nyc"} {
			for _, check := range []string{"home", "of-another-policy"} {
				if strings.Contains(query, "location=") && !strings.Contains(query, `location="`+location+`"`) ||
					strings.Contains(query, "check=") && !strings.Contains(query, `check="`+check+`"`) {
					continue
				}
				var points []string
				for i, at := range times {
					v := value(query, scrapes[i])
					if location == "nyc" && !w.reset.IsZero() && at.After(w.reset) {
						v -= value(query, w.reset)
					}
					points = append(points, fmt.Sprintf(`[%d,"%g"]`, at.Unix(), v))
				}
				series = append(series, fmt.Sprintf(`{"metric":{"__name__":"counter","check":%q,"location":%q},"values":[%s]}`,
					check, location, strings.Join(points, ",")))
			}
		}
		fmt.Fprint(out, success(`{"result":[`+strings.Join(series, ",")+`]}`))
	}))
	w.t.Cleanup(site.Close)
	c, err := NewClient(site.URL, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &Prometheus{c}
}

func (w *watched) rebuild(recorded []sla.Target) []sla.Target {
	w.t.Helper()
	more, err := w.prometheus().Lacking(w.t.Context(), Rebuild{
		Environment: "production", Over: sla.Reads(w.month, w.now), Zone: w.month.Zone, Scrape: scrape,
		Keep: func(check string) bool { return check == "home" },
	}, recorded)
	if err != nil {
		w.t.Fatal(err)
	}
	return more
}

func (w *watched) report(targets []sla.Target) (*sla.Report, *sla.Builder) {
	w.t.Helper()
	b, err := sla.NewBuilder(w.policy, w.month, w.now, targets)
	if err != nil {
		w.t.Fatal(err)
	}
	return b.Build(sla.Subject{}), b
}

func near1(a, b report.Length) bool { return (a - b).Abs() <= report.Length(scrape) }

// What no exporter recorded is rebuilt from Prometheus: the report is that of a full history, to a scrape for each end
// of an outage, and says which source each outage is from.
func TestRebuiltMonth(t *testing.T) {
	w := newWatched(t)
	full, _ := w.report([]sla.Target{w.history("fra", time.Time{}), w.history("nyc", time.Time{})})
	began := w.at("10-15 12:00:00")
	recorded := []sla.Target{w.history("fra", began), w.history("nyc", began)}
	rebuilt := w.rebuild(recorded)
	r, b := w.report(append(recorded, rebuilt...))
	if r.Total != full.Total || !near1(r.Unknown, full.Unknown) || !near1(r.Judged, full.Judged) {
		t.Errorf("%+v, want %+v", r.Figures, full.Figures)
	}
	// Four outages that count have been rebuilt, each to a scrape.
	if (r.Down - full.Down).Abs() > report.Length(4*scrape) {
		t.Errorf("%s down, want %s", r.Down, full.Down)
	}
	if len(r.Outages) != len(full.Outages) || len(r.Outages) != 7 {
		t.Fatalf("%d outages, want %d: %+v", len(r.Outages), len(full.Outages), r.Outages)
	}
	for i, want := range full.Outages {
		got := r.Outages[i]
		source, reason := "Prometheus", reasonUnknown
		if !want.Begin.Before(began) {
			source, reason = "exporter", "timeout"
		}
		if got.Begin.Sub(want.Begin).Abs() > scrape || got.End.Sub(*want.End).Abs() > scrape || got.Source != source ||
			got.Reason != reason || !near1(got.Down, want.Down) || len(got.Locations) != 2 || want.Source != "exporter" ||
			got.NotCounted != want.NotCounted {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	note := b.RebuiltNote(rebuilt)
	if !strings.Contains(note, "home from fra, 15 days between 2026-10-01 and 2026-10-15; home from nyc, 15 days") {
		t.Errorf("%q", note)
	}
	text, err := report.Text("md", r.Document(), r)
	if err != nil || !strings.Contains(string(text), "| Prometheus | a part of it is outside") {
		t.Errorf("%v\n%s", err, text)
	}
	// Without Prometheus half of the month is unknown, and an outage of the exporters alone is theirs.
	less, _ := w.report(recorded)
	if less.Unknown <= report.Length(14*24*time.Hour) || len(less.Outages) != 3 {
		t.Errorf("%+v", less.Figures)
	}
}

// What the exporters have is not taken from Prometheus a second time.
func TestNothingIsRebuiltOfAFullHistory(t *testing.T) {
	w := newWatched(t)
	if more := w.rebuild([]sla.Target{w.history("fra", time.Time{}), w.history("nyc", time.Time{})}); len(more) > 0 {
		t.Errorf("%+v", more)
	}
	// A location whose exporter was not read is rebuilt.
	more := w.rebuild([]sla.Target{w.history("fra", time.Time{})})
	if len(more) != 1 || more[0].Location != "nyc" || len(more[0].Days) != 35 || len(more[0].Outages) != 7 {
		t.Errorf("%+v", more)
	}
}

// On a day on which a counter began anew, Prometheus does not know what was.
func TestDayOfALostCounterIsNotRebuilt(t *testing.T) {
	w := newWatched(t)
	w.reset = w.at("10-05 13:10:00")
	for _, target := range w.rebuild(nil) {
		for _, d := range target.Days {
			if target.Location == "nyc" && d.Date == "2026-10-05" {
				t.Errorf("%+v", d)
			}
		}
		if want := map[string]int{"fra": 35, "nyc": 34}[target.Location]; len(target.Days) != want {
			t.Errorf("%s: %d days, want %d", target.Location, len(target.Days), want)
		}
	}
}

// Both sources are compared over the days that both have: they agree to a scrape, and a greater difference is reported.
func TestRebuiltDaysAreNotCompared(t *testing.T) {
	w := newWatched(t)
	began := w.at("10-15 12:00:00")
	recorded := []sla.Target{w.history("fra", began)}
	rebuilt := w.rebuild(recorded)
	_, b := w.report(append(recorded, rebuilt...))
	whole := time.Duration(0)
	for _, o := range w.outages {
		whole += o.Length()
	}
	whole -= w.at("10-01 00:00:00").Sub(w.outages[0].From)
	counters := map[sla.PlaceKey]sla.Counter{{Check: "home", Location: "fra"}: {Down: whole + 3*time.Second}}
	list := b.Compare(recorded, rebuilt, counters, scrape)
	if len(list) != 1 || !*list[0].Agrees || list[0].History != report.Length(30*time.Minute+2*time.Hour+20*time.Minute) {
		t.Errorf("%+v, Prometheus %s", list, list[0].Prometheus)
	}
	counters[sla.PlaceKey{Check: "home", Location: "fra"}] = sla.Counter{Down: whole + 40*time.Second}
	if list := b.Compare(recorded, rebuilt, counters, scrape); *list[0].Agrees || len(sla.Disagreements(list)) != 1 {
		t.Errorf("%+v", list)
	}
}

// A counter that grows by more than the time between two scrapes began to be down before the first.
func TestOutagesOfACounter(t *testing.T) {
	begin := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	points := func(values ...float64) []Point {
		var all []Point
		for i, v := range values {
			all = append(all, Point{begin.Add(time.Duration(i) * scrape), v})
		}
		return all
	}
	for name, tc := range map[string]struct {
		values []float64
		want   string
	}{
		"none":                {[]float64{5, 5, 5}, ""},
		"confirmed late":      {[]float64{0, 0, 0, 40, 55, 60, 60}, "5s-1m 5s (1m)"},
		"a scrape was missed": {[]float64{0, 15, 15, 45, 45}, "0s-45s (45s)"},
		"two":                 {[]float64{0, 15, 15, 15, 15, 30, 30}, "0s-15s (15s) 1m-1m 15s (15s)"},
		"began anew":          {[]float64{100, 0, 15}, "15s-30s (15s)"},
		"no number":           {[]float64{0, 1e300}, ""},
	} {
		var got []string
		for _, o := range outagesOf(points(tc.values...), scrape) {
			got = append(got, report.Length(o.Begin.Sub(begin)).String()+"-"+report.Length(o.End.Sub(begin)).String()+
				" ("+report.Length(o.Down).String()+")")
		}
		if name != "no number" && strings.Join(got, " ") != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
