package exporter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// fakeChecks are checks that nothing is known of, whose state cannot be saved.
type fakeChecks struct{}

func (fakeChecks) Configured(string, string) bool { return false }
func (fakeChecks) Saving() health.SavingStatus {
	return health.SavingStatus{LastSaved: time.Unix(1e9, 0), Live: true}
}

func (fakeChecks) Tenants() int { return 0 }
func (fakeChecks) Probe(context.Context, health.ProbeRequest) (health.ProbeResult, error) {
	return health.ProbeResult{}, errors.New("not here")
}

// reporter is a collector with a part of the status page and nothing else.
type reporter struct {
	served
	sections func(collectors.SectionRequest) []collectors.Section
}

func (r reporter) Sections(request collectors.SectionRequest) []collectors.Section {
	return r.sections(request)
}

// showing returns the address of an exporter whose status page has the sections of these functions too.
func showing(t *testing.T, all ...func(collectors.SectionRequest) []collectors.Section) (base string) {
	t.Helper()
	e := newExporter(Options{Logger: quiet(), Load: newPolicyFile(t, site(t)).load, Collectors: map[string]bool{}}, nil)
	e.checks = fakeChecks{}
	for i, sections := range all {
		e.add(fmt.Sprint("shown", i), reporter{sections: sections})
	}
	return serve(t, e)
}

func TestStatusPageEscapesWhatComesFromOutside(t *testing.T) {
	const evil = `<script>alert(1)</script>" onload="x`
	base := showing(t, func(collectors.SectionRequest) []collectors.Section {
		return []collectors.Section{{
			Key: "things", Title: evil, Note: evil,
			Columns: []collectors.Column{{Key: "a", Title: evil}, {Key: "b", Title: "B"}},
			Rows: []collectors.Row{{
				Level: collectors.LevelBad, Cure: evil,
				Cells: []any{collectors.Code(evil), collectors.Explained{Text: collectors.State(evil), Detail: evil}},
			}},
		}}
	})
	a := get(t, base+"/status")
	if a.code != http.StatusOK || strings.Contains(a.body, "<script>") || strings.Contains(a.body, `" onload`) ||
		strings.Count(a.body, "&lt;script&gt;") < 8 {
		t.Errorf("not escaped:\n%s", a.body)
	}
	if !strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Error("no content security policy")
	}
	if a := get(t, base+"/api/v1/status"); apiOf(t, a).Status != "success" {
		t.Errorf("as JSON: %s", a.body)
	}
}

// What a request asks for reaches the collectors, and a defect in one costs its part alone.
func TestStatusIsMadeOfTheCollectorsParts(t *testing.T) {
	var asked collectors.SectionRequest
	base := showing(t, func(r collectors.SectionRequest) []collectors.Section {
		asked = r
		s := collectors.Section{Key: "checks", Title: "Checks", Columns: []collectors.Column{{Key: "check", Title: "Check"}}}
		for i := range 1005 {
			s.Rows = append(s.Rows, collectors.Row{Level: collectors.LevelOK, Cells: []any{fmt.Sprint("row-", i)}})
		}
		s.Cut(r.Limit)
		return []collectors.Section{s}
	}, func(collectors.SectionRequest) []collectors.Section { panic("poison") })
	page := get(t, base+"/status?state=down").body
	if n := strings.Count(page, ">row-"); n != maxStatusRows || !strings.Contains(page, "and 805 more.") ||
		asked.State != metric.StateDown || asked.Limit != maxStatusRows {
		t.Errorf("%d rows of %+v", n, asked)
	}
	for _, want := range []string{"Nothing has been saved to", "2001-09-09 01:46:40Z", ">cannot be shown</td>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	var answer struct{ Data statusAnswer }
	a := get(t, base+"/api/v1/status")
	if err := json.Unmarshal([]byte(a.body), &answer); err != nil {
		t.Fatal(err)
	}
	if s := answer.Data.Sections[0]; len(s.Rows) != maxStatusJSON || s.More != 5 || !answer.Data.State.Unsaved {
		t.Errorf("%d rows, %d more, %+v", len(s.Rows), s.More, answer.Data.State)
	}
	if a := get(t, base+"/status?state=sideways"); a.code != http.StatusBadRequest {
		t.Errorf("unknown state: %d", a.code)
	}
	a = get(t, base+"/api/v1/status?state=sideways")
	if got := apiOf(t, a); got.ErrorType != "bad_data" || !strings.Contains(got.Error, `invalid state "sideways"`) {
		t.Errorf("unknown state: %d %s", a.code, a.body)
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
		return strings.Contains(page, `<td class="state ok" data-label="State">up</td>`) &&
			strings.Contains(page, "succeeded")
	}, "the check is up, and the collector has reported")
	for _, want := range []string{
		"production, nyc,",                            // environment and location
		">home</td>", ">web</td>", "http_2xx", target, // the check
		`<h2>Open outages</h2>`, `<p class="ok">None.</p>`, "All that this exporter watches is well.",
		">health</td>", "succeeded", // the collector
		string(file), "SHA-256 <code>", "no reference_targets", // the policy and its warning
		`<a href="?state=down#checks">down</a> 0`, `<a href="?state=up#checks">up</a> 1`,
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
