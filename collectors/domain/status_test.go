package domain

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// An answer without statuses leaves what was reported before, with its age, also after a restart. Until statuses are
// reported they are absent, never 0.
func TestAnswerWithoutStatuses(t *testing.T) {
	status := ""
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w,
			`{"objectClassName": "domain", "events": [{"eventAction": "expiration", "eventDate": "2027-03-01"}]%s}`, status)
	})
	dir := open(t, t.TempDir())
	section := `{names: [{name: a.com}], servers: {com: "` + base + `"}, spacing: 1s}`
	c := start(t, dir, section)
	now := time.Now()
	look := func() {
		t.Helper()
		now = now.Add(30 * time.Hour)
		if lookupNext(t, c, now) == "" {
			t.Fatal("nothing is due")
		}
	}
	look()
	if hasMetric(t, c, metric.DomainStatus, "a.com") || !hasMetric(t, c, metric.DomainLastSuccess, "a.com") {
		t.Error("statuses that were never reported are exposed, or the report is missing")
	}
	status = `, "status": ["client hold"]`
	look()
	reported := c.records["a.com"].LastSuccess
	const held = `thorbis_domain_status{domain="a.com",status="clientHold"} 1`
	status = `, "status": null`
	look()
	if !has(t, c, held) || !c.records["a.com"].LastSuccess.Equal(reported) ||
		!hasMetric(t, c, metric.DomainExpiry, "a.com") {
		t.Error("an answer without statuses ends the hold, makes it younger or costs the date")
	}
	status = `, "status": []`
	look()
	if !has(t, c, `thorbis_domain_status{domain="a.com",status="clientHold"} 0`) {
		t.Error("an answer with an empty list does not end the hold")
	}
	c.saving.Change()
	if err := c.saving.Round(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	again := New(Options{Logger: c.logger, State: dir})
	if err := collectors.Apply(again, policy(t, "domains: "+section)); err != nil {
		t.Fatal(err)
	}
	if !has(t, again, `thorbis_domain_status{domain="a.com",status="clientHold"} 0`) {
		t.Error("after a restart it is unknown that there is no hold")
	}
}
