package exporter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// fakeChecks are checks in any state.
type fakeChecks []health.CheckStatus

func (f fakeChecks) Status() []health.CheckStatus { return f }
func (fakeChecks) Configured(string, string) bool { return false }
func (fakeChecks) Saving() health.SavingStatus {
	return health.SavingStatus{LastSaved: time.Unix(1e9, 0), Live: true}
}

func (fakeChecks) References() []health.ReferenceStatus {
	return []health.ReferenceStatus{{Target: "ref.example:443", State: "dead"}}
}

func (fakeChecks) Tenants() int { return 0 }
func (fakeChecks) Probe(context.Context, health.ProbeRequest) (health.ProbeResult, error) {
	return health.ProbeResult{}, errors.New("not here")
}

func TestStatusPageEscapesWhatComesFromOutside(t *testing.T) {
	e, base := start(t, Options{Load: newPolicyFile(t, site(t)).load})
	const evil = `<script>alert(1)</script>`
	e.checks = fakeChecks{{Check: evil, Tenant: evil, Target: "javascript:" +
		evil, Reason: evil, State: metric.StateDown, OutageSince: time.Now()}}
	a := get(t, base+"/status")
	if a.code != http.StatusOK || strings.Contains(a.body, "<script>") || !strings.Contains(a.body, "&lt;script&gt;") {
		t.Errorf("not escaped:\n%s", a.body)
	}
	if !strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Error("no content security policy")
	}
}

func TestStatusPageIsBoundedAndShowsTheWorstFirst(t *testing.T) {
	e, base := start(t, Options{Load: newPolicyFile(t, site(t)).load})
	var all fakeChecks
	for i := range maxStatusRows + 5 {
		all = append(all, health.CheckStatus{Check: fmt.Sprintf("up-%d", i), State: metric.StateUp})
	}
	all = append(all, health.CheckStatus{Check: "new", State: metric.StateDown, OutageSince: time.Now().Add(-time.Minute)},
		health.CheckStatus{Check: "old", State: metric.StateUnknown, OutageSince: time.Now().Add(-time.Hour)})
	e.checks = all
	page := get(t, base+"/status").body
	if strings.Count(page, "<td>up-") != maxStatusRows-2 || !strings.Contains(page, "and 7 more.") {
		t.Errorf("%d rows", strings.Count(page, "<td>up-"))
	}
	if o, n := strings.Index(page, ">old<"), strings.Index(page, ">new<"); o < 0 || o > n {
		t.Error("the oldest outage is not the first")
	}
	if !strings.Contains(page, "Nothing has been saved to") || !strings.Contains(page, "2001-09-09 01:46:40Z") {
		t.Error("it does not say that saving fails")
	}
	if !strings.Contains(page, `ref.example:443</td><td class="down">dead</td><td>never`) {
		t.Error("it does not say that a reference is dead")
	}
	if page := get(t, base+"/status?state=down").body; strings.Contains(page, "<td>up-") ||
		!strings.Contains(page, "<td>new") {
		t.Error("the filter does not filter")
	}
	if a := get(t, base+"/status?state=sideways"); a.code != http.StatusBadRequest {
		t.Errorf("unknown state: %d", a.code)
	}
}

// The landing page leads to everything, and the status page says what is watched, by what, under which policy.
func TestPagesSayWhatIsThere(t *testing.T) {
	target := site(t)
	file := newPolicyFile(t, target)
	_, base := start(t, Options{Load: file.load, Location: "nyc"})
	landing := get(t, base+"/")
	for _, want := range []string{
		"thorbis_exporter", `href="/metrics"`, `href="/metrics/tenants"`, `href="/status"`, `href="/-/healthy"`,
		`href="/-/ready"`, `action="/probe"`, `name="target"`,
	} {
		if landing.code != http.StatusOK || !strings.Contains(landing.body, want) {
			t.Errorf("%d: the landing page lacks %s:\n%s", landing.code, want, landing.body)
		}
	}
	if a := get(t, base+"/nothing-there"); a.code != http.StatusNotFound {
		t.Errorf("a page that does not exist: %d", a.code)
	}
	var page string
	testkit.Eventually(t, func() bool {
		page = get(t, base+"/status").body
		return strings.Contains(page, `<td class="up">up</td>`) && strings.Contains(page, "succeeded")
	}, "the check is up, and the collector has reported")
	for _, want := range []string{
		"production, nyc,",                                  // environment and location
		"<td>home</td>", "<td>web</td>", "http_2xx", target, // the check
		`<h2>Open outages</h2>`, `<p class="up">None.</p>`,
		`<td>health</td>`, "succeeded", // the collector
		string(file), "SHA-256 <code>", "no reference_targets", // the policy and its warning
		`<a href="?state=down">down</a> 0`, `<a href="?state=up">up</a> 1`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the status page lacks %q:\n%s", want, page)
		}
	}
}

// --location overrides the policy's, in the series and on the page, also after a reload.
func TestLocationOverridesThePolicys(t *testing.T) {
	file := newPolicyFile(t, site(t))
	_, base := start(t, Options{Load: file.load, Location: "nyc", EnableLifecycle: true})
	there := func(location string) bool {
		return sample(t, base, metric.HealthCheckInfo.Name, metric.LabelLocation, location) == 1
	}
	if !there("nyc") || there("local") {
		t.Error("the flag's location is not in the series, or the policy's is")
	}
	if a := ask(t, http.MethodPost, base+"/-/reload"); a.code != http.StatusOK || !there("nyc") {
		t.Errorf("after a reload: %+v", a)
	}
	if sample(t, base, metric.HealthReferenceUp.Name, metric.LabelLocation, "nyc") != 1 {
		t.Error("the collector's own series have another location")
	}
	_, base = start(t, Options{Load: file.load})
	if !there("local") {
		t.Error("without the flag the policy's location is not in the series")
	}
}
