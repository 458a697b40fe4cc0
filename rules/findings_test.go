package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

// findings lists the defects of the first version of these rules. Each names the stories or tests that prove its fix.
var findings = []struct {
	number         int
	finding        string
	stories, tests []string
}{
	{1, "floors break the suppression of tails", []string{"a blip of 60 s", "brown-out after an outage"}, []string{"TestOutages", "TestMendedOutageIsOver"}},
	{2, "one client of one tenant pages through the service's objective", []string{"one bad client of one tenant in a pool of 500", "an enterprise tenant"}, []string{"TestStaggeredGroups"}},
	{3, "one location of three crosses P1", []string{"one of three locations down", "two of three locations down"}, nil},
	{4, "seconds of downtime, or one bad request of a few, burn enough", []string{"thirteen seconds of downtime", "a tenant with three requests an hour", "one failed request"}, nil},
	{5, "tiles lose what lies at their seams", nil, []string{"TestBudget", "TestMonth", "TestRequestBudget"}},
	{6, "budget and coverage come back empty or wrong", nil, []string{"TestBudget", "TestMonth"}},
	{7, "a state alert resolves after its exporter died", []string{"exporter dies in the outage and stays away for hours"}, nil},
	{8, "the expectation dies with its exporter", []string{"the priority outlives the exporter"}, []string{"TestAlerts"}},
	{9, "exporters disagree about a tier", []string{"a tenant on whose tier two exporters disagree"}, nil},
	{10, "objectives have no page to join", []string{"a service that pages at P3"}, []string{"TestEffectivePriority"}},
	{11, "increase extrapolates, and two exporters double it", []string{
		"26 seconds seen by two exporters of one job", "26 seconds seen by two exporters of two jobs", "26 seconds seen by three locations",
	}, []string{"TestLastMoments"}},
	{12, "floors add up over checks", []string{"three checks of 20 s", "two outages of 20 s within two minutes"}, nil},
	{13, "the only location there is flips with a lost scrape", []string{"lost scrapes of the other location do not make one the only one"}, nil},
	{14, "a slower tier looks at the next faster one only; tenants tell after a storm", nil, []string{"TestStorm", "TestRequestAlerts"}},
	{15, "availability names two things", nil, []string{"TestUptimeIsSecondsAndAvailabilityRequests"}},
	{16, "two bad tenants do not page their pool", []string{"three tenants of a pool of three", "two tenants of a pool of three"}, nil},
	{17, "request burns end soon after their exporter dies", nil, []string{"TestBurnEndsWithItsExporter"}},
}

// TestFindings checks that the proof of each finding exists, by name.
func TestFindings(t *testing.T) {
	known := map[string]bool{}
	for _, c := range gapCases {
		known[c.name] = true
	}
	for _, s := range shortStories() {
		known[s.name] = true
	}
	for _, cases := range [][]sloCase{requestStories(oneReceiver.carry), tenantStories(), poolStories()} {
		for _, c := range cases {
			known[c.name] = true
		}
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	functions := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range functions.FindAllSubmatch(text, -1) {
			known[string(match[1])] = true
		}
	}
	for i, f := range findings {
		if f.number != i+1 || len(f.stories)+len(f.tests) == 0 {
			t.Errorf("finding %d, %s: no proof, or out of order", f.number, f.finding)
		}
		for _, name := range append(f.stories, f.tests...) {
			if !known[name] {
				t.Errorf("finding %d, %s: there is no %q", f.number, f.finding, name)
			}
		}
	}
}

// shortStories returns outages that are too short for any alert, even when they are added up.
func shortStories() []scenario {
	short := func(length int) func(int, *simExporter) {
		return func(_ int, e *simExporter) { e.interval, e.broken = 5, []spell{{begin, begin + length}} }
	}
	var checks []*simExporter
	for n := range 3 {
		checks = append(checks, layouts[twoOneJob].place(n, func(_ int, e *simExporter) {
			e.check, e.interval, e.broken = fmt.Sprint("check-", n), 5, []spell{{begin + 20*n, begin + 20*n + 20}}
		})...)
	}
	return []scenario{
		{"thirteen seconds of downtime", layouts[one].place(1, short(13))},
		{"26 seconds seen by two exporters of one job", layouts[twoOneJob].place(1, short(26))},
		{"26 seconds seen by two exporters of two jobs", layouts[twoTwoJobs].place(1, short(26))},
		{"26 seconds seen by three locations", layouts[threeLocationsThreeJobs].place(1, short(26))},
		{"three checks of 20 s", checks},
	}
}

// TestShortStories checks that short outages fire no alert, not even while they are in the windows of the slower
// tiers.
func TestShortStories(t *testing.T) {
	simulates(t)
	stories := shortStories()
	w := newWorld(t, stories...)
	w.run(begin + 12*minute)
	w.runSlowly(begin+12*minute, begin+2*hour+15*minute, minute)
	for _, s := range stories {
		if told := w.fired(s.name); len(told) > 0 {
			t.Errorf("%s: %v", s.name, told)
		}
		down, _ := w.value(begin+10*minute, metric.DownIncrease["1h"].Select(fmt.Sprintf(`environment=%q,check=~"home|check-0"`, s.name)))
		if down < 8 || down > 30 {
			t.Errorf("%s: %.0f s were counted down: that nobody is told proves nothing", s.name, down)
		}
	}
}

// TestUptimeIsSecondsAndAvailabilityRequests checks that uptime is computed from seconds and availability from
// requests.
func TestUptimeIsSecondsAndAvailabilityRequests(t *testing.T) {
	b, err := Build(testPolicy(t))
	if err != nil {
		t.Fatal(err)
	}
	seconds, requests := 0, 0
	for _, g := range b.Groups() {
		for _, r := range g.Rules {
			if r.Record == nil {
				continue
			}
			name := r.Record.Name
			switch {
			case strings.Contains(name, "uptime"):
				seconds++
				if strings.Contains(r.Expr, "requests") || strings.Contains(r.Expr, "slo=") {
					t.Errorf("%s is made of requests:\n%s", name, r.Expr)
				}
			case strings.Contains(r.Expr, `"availability"`):
				requests++
				if strings.Contains(r.Expr, "health_check") || strings.Contains(r.Expr, "_seconds") {
					t.Errorf("%s is made of seconds:\n%s", name, r.Expr)
				}
			}
			if strings.Contains(name, "availability") {
				t.Errorf("%s: which of the two", name)
			}
		}
	}
	if seconds == 0 || requests == 0 {
		t.Errorf("%d records of uptime, %d of availability", seconds, requests)
	}
}

// TestBurnEndsWithItsExporter stops the exporter that counts requests during an outage. The burn ends about ten
// minutes later, as documented in the runbook. ThorbisExporterDown fires before that.
func TestBurnEndsWithItsExporter(t *testing.T) {
	simulates(t)
	const dies = warmup + 4*minute
	exporters := oneReceiver.carry(crowd(4, "enterprise", 5, everyTenant(1, warmup, warmup+2*hour))...)
	exporters[0].off = []spell{{dies, dies + hour}}
	w := newWorld(t, scenario{"dies", exporters}).onlyRequests("thorbis-exporter")
	w.run(dies + 30*minute)
	burns, down := w.fired("dies", metric.SLOBurnAlert.Name), w.fired("dies", metric.ExporterDownAlert.Name)
	if len(burns) != 1 || burns[0].priority != "P1" || burns[0].from > dies || burns[0].to < dies+3*minute || burns[0].to > dies+12*minute {
		t.Errorf("the burn: %v, want one P1 that ends about ten minutes after %d", burns, dies)
	}
	if len(down) != 1 || len(burns) == 1 && down[0].from > burns[0].to {
		t.Errorf("the exporter's absence: %v, want it told of before the burn %v ends", down, burns)
	}
	text, err := os.ReadFile("../docs/runbooks/" + metric.SLOBurnAlert.Name + ".md")
	if err != nil || !strings.Contains(string(text), "Ends about ten minutes after its exporter dies") {
		t.Errorf("the runbook does not say it: %v", err)
	}
}
