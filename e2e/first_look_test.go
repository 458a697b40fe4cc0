package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/browsertest"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// firstLook is how long a new user waits from make run, whose tools are built, to the overview.
	firstLook = time.Minute
	// mostClicks lead from the overview to what is wrong.
	mostClicks = 3
)

// notYetMeasured matches what a panel says whose first value is on its way.
var notYetMeasured = regexp.MustCompile(`(?i)\byet\b|first value|\bsince\b|a moment`)

// emptyAtFirst are panels, as dashboard/panel, that have nothing to show after two evaluations beside those of
// mayBeEmpty, and why.
var emptyAtFirst = map[string]string{
	"Thorbis / Daily review/What was noisy":  "alerts wait before they fire",
	"Thorbis / Weekly review/What was noisy": "alerts wait before they fire",
}

// TestFirstLook is a new user with a browser and a terminal, who has just typed make run: the overview is there within
// a minute, two evaluations later every panel shows something true, and after make outage TENANT=acme three clicks lead
// from the overview to what is wrong.
func TestFirstLook(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	d := startDemo(t)
	page := "http://" + d.where.Preview
	must(t, b.Size(1920, 1080, false))
	must(t, b.Open(page+"/"))
	got, err := look(b)
	must(t, err)
	took := time.Since(d.began)
	t.Logf("from make run to the overview: %.1f s", took.Seconds())
	if took > firstLook || !strings.HasSuffix(got.Title, "Overview") || len(got.Panels) == 0 {
		t.Errorf("after %s the page is %q with %d panels", took, got.Title, len(got.Panels))
	}
	eventually(t, 2*time.Minute, "two evaluations of the checks", func() bool {
		twice, err := holds(d.where.Prometheus, "count_over_time("+metric.CheckState.Name+"[5m]) >= 2")
		return err == nil && twice
	})
	checkFirstMinutes(t, b, page)
	checkThreeClicks(t, b, d)
	d.interrupt(t)
}

// checkFirstMinutes holds that every variable has values, and that a panel without data says since when there will be
// some, or is known to have none.
func checkFirstMinutes(t *testing.T, b *browsertest.Browser, page string) {
	t.Helper()
	for _, d := range listed(t, b) {
		must(t, b.Open(page+"/d/"+d.UID+"?from=now-15m"))
		got, err := look(b)
		must(t, err)
		for _, v := range got.Variables {
			if v.Error != "" || len(v.Chosen) == 0 {
				t.Errorf("%s: variable %s: %s, chosen %q", d.Title, v.Name, v.Error, v.Chosen)
			}
		}
		for _, p := range got.Panels {
			name := d.Title + "/" + p.Title
			for _, problem := range append(p.Errors, p.Unsupported...) {
				t.Errorf("%s: %s", name, problem)
			}
			if p.Empty && !excused(d.Title, p.Title) && emptyAtFirst[name] == "" && !notYetMeasured.MatchString(p.Says) {
				t.Errorf("%s shows nothing after two evaluations and says %q", name, p.Says)
			}
		}
	}
	for _, e := range b.Errors() {
		t.Errorf("the console shows: %s", e)
	}
}

// checkThreeClicks breaks a tenant and follows the overview to it.
func checkThreeClicks(t *testing.T, b *browsertest.Browser, d *demonstration) {
	t.Helper()
	if out, err := d.control("outage", "", "acme"); err != nil {
		t.Fatalf("outage of a tenant: %v %s", err, out)
	}
	must(t, b.Open("http://"+d.where.Preview+"/"))
	const row = `[...document.querySelectorAll('[data-title^="Tenants in trouble, worst"] tbody tr')]
		.find((tr) => tr.textContent.includes('acme'))`
	eventually(t, 3*time.Minute, "the tenant on the overview, with a check that is down", func() bool {
		if _, err := look(b); err != nil {
			return false
		}
		text, err := browsertest.Eval[string](b, row+`?.querySelector('td.number')?.textContent ?? ''`)
		return err == nil && text == "1"
	})
	clicks := 0
	click := func(selector string) {
		t.Helper()
		clicks++
		must(t, b.Click(selector))
	}
	eval[bool](t, b, row+`.querySelector('a').setAttribute('id', 'worst') ?? true`)
	click("#worst")
	must(t, b.Wait(`location.pathname === '/d/thorbis-tenant'`))
	_, err := look(b)
	must(t, err)
	figure := func(title string) string {
		t.Helper()
		return eval[string](t, b,
			fmt.Sprintf(`document.querySelector('[data-title=%q] .stat-value')?.textContent ?? ''`, title))
	}
	tenant := eval[string](t, b, `document.querySelector('[data-variable=tenant] .shown').textContent`)
	if down := figure("Checks down"); tenant != "acme" || down != "1" {
		t.Errorf("the first click leads to tenant %q with %q checks down", tenant, down)
	}
	click(`[data-title="Checks down"] a`)
	must(t, b.Wait(`location.pathname === '/d/thorbis-health'`))
	_, err = look(b)
	must(t, err)
	open := eval[string](t, b, `document.querySelector('[data-title="Open outages"] tbody')?.textContent ?? ''`)
	if !strings.Contains(open, "acme") || clicks > mostClicks {
		t.Errorf("%d clicks lead to the open outages %q", clicks, open)
	}
	for _, e := range b.Errors() {
		t.Errorf("the console shows: %s", e)
	}
}
