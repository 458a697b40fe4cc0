package delivery_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/labels"
	promstorage "github.com/prometheus/prometheus/storage"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/delivery"
	"github.com/thorbis/thorbis_exporter/collectors/vendor"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

const (
	minute, hour, day = 60, 3600, 86400

	// A deployment every seventeen hours, from the twelfth hour on.
	ofMonth, firstAt, every = 40, 12 * hour, 17 * hour
	monthOver, silentUntil  = 29 * day, 38 * day
	// The vendor reports an outage for so long, polled every five minutes.
	vendorFrom, vendorTo = 10 * day, 10*day + 90*minute
)

// seeded is a deployment of the month.
type seeded struct {
	at, lead int // seconds; lead is the age of its commit
	commit   int // whose commit it has; its own number as a rule
	hotfix   bool
	posted   int // when it is posted, at if 0
	// What happens after it, in seconds: 0 for nothing.
	rolledBack     int // by an event
	alertAt, until int // an alert on the service
	priority       string
	incident       bool // known to Alertmanager, instead of firing here
}

// month seeds forty deployments of which five fail in each of the four ways, and near misses.
func month() []seeded {
	all := make([]seeded, ofMonth)
	for i := range all {
		all[i] = seeded{at: firstAt + i*every, lead: (i + 1) * 10 * minute, commit: i}
	}
	for j, i := range []int{2, 10, 18, 26, 34} { // a hotfix after 30 to 70 minutes
		all[i+1].at, all[i+1].hotfix = all[i].at+(30+10*j)*minute, true
	}
	for j, i := range []int{4, 12, 20, 28, 36} { // back after 20 to 24 minutes
		if j < 2 {
			all[i].rolledBack = (20 + j) * minute
			continue
		}
		all[i+1].at, all[i+1].commit = all[i].at+(20+j)*minute, i-1
	}
	for j, i := range []int{6, 14, 22, 30, 38} { // an incident after ten minutes, the last one for three hours
		all[i].alertAt, all[i].until, all[i].priority, all[i].incident = 10*minute, 12*minute, "P3", true
		if j == 4 {
			all[i].until = 3 * hour
		}
	}
	for j, i := range []int{8, 16, 24, 32, 39} { // a page after five minutes, the last one for four hours
		all[i].alertAt, all[i].until, all[i].priority = 5*minute, 9*minute, "P1"
		if j == 4 {
			all[i].until = 4 * hour
		}
	}
	// Near misses: an incident after 45 minutes, and a P3 alert that fires and is no incident.
	all[0].alertAt, all[0].until, all[0].priority, all[0].incident = 45*minute, 50*minute, "P3", true
	all[1].alertAt, all[1].until, all[1].priority = 5*minute, 9*minute, "P3"
	// Out of order: before the one that it mends, two hours late, two days late.
	all[2].posted = all[3].at + minute
	all[16].posted = all[16].at + 2*hour
	all[5].posted = all[5].at + 2*day
	return all
}

// scraped is what a scrape found: the values of gauges by series.
type scraped struct {
	at     int
	series map[string]float64
	labels map[string]labels.Labels
}

// schedule are the seconds at which Prometheus scrapes and evaluates: each minute around what happens, else each half
// hour.
func schedule(all []seeded, until int) []int {
	var at []int
	for t := 0; t <= until; t += minute {
		near := func(s int) bool { return s > 0 && s-2*minute <= t && t <= s+15*minute }
		busy := slices.ContainsFunc(all, func(d seeded) bool {
			return near(d.at) || near(d.posted) || d.rolledBack > 0 && near(d.at+d.rolledBack) ||
				d.alertAt > 0 && (near(d.at+d.alertAt) || near(d.at+d.until))
		})
		fires := slices.ContainsFunc(all, func(d seeded) bool {
			return d.at+d.alertAt <= t && t < d.at+d.until && t%(2*minute) == 0
		})
		if busy || fires || t < 10*minute || monthOver-10*minute < t && t <= monthOver || t%(30*minute) == 0 {
			at = append(at, t)
		}
	}
	return at
}

const monthPolicy = `version: 1
environment: production
channels: {deadman: none}
services: [{name: web, owner: sre, page: P1}]
delivery:
  services:
    - {app_service: web, sources: [{events: {name: ci, key: {file: key}}}, {events: {name: other, key: {file: key2}}}]}
vendors:
  - {name: acme, status_page: "%s", affects: [web], promise: 99.9%%, interval: 5m}
`

// page is the vendor's status page: its server answers each request on a connection of its own, so that nothing waits
// for the network while time is simulated.
func page(t *testing.T, down *atomic.Bool) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		state, indicator := "operational", "none"
		if down.Load() {
			state, indicator = "major_outage", "critical"
		}
		w.Header().Set("Connection", "close")
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"page": {"id": "acme", "name": "Acme", "url": "https://acme.test"},
			"status": {"indicator": %q, "description": ""},
			"components": [{"id": "c1", "name": "Database", "status": %q}],
			"incidents": [], "scheduled_maintenances": []}`, indicator, state)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// observe runs the real collectors through the seeded month, in simulated time, and returns what each scrape found.
func observe(t *testing.T, p *config.Policy, all []seeded, times []int, down *atomic.Bool) []scraped {
	var found []scraped
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(ruletest.Epoch))
		logger := slog.New(slog.DiscardHandler)
		deliveries := delivery.New(delivery.Options{Logger: logger, UserAgent: "test"})
		registry := prometheus.NewPedanticRegistry()
		ctx, cancel := context.WithCancel(t.Context())
		for _, c := range []collectors.Collector{
			deliveries, vendor.New(vendor.Options{Logger: logger, UserAgent: "test"}),
		} {
			if err := collectors.Apply(c, p); err != nil {
				t.Fatal(err)
			}
			registry.MustRegister(c)
			go func() { _ = collectors.Run(ctx, c, logger, func(error, time.Duration) {}) }()
		}
		time.Sleep(30 * time.Second)
		posts := postsOf(all)
		for _, at := range times {
			for len(posts) > 0 && posts[0].at <= at {
				time.Sleep(time.Until(ruletest.At(posts[0].at)))
				posts[0].send(t, deliveries.Deliveries())
				posts = posts[1:]
			}
			time.Sleep(time.Until(ruletest.At(at)))
			down.Store(at >= vendorFrom && at < vendorTo)
			synctest.Wait()
			found = append(found, gather(t, registry, at))
		}
		cancel()
		synctest.Wait()
	})
	return found
}

// post is what a program reports at a time.
type post struct {
	at        int
	key, body string
}

func (p post) send(t *testing.T, to http.Handler) {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "/api/v1/receive/delivery/events", strings.NewReader(p.body))
	req.Header.Set("Authorization", "Bearer "+p.key)
	answer := httptest.NewRecorder()
	to.ServeHTTP(answer, req)
	if answer.Code != http.StatusNoContent {
		t.Errorf("at %d: %d %s", p.at, answer.Code, answer.Body)
	}
}

const (
	firstKey, secondKey = "the key of one program", "the key of the other program"
)

func postsOf(all []seeded) []post {
	var posts []post
	stamp := func(at int) string { return ruletest.At(at).UTC().Format(time.RFC3339) }
	for i, d := range all {
		body := fmt.Sprintf(`{"id": "build-%d", "commit": "%08x%032d", "commit_time": %q, "created_at": %q, "live_at": %q,
			"hotfix": %t, "pull_request": %d}`, i, 0xabc00000+d.commit, 0, stamp(d.at-d.lead), stamp(d.at-minute), stamp(d.at),
			d.hotfix, 100+i)
		posts = append(posts, post{at: cmp.Or(d.posted, d.at), key: firstKey, body: body})
		if i == 7 { // it is seen twice by one source, and by another one
			posts = append(posts, post{at: d.at + minute, key: firstKey, body: body},
				post{at: d.at + 2*minute, key: secondKey, body: strings.Replace(body, "build-7", "run-7", 1)})
		}
		if d.rolledBack > 0 {
			posts = append(posts, post{at: d.at + d.rolledBack, key: firstKey, body: fmt.Sprintf(
				`{"rolled_back_from": "build-%d", "rolled_back_to": "build-%d"}`, i, i-1)})
		}
	}
	slices.SortStableFunc(posts, func(a, b post) int { return a.at - b.at })
	return posts
}

// gather returns the gauges of a registry.
func gather(t *testing.T, registry *prometheus.Registry, at int) scraped {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	s := scraped{at, map[string]float64{}, map[string]labels.Labels{}}
	for _, f := range families {
		if f.GetType() != dto.MetricType_GAUGE {
			continue
		}
		for _, m := range f.Metric {
			b := labels.NewBuilder(labels.FromStrings("__name__", f.GetName(), "job", "thorbis", "instance", "a",
				metric.LabelEnvironment, "production"))
			for _, l := range m.Label {
				b.Set(l.GetName(), l.GetValue())
			}
			key := b.Labels().String()
			s.series[key], s.labels[key] = m.GetGauge().GetValue(), b.Labels()
		}
	}
	return s
}

// TestMonth checks the five figures and the vendor's minutes of a month of deployments, from the real collectors
// through the rules, against values computed by hand; then that no deployment is missed as soon as it should be.
func TestMonth(t *testing.T) {
	ruletest.Simulates(t)
	all := month()
	times := schedule(all, silentUntil)
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "key"), firstKey+"\n")
	testkit.WriteFile(t, filepath.Join(dir, "key2"), secondKey+"\n")
	var down atomic.Bool
	p := policytest.Load(t, dir, fmt.Sprintf(monthPolicy, page(t, &down)))
	found := observe(t, p, all, times, &down)

	b, err := rules.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	w := ruletest.EmptyWorld(t)
	files := map[string][]byte{}
	for _, name := range []string{"policy.rules.yaml", "incident.rules.yaml", "delivery.rules.yaml", "vendor.rules.yaml"} {
		files[name] = b.Files()[name]
	}
	w.Load(files)
	w.GroupsOnly = []string{
		"thorbis-policy-1", "thorbis-deployments", "thorbis-delivery", "thorbis-delivery-figures", "thorbis-vendors",
		"thorbis-delivery-sources", "thorbis-incident",
	}
	for _, s := range found {
		app := w.Store.AppenderV2(context.Background())
		add := func(l labels.Labels, v float64) {
			if _, err := app.Append(0, l, 0, ruletest.At(s.at).UnixMilli(), v, nil, nil, promstorage.AOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		for key, v := range s.series {
			add(s.labels[key], v)
		}
		for i, d := range all {
			if d.alertAt > 0 && d.at+d.alertAt <= s.at && s.at < d.at+d.until {
				for _, l := range d.alert(i) {
					since := float64(ruletest.At(d.at + d.alertAt).Unix())
					add(l, map[bool]float64{true: 1, false: since}[l.Get("__name__") == "ALERTS"])
				}
			}
		}
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
		w.Evaluate(s.at)
	}

	const end = monthOver
	for query, want := range map[string]float64{
		metric.DeploymentsIncrease.Name:                               40,
		metric.DeploymentFailuresIncrease.Select(`reason="rollback"`): 5,
		metric.DeploymentFailuresIncrease.Select(`reason="hotfix"`):   5,
		metric.DeploymentFailuresIncrease.Select(`reason="incident"`): 5,
		metric.DeploymentFailuresIncrease.Select(`reason="page"`):     5,
		metric.DeploymentFailRatio.Name:                               0.5,
		metric.DeploymentReworkRatio.Name:                             0.2, // five hotfixes, three earlier commits
		// Ten minutes to 400, without those of the three earlier commits: 220, 300 and 380.
		metric.DeploymentLeadQuantile.Select(`quantile="0.5"`): 190 * minute,
		metric.DeploymentLeadQuantile.Select(`quantile="0.9"`): 354 * minute,
		// Eight alerts are over sooner than the first rollback, then there are rollbacks from 20 to 24 minutes.
		metric.DeploymentRecoveryQuantile.Select(`quantile="0.5"`): 21.5 * minute,
		metric.VendorMonthDown.Name:                                90 * minute,
	} {
		got, ok := w.Value(end, query)
		if !ok || math.Abs(got-want) > 1e-6*max(1, want) {
			t.Errorf("%s is %v (%t), want %v", query, got, ok, want)
		}
	}
	if got, _ := w.Value(end, metric.DeploymentFrequency.Name); math.Abs(got-40./29) > .01 {
		t.Errorf("%v deployments a day, want 40 in 29 days", got)
	}
	if got, ok := w.Value(end, metric.DeliveryTrend.Select(`figure="frequency"`)); ok {
		t.Errorf("the trend is %v, and there was no month before", got)
	}
	last := all[ofMonth-1].at
	for at, want := range map[int]bool{last + 6*day + hour: false, silentUntil: true} {
		at -= at % (30 * minute)
		got, ok := w.Value(at, metric.DeploymentsMissing.Name)
		if ok != want || ok && got != float64(at-last) {
			t.Errorf("%d s after the last deployment it is missed for %v s (%t), want %t", at-last, got, ok, want)
		}
	}
}

// alert returns the series of the alert after a deployment, or of its incident.
func (d seeded) alert(i int) []labels.Labels {
	common := []string{
		"environment", "production", "app_service", "web", "priority", d.priority, "owner", "sre",
	}
	if d.incident {
		return []labels.Labels{labels.FromStrings(append(common, "__name__", metric.IncidentOpenSince.Name, "job", "thorbis",
			"instance", "a", "incident", fmt.Sprintf("f%d", i), "alert", metric.SLOBurnAlert.Name, "subject", "web")...)}
	}
	common = append(common, "bundle", "thorbis", "alertname", metric.CheckDownAlert.Name)
	return []labels.Labels{
		labels.FromStrings(append(slices.Clip(common), "__name__", "ALERTS_FOR_STATE")...),
		labels.FromStrings(append(slices.Clip(common), "__name__", "ALERTS", "alertstate", "firing")...),
	}
}
