package health

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/metric"
)

// breakable is a server that answers 500 while it is broken.
type breakable struct {
	broken atomic.Bool
	asked  atomic.Int64
	url    string
}

func newBreakable(t *testing.T) *breakable {
	t.Helper()
	b := &breakable{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		b.asked.Add(1)
		if b.broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(srv.Close)
	b.url = srv.URL
	return b
}

// referring is a health section with one check and some references.
func referring(check string, references ...string) string {
	var list []string
	for _, r := range references {
		list = append(list, "{target: \""+r+"\", module: http_2xx}")
	}
	return "  reference_targets: [" + strings.Join(list,
		", ") + "]\n" + quick + "    - {name: home, app_service: web, target: \"" + check + "\"}\n"
}

func offline(s CheckStatus) bool {
	return s.State == metric.StateUnknown && s.Reason == reasonProberOffline
}

const deadReference = "http://127.0.0.1:1"

// A reference that answered until now and falls silent together with the check means that the prober is offline, also
// beside one that is dead. It is asked though no check fails, and its return shows.
func TestOfflineProberKnowsNothing(t *testing.T) {
	t.Parallel()
	home, elsewhere := newBreakable(t), newBreakable(t)
	c, _ := start(t, policy(t, referring(home.url, deadReference, elsewhere.url), ""), nil)
	await(t, c, "up", is(metric.StateUp))
	eventually(t, "asked though no check fails", func() bool { return c.References()[1].State == "answers" })
	elsewhere.broken.Store(true)
	home.broken.Store(true)
	await(t, c, "offline", offline)
	if value(t, c, metric.HealthReferenceUp) != 0 {
		t.Error("the reference is up")
	}
	if value(t, c, metric.HealthCheckOutages) != 0 {
		t.Error("an outage was counted")
	}
	elsewhere.broken.Store(false)
	eventually(t, "online again", func() bool { return value(t, c, metric.HealthReferenceUp) == 1 })
	await(t, c, "down, now that it can be judged", is(metric.StateDown))
}

// A reference that has never answered is known beforehand and hides no outage.
func TestReferenceThatNeverAnsweredHidesNoOutage(t *testing.T) {
	t.Parallel()
	home := newBreakable(t)
	c, _ := start(t, policy(t, referring(home.url, deadReference+"/?token=s3cr3t"), ""), nil)
	await(t, c, "up", is(metric.StateUp))
	eventually(t, "reported as dead", func() bool { return value(t, c, metric.HealthReferencesDead) == 1 })
	if r := c.References(); len(r) != 1 || r[0].State != "dead" || strings.Contains(r[0].Target, "s3cr3t") {
		t.Errorf("%+v", r)
	}
	if value(t, c, metric.HealthReferenceUp) != 1 {
		t.Error("the prober counts itself offline, though its check answers")
	}
	home.broken.Store(true)
	await(t, c, "down", is(metric.StateDown))
	if n := value(t, c, metric.HealthCheckProbeUnknowns, "reason="+reasonProberOffline); n != 0 {
		t.Errorf("%v probes were unknown", n)
	}
}

// What answered before a restart, and only a moment ago, is relied on after it; a dead one is not.
func TestReferencesOutliveRestarts(t *testing.T) {
	t.Parallel()
	home, elsewhere := newBreakable(t), newBreakable(t)
	p := policy(t, referring(home.url, elsewhere.url), "")
	path := t.TempDir()
	open := func() *state.Dir {
		t.Helper()
		dir, err := state.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	dir := open()
	c, stop := start(t, p, dir)
	await(t, c, "up", is(metric.StateUp))
	eventually(t, "asked", func() bool { return c.References()[0].State == "answers" })
	stop()
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	elsewhere.broken.Store(true)
	home.broken.Store(true)
	dir = open()
	c, stop = start(t, p, dir)
	await(t, c, "offline", offline)
	if err := collectors.Apply(c, p); err != nil { // a reload forgets nothing either
		t.Fatal(err)
	}
	if good := c.reference.remembered(); len(good) != 1 {
		t.Errorf("after the reload %v are relied on", good)
	}
	stop()
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	r := newTestReference(elsewhere.url)
	r.targets.restore(map[string]time.Time{elsewhere.url: time.Now().Add(-referenceRemembered)}, time.Now())
	if r.targets.silent(t.Context()) {
		t.Error("what answered long ago is relied on")
	}
}

func newTestReference(target string) *reference {
	r := request{module: builtin("http_2xx"), timeout: time.Second}.of(target)
	return &reference{targets: panel{
		logger: slog.New(slog.DiscardHandler), holds: referenceHolds,
		members: []*member{targetMember(r)},
	}}
}

// A reference is dead once it was silent again and again while checks answered that are as far away; an
// answer brings it back.
func TestReferenceThatDiesIsFoundOut(t *testing.T) {
	begin := time.Now()
	for name, tc := range map[string]struct {
		reference, check string
		dead             bool
	}{
		"as far":          {"203.0.113.1:443", "https://example.com/", true},
		"another network": {"203.0.113.1:443", "http://10.0.0.7/", false},
		"own host":        {"10.0.0.1:443", "http://localhost/", false},
		"farther":         {"10.0.0.1:443", "https://example.com/", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := &newTestReference(tc.reference).targets
			target := r.members[0]
			second := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Second) }
			r.note(target, ok, second(0))
			for n := 30; n <= 300; n += 30 { // silent, and no check answers
				r.note(target, bad, second(n))
			}
			if !target.trusted() {
				t.Fatal("nothing answers, and the reference is dead rather than the network")
			}
			for n := 301; n < 304; n++ {
				r.reached(distanceOf(tc.check), second(n)) // all of it before one look
			}
			r.note(target, bad, second(310))
			if !target.trusted() {
				t.Error("dead after one look")
			}
			r.reached(distanceOf(tc.check), second(320))
			r.note(target, unk, second(325)) // says nothing
			r.note(target, bad, second(330))
			if target.trusted() == tc.dead {
				t.Errorf("dead: %v, want %v", target.dead, tc.dead)
			}
			r.note(target, ok, second(290)) // of an older look that took its time
			if target.trusted() == tc.dead {
				t.Error("an old answer brought it back")
			}
			r.note(target, ok, second(360))
			if up, dead := r.works(); !target.trusted() || up != 1 || dead != 0 {
				t.Errorf("after an answer: up %v, dead %v", up, dead)
			}
		})
	}
}

// Many failing checks ask once, and references are asked now and then whatever checks do.
func TestReferencesAreAskedCheaply(t *testing.T) {
	elsewhere := newBreakable(t)
	reference := newTestReference(elsewhere.url)
	r := &reference.targets
	r.ask(t.Context())
	eventually(t, "asked at the start", func() bool { return len(reference.remembered()) == 1 })
	for range 20 {
		r.silent(t.Context())
		r.ask(t.Context())
	}
	if n := elsewhere.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	age := func(d time.Duration) {
		r.mu.Lock()
		r.asked = r.asked.Add(-d)
		r.mu.Unlock()
	}
	age(referenceInterval)
	r.ask(t.Context())
	eventually(t, "asked again", func() bool { return elsewhere.asked.Load() == 2 })
	elsewhere.broken.Store(true)
	age(referenceHolds)
	eventually(t, "the look before has ended", func() bool {
		age(referenceHolds)
		return r.silent(t.Context())
	})
	elsewhere.broken.Store(false)
	age(referenceRecheck)
	r.ask(t.Context())
	eventually(t, "online again though no check fails", func() bool { up, _ := r.works(); return up == 1 })
}

func TestDistanceOfTargets(t *testing.T) {
	for target, want := range map[string]distance{
		"http://127.0.0.1:8080/healthz": onHost,
		"localhost:9090":                onHost,
		"[::1]:443":                     onHost,
		"/run/app.sock":                 onHost,
		"10.1.2.3":                      onNetwork,
		"https://192.168.0.4/":          onNetwork,
		"[fd00::1]:443":                 onNetwork,
		"http://db.prod.svc:5432/x":     onNetwork,
		"gateway":                       onNetwork,
		"Printer.Local.":                onNetwork,
		"https://user:pw@example.com/a": elsewhere,
		"1.1.1.1:53":                    elsewhere,
		"example.com":                   elsewhere,
		"example.com:443":               elsewhere,
		"example.com/path":              elsewhere,
	} {
		if got := distanceOf(target); got != want {
			t.Errorf("%s: %d, want %d", target, got, want)
		}
	}
}
