package incident

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// An acknowledgement in PagerDuty covers what fired before it. An alert that joins the acknowledged group later is an
// update of the open incident there and sends no page, so it must escalate.
func TestPagerDutyAcknowledgementHoldsForWhatFiredBefore(t *testing.T) {
	a := serve(t)
	before, after := recent(first, time.Hour), recent(second, 10*time.Minute)
	a.say(200, nil, before, after)
	acked := time.Now().Add(-30 * time.Minute)
	incidents := func(acknowledgements string) string {
		return fmt.Sprintf(`{"incidents":[{"title":"[P1] web in production: x","status":"acknowledged",
			"service":{"summary":"acme-production"},"created_at":%q,"acknowledgements":[%s]}],"more":false}`,
			time.Now().Add(-time.Hour).Format(time.RFC3339), acknowledgements)
	}
	at := func(t time.Time) string { return fmt.Sprintf(`{"at":%q}`, t.Format(time.RFC3339)) }
	pages := []string{incidents(at(acked))}
	pd := pagerDutyServer(t, pages...)
	p := policyOf(t, a)
	p.Channels["pd"].PagerDuty = pagerDutyOf(t, pd.URL, "u+key")
	c := collector(t, nil, p)
	if err := c.round(context.Background()); err != nil {
		t.Fatal(err)
	}
	want(t, c, 1, "thorbis_incident_acknowledged", "incident", first)
	want(t, c, 0, "thorbis_incident_acknowledged", "incident", second)

	// Who acknowledges again has seen both.
	p.Channels["pd"].PagerDuty = pagerDutyOf(t, pagerDutyServer(t, incidents(at(acked)+","+at(time.Now()))).URL, "u+key")
	if err := c.round(context.Background()); err != nil {
		t.Fatal(err)
	}
	want(t, c, 1, "thorbis_incident_acknowledged", "incident", second)
}

// Two machines are two pages, and each has an acknowledgement of its own.
func TestPagerDutyGroupsBySubject(t *testing.T) {
	a := serve(t)
	one, other := recent(first, time.Hour), recent(second, time.Hour)
	for host, x := range map[string]alert{"db-1:9100": one, "db-2:9100": other} {
		delete(x.Labels, "app_service")
		x.Labels["alertname"], x.Labels["priority"], x.Labels["host"] = "ThorbisDiskFull", "P2", host
	}
	a.say(200, nil, one, other)
	pd := pagerDutyServer(t, fmt.Sprintf(`{"incidents":[
		{"title":"[P2] host db-1:9100 in production: x","status":"acknowledged","service":{"summary":"acme-production"},
		"created_at":%q,"acknowledgements":[{"at":%q}]}],"more":false}`,
		time.Now().Add(-time.Hour).Format(time.RFC3339), time.Now().Format(time.RFC3339)))
	p := policyOf(t, a)
	p.Channels["pd"].PagerDuty = pagerDutyOf(t, pd.URL, "u+key")
	c := collector(t, nil, p)
	if err := c.round(context.Background()); err != nil {
		t.Fatal(err)
	}
	want(t, c, 1, "thorbis_incident_acknowledged", "incident", first)
	want(t, c, 0, "thorbis_incident_acknowledged", "incident", second)
}
