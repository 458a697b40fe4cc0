package rules_test

import "testing"

// findings lists the defects of the first version of these rules. Each names the stories or tests that prove its fix.
var findings = []struct {
	number         int
	finding        string
	stories, tests []string
}{
	{
		1, "floors break the suppression of tails",
		[]string{"a blip of 60 s", "brown-out after an outage"},
		[]string{"TestOutages", "TestMendedOutageIsOver"},
	},
	{
		2, "one client of one tenant pages through the service's objective",
		[]string{"one bad client of one tenant in a pool of 500", "an enterprise tenant"},
		[]string{"TestStaggeredGroups"},
	},
	{3, "one location of three crosses P1", []string{"one of three locations down", "two of three locations down"}, nil},
	{
		4, "seconds of downtime, or one bad request of a few, burn enough",
		[]string{"thirteen seconds of downtime", "a tenant with three requests an hour", "one failed request"},
		nil,
	},
	{5, "tiles lose what lies at their seams", nil, []string{"TestBudget", "TestMonth", "TestRequestBudget"}},
	{6, "budget and coverage come back empty or wrong", nil, []string{"TestBudget", "TestMonth"}},
	{
		7, "a state alert resolves after its exporter died",
		[]string{"exporter dies in the outage and stays away for hours"},
		nil,
	},
	{8, "the expectation dies with its exporter", []string{"the priority outlives the exporter"}, []string{"TestAlerts"}},
	{9, "exporters disagree about a tier", []string{"a tenant on whose tier two exporters disagree"}, nil},
	{10, "objectives have no page to join", []string{"a service that pages at P3"}, []string{"TestEffectivePriority"}},
	{11, "increase extrapolates, and two exporters double it", []string{
		"26 seconds seen by two exporters of one job", "26 seconds seen by two exporters of two jobs",
		"26 seconds seen by three locations",
	}, []string{"TestLastMoments"}},
	{12, "floors add up over checks", []string{"three checks of 20 s", "two outages of 20 s within two minutes"}, nil},
	{
		13, "the only location there is flips with a lost scrape",
		[]string{"lost scrapes of the other location do not make one the only one"},
		nil,
	},
	{
		14, "a slower tier looks at the next faster one only; tenants fire after a mass outage", nil,
		[]string{"TestMassOutage", "TestRequestAlerts"},
	},
	{15, "availability names two things", nil, []string{"TestUptimeIsSecondsAndAvailabilityRequests"}},
	{
		16, "two bad tenants do not page their pool",
		[]string{"three tenants of a pool of three", "two tenants of a pool of three"},
		nil,
	},
	{17, "request burns end soon after their exporter dies", nil, []string{"TestBurnEndsWithItsExporter"}},
}

// TestFindings checks that the proof of each finding exists, by name.
func TestFindings(t *testing.T) {
	proofs := readProofs(t)
	for i, f := range findings {
		if f.number != i+1 || len(f.stories)+len(f.tests) == 0 {
			t.Errorf("finding %d, %s: no proof, or out of order", f.number, f.finding)
		}
		for _, name := range f.stories {
			if !proofs.stories[name] {
				t.Errorf("finding %d, %s: no table that runs has the story %q", f.number, f.finding, name)
			}
		}
		for _, name := range f.tests {
			if !proofs.tests[name] {
				t.Errorf("finding %d, %s: there is no %s", f.number, f.finding, name)
			}
		}
	}
}
