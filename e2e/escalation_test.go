package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/demo/pager"
	"github.com/thorbis/thorbis_exporter/demo/saas"
	"github.com/thorbis/thorbis_exporter/demo/stack"
	"github.com/thorbis/thorbis_exporter/metric"
)

// escalationTime is from the moment at which a layer is due to its page: the collector asks, Prometheus
// scrapes and evaluates, Alertmanager waits; twice that on a busy machine.
const escalationTime = 2 * time.Minute

func startEscalating(t *testing.T, secondary, manager time.Duration) *stack.Stack {
	t.Helper()
	addresses, err := stack.FreeAddresses(2)
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(t.Context(), stack.Options{
		Alertmanager: "alertmanager-newest", Events: true,
		Bin: bin(), Addresses: addresses, Progress: t.Output(), Pages: t.Output(),
		Interval: 5 * time.Second, Secondary: secondary, Manager: manager,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	checkMetrics(t, s)
	return s
}

// An unacknowledged outage reaches the secondary. The link in the page stops the escalation, and the recovery is still
// sent to every receiver.
func TestUnacknowledgedOutageEscalatesUntilAcknowledged(t *testing.T) {
	t.Parallel()
	s := startEscalating(t, 30*time.Second, time.Hour)
	must(t, s.SaaS.Break(saas.Refuse))
	eventually(t, pageTime+10*time.Second, "the page to PagerDuty",
		func() bool { return len(paged(s, stack.RoutingKey, "trigger")) > 0 })
	eventually(t, time.Minute, "the page to Slack", func() bool { return len(chatted(s, "firing")) > 0 })
	page := paged(s, stack.RoutingKey, "trigger")[0]
	check(t, page)

	eventually(t, 30*time.Second+escalationTime, "the page to the secondary",
		func() bool { return len(paged(s, stack.SecondaryRoutingKey, "trigger")) > 0 })
	next := paged(s, stack.SecondaryRoutingKey, "trigger")[0]
	t.Logf("from the page to the secondary's: %.1f s, due after 30 s", next.At.Sub(page.At).Seconds())
	if !strings.Contains(next.Summary, "An incident is unacknowledged.") ||
		!strings.Contains(next.Summary, "Escalated to secondary.") {
		t.Errorf("the secondary gets %q", next.Summary)
	}
	// Both checks of the service go down, each at its own probe; the page's next message has the links of both.
	var whole string
	eventually(t, 2*time.Minute, "both checks in the page", func() bool {
		for _, p := range append(paged(s, stack.RoutingKey, "trigger"), paged(s, stack.RoutingKey, "update")...) {
			if len(incidents(link(p))) == 2 {
				whole = link(p)
			}
		}
		return whole != ""
	})
	for _, p := range []pager.Page{page, next} {
		for _, i := range incidents(link(p)) {
			if !slices.Contains(incidents(whole), i) {
				t.Errorf("the pages acknowledge different things: %s and %s", whole, link(p))
			}
		}
	}

	acknowledge(t, s, whole)
	eventually(t, resolveTime, "the end of the escalation",
		func() bool { return len(paged(s, stack.SecondaryRoutingKey, "resolve")) > 0 })
	if n := len(paged(s, stack.RoutingKey, "resolve")) + len(chatted(s, "resolved")); n != 0 {
		t.Errorf("the acknowledgement resolved the outage itself: %+v", s.Pager.Pages())
	}

	for _, answered := range []*metric.Record{metric.AcknowledgeQuantiles["0.5"], metric.ResponseLateRatio} {
		eventually(t, 3*time.Minute, answered.Name, func() bool {
			n, err := query(s.Prometheus, answered.Select(`priority="P1"`))
			return err == nil && n > 0
		})
	}

	must(t, s.SaaS.Recover())
	eventually(t, resolveTime, "the resolve at PagerDuty",
		func() bool { return len(paged(s, stack.RoutingKey, "resolve")) > 0 })
	eventually(t, time.Minute, "the resolve at Slack", func() bool { return len(chatted(s, "resolved")) > 0 })
	for key, want := range map[string]int{stack.RoutingKey: 1, stack.SecondaryRoutingKey: 1} {
		if triggers, resolves := len(paged(s, key, "trigger")), len(paged(s, key, "resolve")); triggers != want ||
			resolves != want {
			t.Errorf("%d pages and %d resolves, want %d of each: %+v", triggers, resolves, want, s.Pager.Pages())
		}
	}
	if n := len(managed(s)); n != 0 {
		t.Errorf("the manager got %d notifications of an acknowledged incident", n)
	}
	for _, expr := range []string{
		`sum(max by (recipient, shift) (thorbis_incident_pages_total{priority="P1",recipient="secondary"})) == 1`,
		`sum(max by (recipient, shift) (thorbis_incident_pages_total{priority="P1",recipient!="secondary"})) >= 1`,
		`max(thorbis_incident_notify_duration_seconds_count{priority="P1"}) == 2`,
		`max(thorbis_incident_events_total{kind="notification"}) > 3`,
		`max(thorbis_incident_event_rejects_total) == 0`,
	} {
		eventually(t, time.Minute, expr, func() bool {
			ok, err := holds(s.Prometheus, expr)
			return err == nil && ok
		})
	}
	must(t, s.Ended())
}

// With every exporter dead, acknowledgements cannot be read, and the next layer is notified all the same. A storm
// breaks out meanwhile, and is a handful of notifications.
func TestEscalationOutlivesTheExporters(t *testing.T) {
	t.Parallel()
	s := startEscalating(t, 20*time.Second, 75*time.Second)
	must(t, s.SaaS.Break(saas.Refuse))
	eventually(t, pageTime+20*time.Second+escalationTime, "the page to the secondary",
		func() bool { return len(paged(s, stack.SecondaryRoutingKey, "trigger")) > 0 })
	for i := range s.Exporters {
		s.KillExporter(i)
	}
	before := len(managed(s))
	t.Logf("the exporters are dead; the manager got %d notifications before", before)
	manyAlerts(t, s, 500)
	eventually(t, 75*time.Second+escalationTime, "the page to the manager", func() bool { return len(managed(s)) > 0 })
	if n := len(paged(s, stack.SecondaryRoutingKey, "resolve")); n != 0 {
		t.Errorf("the escalation ended with the exporters: %+v", s.Pager.Pages())
	}
	sleep(t, 15*time.Second)
	var notifications int
	for _, p := range s.Pager.Pages() {
		if strings.Contains(p.Summary, "stormy in demo") {
			notifications++
		}
	}
	t.Logf("500 alerts became %d notifications", notifications)
	if notifications == 0 || notifications > 5 {
		t.Errorf("500 alerts became %d notifications, want a handful: %+v", notifications, s.Pager.Pages())
	}
}

// manyAlerts sends alerts of as many tenants to Alertmanager, in ten parts over some seconds, as Prometheus would.
func manyAlerts(t *testing.T, s *stack.Stack, alerts int) {
	t.Helper()
	for part := range 10 {
		var list []map[string]any
		for i := range alerts / 10 {
			list = append(list, map[string]any{
				"labels": map[string]string{
					"alertname": "ThorbisTenantDown", "bundle": "thorbis", "environment": "demo", "app_service": "stormy",
					"priority": "P2", "severity": "critical", "tenant": fmt.Sprintf("t%d", part*alerts/10+i),
				},
				"annotations": map[string]string{
					"summary": "A tenant is down.", "description": "It is down.", "runbook_url": "http://127.0.0.1/runbook",
				},
			})
		}
		send(t, s, "/api/v2/alerts", list)
		sleep(t, time.Second)
	}
}

var fingerprintRE = regexp.MustCompile(`[0-9a-f]{16}`)

var matcherRE = regexp.MustCompile(`(\w+)(=~?)"([^"]*)"`)

// acknowledge does what a browser does with the link of a page: the matchers of its filter become a silence.
func acknowledge(t *testing.T, s *stack.Stack, link string) {
	t.Helper()
	u, err := url.Parse(link)
	must(t, err)
	if !strings.HasPrefix(link, "http://"+s.Alertmanager+"/#/silences/new?") {
		t.Errorf("the link %s does not lead to Alertmanager", link)
	}
	_, query, _ := strings.Cut(u.EscapedFragment(), "?")
	values, err := url.ParseQuery(query)
	must(t, err)
	var matchers []map[string]any
	for _, m := range matcherRE.FindAllStringSubmatch(values.Get("filter"), -1) {
		matchers = append(matchers, map[string]any{"name": m[1], "value": m[3], "isRegex": m[2] == "=~", "isEqual": true})
	}
	if len(matchers) != 2 {
		t.Fatalf("the link %s has the filter %s", link, values.Get("filter"))
	}
	send(t, s, "/api/v2/silences", map[string]any{
		"matchers": matchers, "createdBy": "e2e", "comment": "on it",
		"startsAt": time.Now().UTC().Format(time.RFC3339), "endsAt": time.Now().Add(2 * time.Hour).UTC().Format(time.RFC3339),
	})
}

func send(t *testing.T, s *stack.Stack, path string, body any) {
	t.Helper()
	text, err := json.Marshal(body)
	must(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Alertmanager+path,
		bytes.NewReader(text))
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	must(t, resp.Body.Close())
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("Alertmanager answered %s to %s", resp.Status, path)
	}
}

// incidents are the fingerprints that a link acknowledges.
func incidents(link string) []string {
	found := fingerprintRE.FindAllString(link, -1)
	slices.Sort(found)
	return found
}

func link(p pager.Page) string {
	for _, l := range p.Links {
		if strings.HasPrefix(l.Text, "Acknowledge") {
			return l.Href
		}
	}
	return ""
}

// paged are the events that one of PagerDuty's services was sent.
func paged(s *stack.Stack, key, action string) []pager.Page {
	var found []pager.Page
	for _, p := range pages(s, action) {
		if p.RoutingKey == key {
			found = append(found, p)
		}
	}
	return found
}

// chatted are the messages in the channel of critical incidents.
func chatted(s *stack.Stack, action string) []pager.Page {
	var found []pager.Page
	for _, p := range s.Pager.Pages() {
		if p.Kind == pager.Slack && p.To == "#incidents-critical" && p.Action == action &&
			strings.Contains(p.Summary, "[P1] web") {
			found = append(found, p)
		}
	}
	return found
}

// managed returns the notifications of the manager.
func managed(s *stack.Stack) []pager.Page {
	var found []pager.Page
	for _, p := range s.Pager.Pages() {
		if p.Kind == pager.Webhook && p.To == "manager" && p.Action == "firing" {
			found = append(found, p)
		}
	}
	return found
}
