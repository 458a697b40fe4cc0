package review

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/promtest"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/report"
	"github.com/thorbis/thorbis_exporter/report/source"
)

// inBerlin is a policy whose nights are those of Berlin, an hour before UTC in November.
const inBerlin = policytest.Minimal + `business_hours: {time_zone: Europe/Berlin, from: "09:00", to: "17:00"}
priorities: {P1: {respond_within: 15m}}
`

// paged is an incident: when it began (November, UTC), after how many minutes it was acknowledged (0 for never), and
// by whom.
func paged(t *testing.T, began, priority, owner string, acknowledged int, by string) report.Incident {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04", "2026-11-"+began)
	if err != nil {
		t.Fatal(err)
	}
	over := at.Add(2 * time.Hour)
	i := report.Incident{
		ID: began, Alert: "ThorbisCheckDown", Priority: priority, Owner: owner, Began: at, Resolved: &over,
	}
	if acknowledged > 0 {
		taken := at.Add(time.Duration(acknowledged) * time.Minute)
		i.Acknowledged, i.AcknowledgedBy = &taken, by
	}
	return i
}

// Pages are counted by the hour in Berlin, and by shift, owner and person, as they were by hand.
func TestPages(t *testing.T) {
	open := paged(t, "27 21:30", "P1", "sre", 0, "") // 22:30: night
	open.Resolved = nil
	all := []report.Incident{
		paged(t, "24 02:10", "P1", "sre", 4, "ann"),       // Tuesday 03:10: night
		paged(t, "24 02:50", "P2", "sre", 10, "ann"),      // 03:50: night
		paged(t, "25 10:00", "P1", "web-team", 20, "bob"), // 11:00: business hours, late
		paged(t, "25 18:00", "P1", "web-team", 6, "ann"),  // 19:00: off hours
		paged(t, "26 07:30", "P2", "", 0, ""),             // 08:30: off hours, needed nothing done
		paged(t, "26 10:20", "P1", "sre", 1, ""),          // 11:20: acknowledged, by whom is not known
		paged(t, "26 10:30", "P3", "sre", 1, "ann"),       // no page
		paged(t, "22 23:59", "P1", "sre", 1, "ann"),       // before the review
		paged(t, "30 00:00", "P1", "sre", 1, "ann"),       // after it
		open,
	}
	from := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	p := pages(policytest.Load(t, t.TempDir(), inBerlin), all, from, from.Add(week))
	if p.Total != 7 || p.TimeZone != "Europe/Berlin" {
		t.Errorf("%d pages in %s", p.Total, p.TimeZone)
	}
	hours := map[int][2]int{3: {2, 0}, 8: {1, 1}, 11: {2, 0}, 19: {1, 0}, 22: {1, 0}}
	for _, h := range p.Hours {
		if want := hours[h.Hour]; h.Pages != want[0] || h.Unneeded != want[1] || h.Night != (h.Hour < 8 || h.Hour >= 22) {
			t.Errorf("%+v, want %v", h, want)
		}
	}
	length := func(l *report.Length) string {
		if l == nil {
			return "-"
		}
		return l.String()
	}
	var got []string
	for _, g := range p.Groups {
		got = append(got, fmt.Sprintf("%s %s: %d pages, %d night, %d acknowledged, %d late, %d unneeded, %s, %s",
			g.Kind, g.Name, g.Pages, g.Night, g.Acknowledged, g.Late, g.Unneeded, length(g.Median), length(g.Slowest)))
	}
	want := []string{
		"shift business hours: 2 pages, 0 night, 2 acknowledged, 1 late, 0 unneeded, 1m, 20m",
		"shift off hours: 2 pages, 0 night, 1 acknowledged, 0 late, 1 unneeded, 6m, 6m",
		"shift night, 22:00 to 08:00: 3 pages, 3 night, 2 acknowledged, 0 late, 0 unneeded, 4m, 10m",
		"owner sre: 4 pages, 3 night, 3 acknowledged, 0 late, 0 unneeded, 4m, 10m",
		"owner web-team: 2 pages, 0 night, 2 acknowledged, 1 late, 0 unneeded, 6m, 20m",
		"owner not recorded: 1 pages, 0 night, 0 acknowledged, 0 late, 1 unneeded, -, -",
		"acknowledged by ann: 3 pages, 2 night, 3 acknowledged, 0 late, 0 unneeded, 6m, 10m",
		"acknowledged by bob: 1 pages, 0 night, 1 acknowledged, 1 late, 0 unneeded, 20m, 20m",
		"acknowledged by not recorded: 1 pages, 0 night, 1 acknowledged, 0 late, 0 unneeded, 1m, 1m",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, err := json.Marshal(p); err != nil {
		t.Error(err)
	}
}

// A weekly review has pages by hour and who acknowledged, and each layer that was notified once for each time.
func TestPagesOfAReview(t *testing.T) {
	c, err := source.NewClient(promtest.Serve(t, func(query string, at time.Time) []promtest.Sample {
		minutes := int(end.Sub(at).Minutes())
		if !strings.Contains(query, metric.UnacknowledgedAlert.Name) || !strings.Contains(query, `environment="production"`) {
			return nil
		}
		var all []promtest.Sample
		add := func(layer, incident string, from, to int) {
			if minutes <= from && minutes > to {
				all = append(all, promtest.Sample{Labels: map[string]string{
					"alertname": metric.UnacknowledgedAlert.Name, "layer": layer, "incident": incident,
				}, Value: 1})
			}
		}
		add("secondary", "a", 600, 500)
		add("secondary", "b", 300, 250)
		add("manager", "a", 550, 500)
		add("everyone", "c", 8*1440, 7*1440-60) // fires at the beginning of the week: of the week before
		add("a-stranger", "c", 100, 50)
		return all
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Build(t.Context(), Options{
		Kind: Weekly, Policy: policytest.Load(t, t.TempDir(), inBerlin), Prometheus: &source.Prometheus{Client: c}, To: end,
		Incidents: fixed{paged(t, "26 02:10", "P1", "sre", 4, "ann")},
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := report.Text("md", r.Document(), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"## Pages by hour of the day", "on the clock of Europe/Berlin", "| 03:00 | 1 | 0 |",
		"| shift | night, 22:00 to 08:00 | 1 | 1 | 1 | 0 | 4m | 4m | 0 |", "| shift | off hours | 0 | 0 | 0 | 0 |",
		"| owner | sre | 1 | 1 | 1 | 0 | 4m | 4m | 0 |", "| acknowledged by | ann | 1 | 1 | 1 | 0 | 4m | 4m |  |",
		"| escalated to | secondary | 2 | ", "| escalated to | manager | 1 | ",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("lacks %q", want)
		}
	}
	if strings.Contains(string(text), "everyone") || strings.Contains(string(text), "stranger") {
		t.Error("a layer that was not notified in the week is in it")
	}
	if t.Failed() {
		t.Logf("%s", text)
	}
}

// fixed are incidents that are known.
type fixed []report.Incident

func (f fixed) Incidents(context.Context, time.Time, time.Time) ([]report.Incident, error) {
	return f, nil
}

func (fixed) Precision() time.Duration { return time.Second }
