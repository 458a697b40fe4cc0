package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/demo/saas"
	"github.com/thorbis/thorbis_exporter/demo/stack"
	"github.com/thorbis/thorbis_exporter/internal/browsertest"
	"github.com/thorbis/thorbis_exporter/metric"
)

// emptyInPreview are panels, as dashboard/panel, that the preview may show empty beside those of mayBeEmpty, and why:
// it asks for what is now, and the other test for the last five minutes.
var emptyInPreview = map[string]string{
	"Thorbis / Tenant/Backups of the tenant": "no backup is of one tenant, and this asks for one",
}

// mustShow are panels that say during an outage what is wrong.
var mustShow = []string{"Thorbis / Overview/What is wrong", "Thorbis / Health and SLA/Open outages"}

// drawn is what the page reports of a panel.
type drawn struct {
	Title, Type         string
	Empty               bool
	Series              int
	Says                string // in place of data
	Errors, Unsupported []string
}

// seen is the page at one time.
type seen struct {
	Title     string
	Panels    []drawn
	Variables []struct {
		Name, Error string
		Chosen      []string
		Options     int
	}
}

const settled = `window.preview && window.preview.idle`

// look waits until all panels are drawn, also those that are out of sight, and returns them.
func look(b *browsertest.Browser) (seen, error) {
	if err := b.Wait(settled); err != nil {
		return seen{}, err
	}
	if _, err := browsertest.Eval[bool](b, `preview.load().then(() => true)`); err != nil {
		return seen{}, err
	}
	if err := b.Wait(settled); err != nil {
		return seen{}, err
	}
	return browsertest.Eval[seen](b, `({title: document.title, panels: preview.panels, variables: preview.variables})`)
}

// previewInPeace looks at everything once the first outage is over, and clicks.
func previewInPeace(t *testing.T, s *stack.Stack) {
	b := browsertest.Start(t)
	eventually(t, 2*time.Minute, "throughput, where the last step of every graph sees it", func() bool {
		old, err := holds(s.Prometheus, metric.ServiceRate.Name+" offset 1m")
		return err == nil && old
	})
	checkKnown(t, s, b)
	checkAlertsPage(t, s, b, "")
	checkPreview(t, s, b, false)
	checkClicks(t, s, b)
	checkTelephone(t, s, b)
}

// previewInOutage breaks the platform and looks when it is paged.
func previewInOutage(t *testing.T, s *stack.Stack) {
	b := browsertest.Start(t)
	before := len(pages(s, "trigger"))
	must(t, s.SaaS.Break(saas.Refuse))
	eventually(t, pageTime+10*time.Second, "another page", func() bool { return len(pages(s, "trigger")) > before })
	checkAlertsPage(t, s, b, "ThorbisCheckDown")
	eventually(t, time.Minute, "the incident, which the exporter reads from Alertmanager", func() bool {
		open, err := holds(s.Prometheus, metric.IncidentOpen.Name)
		return err == nil && open
	})
	checkPreview(t, s, b, true)
}

// eval is the value of JavaScript.
func eval[T any](t *testing.T, b *browsertest.Browser, script string) T {
	t.Helper()
	v, err := browsertest.Eval[T](b, script)
	must(t, err)
	return v
}

// entry is a dashboard in the list of all.
type entry struct{ UID, Title string }

func listed(t *testing.T, b *browsertest.Browser) []entry {
	t.Helper()
	return eval[[]entry](t, b, `fetch('/api/dashboards').then((r) => r.json())`)
}

// checkPreview opens every dashboard of the preview in a browser. A panel that cannot be drawn is a defect, and so is
// an empty one unless it is known to be, and anything on the browser's console.
func checkPreview(t *testing.T, s *stack.Stack, b *browsertest.Browser, outage bool) {
	t.Helper()
	began := time.Now()
	page := "http://" + s.Preview
	must(t, b.Size(1920, 1080, false))
	must(t, b.Open(page+"/?from=now-15m"))
	must(t, b.Wait(settled))
	all := listed(t, b)
	if len(all) == 0 {
		t.Fatal("no dashboards")
	}
	for _, d := range all {
		must(t, b.Open(page+"/d/"+d.UID+"?from=now-15m"))
		got, err := look(b)
		if err != nil {
			t.Errorf("%s: %v", d.Title, err)
			continue
		}
		if !strings.HasSuffix(got.Title, d.Title) || len(got.Panels) == 0 {
			t.Errorf("%s is shown as %q with %d panels", d.Title, got.Title, len(got.Panels))
		}
		for _, v := range got.Variables {
			if v.Error != "" || len(v.Chosen) == 0 {
				t.Errorf("%s: variable %s: %s, chosen %q", d.Title, v.Name, v.Error, v.Chosen)
			}
		}
		for _, p := range got.Panels {
			name := d.Title + "/" + p.Title
			for _, problem := range slices.Concat(p.Errors, p.Unsupported) {
				t.Errorf("%s: %s", name, problem)
			}
			if p.Empty && (!excused(d.Title, p.Title) || outage && slices.Contains(mustShow, name)) {
				t.Errorf("%s (%s) is empty", name, p.Type)
			}
		}
		for _, e := range b.Errors() {
			t.Errorf("%s: the console shows: %s", d.Title, e)
		}
	}
	t.Logf("%d dashboards drawn in %.1f s", len(all), time.Since(began).Seconds())
}

// excused reports whether a panel may be empty.
func excused(dashboard, panel string) bool {
	for _, name := range []string{dashboard + "/" + panel, dashboard + "/*"} {
		if mayBeEmpty[name] != "" || emptyInPreview[name] != "" {
			return true
		}
	}
	return false
}

// checkAlertsPage expects the page of alerts to show those that fire and all rules.
func checkAlertsPage(t *testing.T, s *stack.Stack, b *browsertest.Browser, want string) {
	t.Helper()
	must(t, b.Open("http://"+s.Preview+"/alerts"))
	must(t, b.Wait(settled))
	got := eval[struct {
		Alerts []string
		Rules  int
		Badge  string
	}](t, b, `({
		alerts: [...document.querySelectorAll('.alert.firing .alert-title strong')].map((e) => e.textContent),
		rules: Number(document.querySelector('.chip.all b').textContent),
		badge: document.querySelector('.alarm').className,
	})`)
	rules, err := loadedRules(s.Prometheus)
	must(t, err)
	if got.Rules != rules || rules == 0 {
		t.Errorf("the page shows %d rules, Prometheus has %d", got.Rules, rules)
	}
	if want != "" && (!slices.Contains(got.Alerts, want) || !strings.Contains(got.Badge, "P1")) {
		t.Errorf("the page shows %q as firing with the badge %q, want %s and P1", got.Alerts, got.Badge, want)
	}
	for _, e := range b.Errors() {
		t.Errorf("alerts: the console shows: %s", e)
	}
}

// loadedRules returns how many rules Prometheus has loaded.
func loadedRules(prometheus string) (int, error) {
	text, err := body("http://" + prometheus + "/api/v1/rules")
	if err != nil {
		return 0, err
	}
	var answer struct {
		Data struct {
			Groups []struct{ Rules []struct{ Name string } }
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return 0, err
	}
	n := 0
	for _, g := range answer.Data.Groups {
		n += len(g.Rules)
	}
	return n, nil
}

// checkClicks chooses a tenant, follows a link of a table, and expects time and variables to be kept; it folds a row,
// switches to light, and goes to another dashboard by the list.
func checkClicks(t *testing.T, s *stack.Stack, b *browsertest.Browser) {
	t.Helper()
	state := func() (at, shown string) {
		must(t, b.Wait(settled))
		return eval[string](t, b, `location.pathname + location.search`),
			eval[string](t, b, `document.querySelector('[data-variable=tenant] .shown')?.textContent ?? ''`)
	}
	must(t, b.Open("http://"+s.Preview+"/d/thorbis-tenants?from=now-30m"))
	_, err := look(b)
	must(t, err)
	link := eval[string](t, b, `(() => {
		const links = [...document.querySelectorAll('.data a[href*="/d/thorbis-tenant?"]')];
		const a = links.find((x) => /var-tenant=acme/.test(x.href));
		a?.scrollIntoView({block: 'center'});
		a?.setAttribute('id', 'chosen');
		return a?.href ?? '';
	})()`)
	if link == "" {
		t.Fatal("no link leads to the tenant")
	}
	must(t, b.Click("#chosen"))
	must(t, b.Wait(`location.pathname === '/d/thorbis-tenant'`))
	at, shown := state()
	if shown != "acme" || !strings.Contains(at, "from=now-30m") || !strings.Contains(at, "var-tenant=acme") {
		t.Errorf("the link leads to %s, which shows tenant %q; want acme and the same time", at, shown)
	}
	got, err := look(b)
	must(t, err)
	if len(got.Panels) == 0 {
		t.Error("the tenant's dashboard is empty")
	}

	must(t, b.Click(`[data-variable=tenant] button`))
	must(t, b.Click(`.variable-popover [data-value=globex]`))
	if multi := present(t, b, `.variable-popover .primary`); multi {
		must(t, b.Click(`.variable-popover .only`))
	}
	must(t, b.Wait(`location.search.includes('var-tenant=globex')`))
	if _, shown := state(); shown != "globex" {
		t.Errorf("the tenant chosen is globex, shown is %q", shown)
	}

	must(t, b.Click(`.title`))
	must(t, b.Click(`.dashboards-popover a[href="/d/thorbis-slo"]`))
	must(t, b.Wait(`location.pathname === '/d/thorbis-slo'`))
	if at, _ := state(); !strings.Contains(at, "from=now-30m") {
		t.Errorf("the list of dashboards leads to %s, want the same time", at)
	}
	must(t, b.Click(`.row-title`))
	must(t, b.Wait(`document.querySelector('.row').classList.contains('closed')`))
	theme := eval[string](t, b, `document.documentElement.dataset.theme`)
	must(t, b.Click(`.theme`))
	must(t, b.Wait(fmt.Sprintf(`document.documentElement.dataset.theme !== %q`, theme)))
	for _, e := range b.Errors() {
		t.Errorf("clicks: the console shows: %s", e)
	}
}

func present(t *testing.T, b *browsertest.Browser, selector string) bool {
	t.Helper()
	return eval[bool](t, b, fmt.Sprintf(`document.querySelector(%q) !== null`, selector))
}

// checkKnown holds the table of what the preview draws, which other tests read, against its code.
func checkKnown(t *testing.T, s *stack.Stack, b *browsertest.Browser) {
	t.Helper()
	must(t, b.Open("http://"+s.Preview+"/alerts"))
	must(t, b.Wait(settled))
	known := eval[map[string][]string](t, b, `import('/assets/js/known.js').then((m) => m.known)`)
	implemented := eval[map[string][]string](t, b, `preview.implemented`)
	for kind, names := range implemented {
		if !slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(known[kind]))) {
			t.Errorf("known.js lists %s %q, the code has %q", kind, known[kind], names)
		}
	}
	if a, b := slices.Sorted(maps.Keys(known)), slices.Sorted(maps.Keys(implemented)); !slices.Equal(a, b) {
		t.Errorf("known.js has %q, the code %q", a, b)
	}
}

// checkTelephone opens the dashboards on a telephone, where nothing may be wider than the page.
func checkTelephone(t *testing.T, s *stack.Stack, b *browsertest.Browser) {
	t.Helper()
	must(t, b.Size(390, 844, true))
	for _, path := range []string{"/", "/d/thorbis-slo", "/alerts"} {
		must(t, b.Open("http://"+s.Preview+path))
		must(t, b.Wait(settled))
		if width := eval[int](t, b, `document.documentElement.scrollWidth`); width > 390 {
			t.Errorf("%s is %d wide on a telephone of 390", path, width)
		}
	}
	for _, e := range b.Errors() {
		t.Errorf("telephone: the console shows: %s", e)
	}
	must(t, b.Size(1920, 1080, false))
}
