package delivery

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

var (
	testStart = time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	testRules = rules{hotfix: regexp.MustCompile(`hotfix`), rollback: true, hotfixWithin: 4 * time.Hour}
)

// testService returns a service that has been watched since the start.
func testService() *service {
	s := newService(testStart)
	for _, source := range []string{"github:acme/app", "vercel:prj"} {
		s.Since[source] = testStart
	}
	return s
}

func at(minutes int) time.Time { return testStart.Add(time.Duration(minutes) * time.Minute) }

// commitOf returns a hash that stands for a letter.
func commitOf(letter string) string { return fmt.Sprintf("%040x", letter[0]) }

// live is a deployment of a commit that goes live at a minute.
func live(id, letter string, minute int) change {
	return change{
		source: "github:acme/app", id: id, state: metric.DeploymentSuccess, at: at(minute), created: at(minute - 5),
		commit: commitOf(letter), commitTime: at(minute - 65),
	}
}

// feed applies changes at one time, and evaluates when they have settled.
func (s *service) feed(now time.Time, changes ...change) {
	for _, c := range changes {
		if c, ok := c.clean(now); ok {
			s.apply(c, testRules, now)
		}
	}
	s.evaluate(testRules, now.Add(settleFor))
}

func (s *service) summary() string {
	lead, recovery := uint64(0), uint64(0)
	for _, n := range s.Lead.Counts {
		lead += n
	}
	for _, n := range s.Recovery.Counts {
		recovery += n
	}
	return fmt.Sprintf("%d/%d/%d, rollback %d, hotfix %d, rework %d, lead %d/%.0f, recovery %d/%.0f",
		s.Results["success"], s.Results["failure"], s.Results["cancelled"], s.Failures["rollback"], s.Failures["hotfix"],
		s.Reworks["rollback"]+s.Reworks["hotfix"], lead, s.Lead.Sum, recovery, s.Recovery.Sum)
}

func TestFailures(t *testing.T) {
	hotfix := live("9", "h", 130)
	hotfix.ref = "hotfix/login"
	late := live("9", "h", 500)
	late.ref = "hotfix/login"
	broken := live("3", "c", 90)
	broken.state = metric.DeploymentFailure
	retried := broken
	retried.state, retried.at = metric.DeploymentSuccess, at(95)
	cancelled := live("3", "c", 90)
	cancelled.state = metric.DeploymentCancelled
	a, b, back := live("1", "a", 60), live("2", "b", 100), live("3", "a", 110)
	noTime := live("1", "a", 60)
	noTime.commitTime = time.Time{}
	impossible := live("1", "a", 60)
	impossible.commitTime = at(70)
	for name, test := range map[string]struct {
		changes []change
		want    string
	}{
		"a deployment": {[]change{a}, "1/0/0, rollback 0, hotfix 0, rework 0, lead 1/3900, recovery 0/0"},
		"an earlier commit is a rollback of the last one": {
			[]change{a, b, back},
			"3/0/0, rollback 1, hotfix 0, rework 1, lead 2/7800, recovery 1/600",
		},
		"forward again after a rollback": {
			[]change{a, b, back, live("4", "b", 140)},
			"4/0/0, rollback 1, hotfix 0, rework 1, lead 2/7800, recovery 1/600",
		},
		"the same commit again": {
			[]change{a, b, live("3", "b", 120)},
			"3/0/0, rollback 0, hotfix 0, rework 0, lead 2/7800, recovery 0/0",
		},
		"a hotfix in time": {
			[]change{a, b, hotfix},
			"3/0/0, rollback 0, hotfix 1, rework 1, lead 3/11700, recovery 1/1800",
		},
		"a hotfix too late": {[]change{a, b, late}, "3/0/0, rollback 0, hotfix 0, rework 1, lead 3/11700, recovery 0/0"},
		"a hotfix after a rollback is one failure": {
			[]change{a, b, back, hotfix},
			"4/0/0, rollback 1, hotfix 0, rework 2, lead 3/11700, recovery 1/600",
		},
		"a build that fails": {
			[]change{a, broken},
			"1/1/0, rollback 0, hotfix 0, rework 0, lead 1/3900, recovery 0/0",
		},
		"one that is tried again": {
			[]change{a, broken, retried},
			"2/1/0, rollback 0, hotfix 0, rework 0, lead 2/8100, recovery 0/0",
		},
		"one that is cancelled": {[]change{a, cancelled}, "1/0/1, rollback 0, hotfix 0, rework 0, lead 1/3900, recovery 0/0"},
		"a rollback that has no deployment of its own": {
			[]change{a, b, {source: "github:acme/app", from: "2", to: "1", at: at(120)}},
			"2/0/0, rollback 1, hotfix 0, rework 0, lead 2/7800, recovery 1/1200",
		},
		"one that is live again": {
			[]change{a, b, live("1", "a", 125)},
			"2/0/0, rollback 1, hotfix 0, rework 0, lead 2/7800, recovery 1/1500",
		},
		"an unknown age":    {[]change{noTime}, "1/0/0, rollback 0, hotfix 0, rework 0, lead 0/0, recovery 0/0"},
		"an age below zero": {[]change{impossible}, "1/0/0, rollback 0, hotfix 0, rework 0, lead 0/0, recovery 0/0"},
		"before the source": {
			[]change{live("1", "a", -60)},
			"0/0/0, rollback 0, hotfix 0, rework 0, lead 0/0, recovery 0/0",
		},
		"a failure long ago": {
			[]change{live("1", "a", -60), live("2", "b", -50), live("3", "a", -40)},
			"0/0/0, rollback 0, hotfix 0, rework 0, lead 0/0, recovery 0/0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := testService()
			s.feed(at(600), test.changes...)
			if got := s.summary(); got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
			s.feed(at(610), test.changes...) // a source says all of it once more
			if got := s.summary(); got != test.want {
				t.Errorf("again %s\nwant %s", got, test.want)
			}
		})
	}
}

// Whatever the order in which sources report, what they report is counted alike, once.
func TestOrder(t *testing.T) {
	hotfix := live("9", "h", 300)
	hotfix.ref = "hotfix/login"
	pendingB := live("2", "b", 100)
	pendingB.state = pending
	all := []change{
		live("1", "a", 60), pendingB, live("2", "b", 100), live("3", "a", 110), live("4", "c", 200), hotfix,
		{source: "github:acme/app", from: "9", to: "4", at: at(310)},
		live("5", "d", 400),
	}
	all = append(all, all[2], all[6])
	want := ""
	for i := range 200 {
		s := testService()
		shuffled := slices.Clone(all)
		if i > 0 {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		}
		s.feed(at(600), shuffled...)
		switch got := s.summary(); {
		case i == 0:
			want = got
			if want != "6/0/0, rollback 2, hotfix 1, rework 2, lead 5/19500, recovery 3/7200" {
				t.Fatal(want)
			}
		case got != want:
			t.Fatalf("%d: %s\nwant %s", i, got, want)
		}
	}
}

// What is learned a day later is counted then.
func TestLate(t *testing.T) {
	s := testService()
	s.feed(at(120), live("1", "a", 60), live("2", "b", 100))
	if s.Failures["rollback"] != 0 {
		t.Fatal("a failure is counted before it is learned")
	}
	s.feed(at(1600), change{source: "github:acme/app", from: "2", to: "1", at: at(130)})
	if s.Failures["rollback"] != 1 || s.Recovery.Sum != 1800 {
		t.Error(s.summary())
	}
	// The time of a commit is looked up when the deployment is live for long.
	late := live("7", "x", 1500)
	late.commitTime = time.Time{}
	s.feed(at(1700), late)
	before := s.Lead.Sum
	s.feed(at(1800), change{source: "github:acme/app", id: "7", commitTime: at(1440)})
	if s.Lead.Sum-before != 3600 {
		t.Errorf("lead grew by %.0f s", s.Lead.Sum-before)
	}
}

// A failure is evaluated when what arrives out of order has arrived.
func TestSettles(t *testing.T) {
	s := testService()
	for _, c := range []change{live("1", "a", 60), live("3", "a", 110)} {
		s.apply(c, testRules, at(111))
	}
	s.evaluate(testRules, at(111))
	s.apply(live("2", "b", 100), testRules, at(112)) // before the second one was evaluated
	s.evaluate(testRules, at(113))
	if s.Failures["rollback"] != 1 {
		t.Error(s.summary())
	}
}

// Two sources that report one deployment of a commit are one; a second deployment of the commit is another.
func TestSources(t *testing.T) {
	s := testService()
	vercel := live("dpl_1", "a", 61)
	vercel.source, vercel.commitTime, vercel.title = "vercel:prj", time.Time{}, "Add it (#12)"
	s.feed(at(70), live("1", "a", 60), vercel)
	again := live("dpl_2", "a", 180)
	again.source = "vercel:prj"
	s.feed(at(200), again)
	if len(s.Deployments) != 2 || s.Results["success"] != 2 {
		t.Fatalf("%d deployments, %s", len(s.Deployments), s.summary())
	}
	d := s.Deployments[0]
	if !maps.Equal(d.IDs, map[string]string{"github:acme/app": "1", "vercel:prj": "dpl_1"}) || d.PullRequest != 12 ||
		!d.Live.Equal(at(60)) || d.Name != commitOf("a")[:12] || s.Deployments[1].Name != d.Name+"-dpl_2" {
		t.Errorf("%+v", d)
	}
}

// Names of deployments and times of liars stay within bounds.
func TestClean(t *testing.T) {
	now := at(0)
	c, ok := change{
		id: "1", at: now.Add(48 * time.Hour), created: now.Add(-maxOld - time.Hour), commit: "A1B2C3D4",
		commitTime: now.Add(-time.Hour),
		title:      "Mend it (#77)\nsecond line", ref: "a\x00b", url: "javascript:alert(1)",
	}.clean(now)
	if !ok || !c.at.Equal(now) || !c.created.IsZero() || c.commit != "a1b2c3d4" || c.title != "Mend it (#77)" ||
		c.ref != "ab" || c.url != "" || c.pullRequest != 77 {
		t.Errorf("%v %+v", ok, c)
	}
	for _, bad := range []change{
		{}, {id: "a b"}, {id: "1", from: "a b"}, {from: "1", to: "\n"}, {id: string(make([]byte, 65))},
	} {
		if _, ok := bad.clean(now); ok {
			t.Errorf("%+v is taken", bad)
		}
	}
	if got := pullRequestOf("Merge pull request #45 from acme/x"); got != 45 {
		t.Error(got)
	}
	if got := address("https://user:password@example.com/x"); got != "" {
		t.Error(got)
	}
	if got := address("https://example.com/x?token=1#y"); got != "https://example.com/x" {
		t.Error(got)
	}
}

// What is kept of a service is bounded, and the newest stay.
func TestPrune(t *testing.T) {
	s := testService()
	for i := range maxDeployments + 50 {
		s.feed(at(10*i+10), live(fmt.Sprint(i+1), string(rune('a'+i%26)), 10*i))
		s.feed(at(10*i+10), change{source: "github:acme/app", from: fmt.Sprint(i + 1), at: at(10*i + 5)})
	}
	if len(s.Deployments) != maxDeployments || len(s.Rollbacks) != maxRollbacks ||
		s.Results["success"] != maxDeployments+50 || s.last().IDs["github:acme/app"] != fmt.Sprint(maxDeployments+50) {
		t.Errorf("%d deployments, %d rollbacks, %s", len(s.Deployments), len(s.Rollbacks), s.summary())
	}
}
