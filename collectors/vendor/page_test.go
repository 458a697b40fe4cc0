package vendor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

var noon = time.Date(2026, 10, 20, 10, 5, 0, 0, time.UTC)

func parsed(t *testing.T, format, file string) *page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	p, err := parsers[format](text, noon)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func clock(hour, minute int) time.Time { return time.Date(2026, 10, 20, hour, minute, 0, 0, time.UTC) }

func TestPages(t *testing.T) {
	for _, x := range []struct {
		format, file, state string
		updated             time.Time
		incidents           []Incident
		next                Maintenance
		states              map[string]string
	}{
		{
			config.VendorStatuspage, "statuspage.json", metric.VendorMajor,
			time.Date(2026, 10, 20, 10, 2, 11, 123e6, time.UTC),
			[]Incident{
				{"Databases do not answer", "critical", clock(9, 45), "https://stspg.io/x"},
				{"Slow dashboard", "unknown", clock(2, 0), "https://stspg.io/y"},
			},
			Maintenance{"Upgrade of us-east-1", clock(9, 0), clock(11, 0)},
			map[string]string{
				"Database": metric.VendorMajor, "c2": metric.VendorOperational, "Platform": metric.VendorMajor,
				"Edge": metric.VendorDegraded, "c3": metric.VendorOperational, "Realtime": metric.VendorMaintained,
				"Storage": metric.VendorUnknown, "Moved": metric.VendorUnknown,
			},
		},
		{
			config.VendorIncidentIO, "incidentio.json", metric.VendorMajor, clock(9, 40),
			[]Incident{{"Requests fail", "critical", clock(9, 40), "https://status.example.com/incidents/01A"}},
			Maintenance{"Move", clock(8, 0), time.Time{}},
			map[string]string{
				"API": metric.VendorPartial, "c2": metric.VendorMajor, "Reports": metric.VendorMaintained,
				"Not listed": metric.VendorOperational,
			},
		},
		{
			config.VendorFeed, "feed.rss", metric.VendorDegraded, clock(9, 50),
			[]Incident{{"Elevated error rates", "unknown", clock(9, 50), "https://status.example.com/incidents/1"}},
			Maintenance{
				"Move of the network", time.Date(2026, 10, 22, 1, 0, 0, 0, time.UTC), time.Date(2026, 10, 22, 2, 0, 0, 0, time.UTC),
			},
			nil,
		},
		{
			config.VendorFeed, "feed.atom", metric.VendorDegraded, clock(9, 55),
			[]Incident{{"Elevated error rates", "unknown", clock(9, 45), "https://status.example.com/incidents/1"}},
			Maintenance{},
			nil,
		},
	} {
		p := parsed(t, x.format, x.file)
		if p.state != x.state || !p.updated.Equal(x.updated) || !slices.Equal(p.incidents, x.incidents) {
			t.Errorf("%s: %s, updated %s, %+v", x.file, p.state, p.updated, p.incidents)
		}
		if next, _ := p.nextMaintenance(noon); next != x.next {
			t.Errorf("%s: the next maintenance is %+v", x.file, next)
		}
		for name, want := range x.states {
			if got := p.componentState(name); got != want {
				t.Errorf("%s: %s is %s, want %s", x.file, name, got, want)
			}
		}
	}
}

// What the policy relies on is as bad as the worst of it; a component that the page lacks is unknown, not well.
func TestStateFor(t *testing.T) {
	p := parsed(t, config.VendorStatuspage, "statuspage.json")
	for names, want := range map[string]string{
		"": metric.VendorMajor, "Auth": metric.VendorOperational, "Auth,Edge": metric.VendorDegraded,
		"Auth,Realtime": metric.VendorMaintained, "Auth,Moved": metric.VendorUnknown, "Moved,Edge": metric.VendorDegraded,
		"Moved,Realtime": metric.VendorUnknown,
	} {
		components := strings.FieldsFunc(names, func(r rune) bool { return r == ',' })
		if got := p.stateFor(components); got != want {
			t.Errorf("%q is %s, want %s", names, got, want)
		}
	}
}

func TestInvalidPages(t *testing.T) {
	many := `{"status": {"indicator": "none"}, "components": [` + strings.Repeat(`{"id": "a"},`, maxComponents) +
		`{"id": "a"}]}`
	for _, x := range []struct{ format, text, want string }{
		{config.VendorStatuspage, "", "unexpected end"},
		{config.VendorStatuspage, `{"page": {}}`, "not the summary of a Statuspage"},
		{config.VendorStatuspage, `{"status": "up"}`, "cannot unmarshal"},
		{config.VendorStatuspage, "<html>", "invalid character"},
		{config.VendorStatuspage, many, "too many components (5001)"},
		{config.VendorIncidentIO, `{"status": {"indicator": "none"}}`, "not the summary of incident.io"},
		{config.VendorFeed, "", "it is empty"},
		{config.VendorFeed, "<html></html>", "begins with <html>"},
		{config.VendorFeed, "<rss><channel><item></channel></rss>", "XML syntax error"},
		{config.VendorFeed, `<?xml version="1.0" encoding="UTF-16"?><rss/>`, "only UTF-8 is read"},
		{config.VendorFeed, `<!DOCTYPE x [<!ENTITY a "b">]><rss><item><title>&a;</title></item></rss>`, "XML"},
	} {
		if p, err := parsers[x.format]([]byte(x.text), noon); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s %.60s: %+v, %v, want %q", x.format, x.text, p, err, x.want)
		}
	}
}

// FuzzPage: whatever a page says, states and impacts are of the closed sets, and times and texts are bounded.
func FuzzPage(f *testing.F) {
	for i, file := range []string{"statuspage.json", "incidentio.json", "feed.rss", "feed.atom"} {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(min(i, 2)), text)
	}
	formats := []string{config.VendorStatuspage, config.VendorIncidentIO, config.VendorFeed}
	f.Fuzz(func(t *testing.T, format uint8, text []byte) {
		p, err := parsers[formats[int(format)%len(formats)]](text, noon)
		if err != nil {
			return
		}
		states := []string{p.state, p.stateFor([]string{"Database", "c1"})}
		for _, c := range p.components {
			states = append(states, c.state)
		}
		for _, s := range states {
			if !slices.Contains(metric.VendorStates, s) {
				t.Errorf("state %q", s)
			}
		}
		for _, i := range p.incidents {
			if !slices.Contains(metric.VendorImpacts, i.Impact) || i.Began.After(noon) || len([]rune(i.Name)) > maxText {
				t.Errorf("%+v", i)
			}
		}
		if m, ok := p.nextMaintenance(noon); ok && (m.Begin.Year() < 2016 || m.Begin.Year() > 2036) {
			t.Errorf("%+v", m)
		}
		if fmt.Sprint(p.updated.Year()) > "2036" {
			t.Errorf("updated %s", p.updated)
		}
	})
}
