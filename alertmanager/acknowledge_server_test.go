package alertmanager

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/incident"
	"github.com/thorbis/thorbis_exporter/config"
	pages "github.com/thorbis/thorbis_exporter/demo/pager"
	"github.com/thorbis/thorbis_exporter/internal/alertmanagertest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// paging is the pinned Alertmanager on the generated configuration, PagerDuty, and the exporter that follows both.
type paging struct {
	*alertmanagerServer
	pd       *pages.Receiver
	registry *prometheus.Registry
}

func servePaging(t *testing.T) *paging {
	t.Helper()
	dir := t.TempDir()
	secret := func(name, text string) string {
		file := filepath.Join(dir, name)
		testkit.WriteFile(t, file, text)
		return file
	}
	pd := pages.New(io.Discard)
	server := httptest.NewServer(pd)
	t.Cleanup(server.Close)

	p := testPolicy(t)
	p.Priorities["P1"].Notify, p.Priorities["P2"].Notify = []string{"pagerduty"}, []string{"pagerduty"}
	p.Channels["pagerduty"].PagerDuty = &config.PagerDuty{
		Service: "acme", RoutingKeyFile: secret("routing", "acme"), URL: server.URL + "/v2/enqueue",
		API: &config.PagerDutyAPI{TokenFile: secret("token", "u+key"), URL: server.URL},
	}
	s := runAlertmanager(t, alertmanagertest.Newest, func(string) []byte {
		for name, text := range Templates() {
			if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
				t.Fatal(err)
			}
			secret(name, string(text))
		}
		text, err := Build(p)
		if err != nil {
			t.Fatal(err)
		}
		text = regexp.MustCompile(`group_wait: \S+`).ReplaceAll(text, []byte("group_wait: 0s"))
		text = regexp.MustCompile(`group_interval: \S+`).ReplaceAll(text, []byte("group_interval: 1s"))
		return regexp.MustCompile(`templates/`).ReplaceAll(text, []byte(filepath.Join(dir, "templates")+"/"))
	})
	p.Alertmanagers = []*config.Alertmanager{{Name: "main", URL: "http://" + s.address}}
	c := incident.New(incident.Options{Logger: slog.New(slog.DiscardHandler), Interval: 100 * time.Millisecond})
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(err error, _ time.Duration) {
			if err != nil && ctx.Err() == nil {
				t.Log(err)
			}
		})
	}()
	t.Cleanup(func() { cancel(); <-done })
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	return &paging{s, pd, registry}
}

// fire sends an alert that begins now and returns the PagerDuty message that it becomes: a page or an update.
func (p *paging) fire(labels map[string]string) pages.Page { return p.fireFrom(time.Now(), labels) }

// fireFrom sends an alert that began at a time.
func (p *paging) fireFrom(began time.Time, labels map[string]string) pages.Page {
	p.t.Helper()
	before := len(p.pd.Pages())
	set := map[string]string{"bundle": "thorbis", "environment": "production"}
	maps.Copy(set, labels)
	p.post("/api/v2/alerts", []any{map[string]any{
		"labels": set, "annotations": map[string]string{"summary": "It is broken.", "description": "It."},
		"startsAt": began.UTC().Format(time.RFC3339Nano),
	}})
	testkit.Eventually(p.t, func() bool { return len(p.pd.Pages()) > before }, "a message to PagerDuty")
	return p.pd.Pages()[before]
}

// acknowledged counts the incidents that the exporter shows as acknowledged and those that wait.
func (p *paging) acknowledged() (yes, no int) {
	p.t.Helper()
	families, err := p.registry.Gather()
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "thorbis_incident_acknowledged" {
			for _, m := range f.GetMetric() {
				if m.GetGauge().GetValue() == 1 {
					yes++
				} else {
					no++
				}
			}
		}
	}
	return yes, no
}

func (p *paging) wait(yes, no int) {
	p.t.Helper()
	var y, n int
	testkit.Eventually(p.t, func() bool { y, n = p.acknowledged(); return y == yes && n == no },
		"%d incidents are acknowledged and %d are not: %v", yes, no, testkit.Last(func() any { return []int{y, n} }))
}

// TestAnotherMachinePages checks that an alert on another machine pages while the page of the first one is
// acknowledged.
func TestAnotherMachinePages(t *testing.T) {
	p := servePaging(t)
	for _, c := range []struct{ one, other map[string]string }{
		{
			map[string]string{"alertname": "ThorbisDiskFull", "priority": "P2", "host": "db-1", "mountpoint": "/"},
			map[string]string{"alertname": "ThorbisDiskFull", "priority": "P2", "host": "db-2", "mountpoint": "/"},
		},
		{
			map[string]string{"alertname": "ThorbisPostgresDown", "priority": "P2", "server": "main"},
			map[string]string{"alertname": "ThorbisPostgresDown", "priority": "P2", "server": "billing"},
		},
		{
			map[string]string{"alertname": "ThorbisBackupWalGap", "priority": "P2", "backup": "main"},
			map[string]string{"alertname": "ThorbisRecoveryPointOld", "priority": "P2", "backup": "billing"},
		},
		{
			map[string]string{"alertname": "ThorbisRuleEvaluationFailing", "priority": "P2", "job": "prometheus"},
			map[string]string{"alertname": "ThorbisNoAlertmanager", "priority": "P2", "job": "prometheus"},
		},
	} {
		yes, no := p.acknowledged()
		first := p.fire(c.one)
		if err := p.pd.Acknowledge(first.DedupKey, time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		p.wait(yes+1, no)
		second := p.fire(c.other)
		if second.Action != "trigger" || second.DedupKey == first.DedupKey {
			t.Errorf("%v after the acknowledgement of %v is a PagerDuty %s of %q", c.other, c.one, second.Action, second.Summary)
		}
		p.wait(yes+1, no+1)
	}
}

// TestWhatJoinsAnAcknowledgedPageWaits checks an alert that joins an acknowledged page of the same service. PagerDuty
// handles it as an update and pages no one. So the exporter must report it as unacknowledged, which lets it escalate.
func TestWhatJoinsAnAcknowledgedPageWaits(t *testing.T) {
	p := servePaging(t)
	// PagerDuty's times are whole seconds, so the page is a minute older than the alert that joins it.
	began := time.Now().Add(-time.Minute)
	p.pd.Now = func() time.Time { return began }
	page := p.fireFrom(began,
		map[string]string{"alertname": "ThorbisCheckDown", "priority": "P1", "app_service": "web", "check": "home"})
	p.wait(0, 1)
	if err := p.pd.Acknowledge(page.DedupKey, began.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	p.wait(1, 0)
	later := p.fire(
		map[string]string{"alertname": "ThorbisCheckDown", "priority": "P1", "app_service": "web", "check": "api"})
	if later.Action != "update" || later.DedupKey != page.DedupKey {
		t.Errorf("it is a PagerDuty %s", later.Action)
	}
	p.wait(1, 1)
	// A later acknowledgement of the page covers the new alert too.
	if err := p.pd.Acknowledge(page.DedupKey, time.Now().Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	p.wait(2, 0)
	if sent := p.pd.Pages(); slices.ContainsFunc(sent[1:], func(m pages.Page) bool { return m.Action == "trigger" }) {
		t.Errorf("one service is several pages: %+v", sent)
	}
}
