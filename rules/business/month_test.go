package business_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	promrules "github.com/prometheus/prometheus/rules"
	promstorage "github.com/prometheus/prometheus/storage"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/business"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

const monthPolicy = `version: 1
environment: production
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}]
business:
  databases: [{name: shop, dsn_file: dsn}]
  transactions:
    - name: orders
      app_service: web
      interval: 10s
      query: |
        SELECT date_trunc('minute', created_at) AS minute, status AS result, count(*) AS transactions,
          sum(amount) AS value
        FROM orders WHERE created_at >= $1 AND created_at < $2 GROUP BY 1, 2
      results: {success: [paid]}
`

// Minutes since the epoch, which is 08:45.
const (
	beginsAt    = 60 // 09:45
	outageFrom  = 90 // 10:15: nothing is sold
	halfFrom    = 120
	outageTo    = 135
	openedAt    = 93 // as seen by a page that needs two minutes and more
	resolvedAt  = 140
	endsAt      = 165
	usualEach   = 20.0
	usualMinute = 6
)

// month fills a table with a month in which six orders of 20 EUR are paid a minute in the morning and two at other
// times, with an outage today: nothing is sold for half an hour, and half as much as usual for a quarter.
func month(t *testing.T, pg *postgrestest.Server) {
	t.Helper()
	pg.Query(t, "postgres", `CREATE TABLE orders (created_at timestamptz, status text, amount numeric);
		CREATE ROLE reader LOGIN; GRANT SELECT ON orders TO reader`)
	at := func(m int) string { return ruletest.At(m * 60).UTC().Format(time.RFC3339) }
	sell := func(from, to, perMinute int, condition string) {
		pg.Query(t, "postgres", fmt.Sprintf(`INSERT INTO orders SELECT m, 'paid', 20 FROM generate_series(timestamptz '%s',
			timestamptz '%s' - interval '1 second', '1 minute') m, generate_series(1, %d) n WHERE %s`, at(from), at(to),
			perMinute, condition))
	}
	const weeks = -29 * 24 * 60
	sell(weeks, outageFrom, 2, "true")
	sell(weeks, outageFrom, usualMinute-2, "extract(hour FROM m AT TIME ZONE 'UTC') BETWEEN 8 AND 13")
	sell(halfFrom, outageTo, usualMinute/2, "true")
	sell(outageTo, endsAt, usualMinute, "true")
	pg.Query(t, "postgres", "INSERT INTO orders SELECT created_at, 'declined', 20 FROM orders WHERE random() < 0.01;"+
		"CREATE INDEX ON orders (created_at)")
}

// TestMonth counts the orders of a real table with the real collector through an outage, minute by minute, and checks
// the revenue that the rules attribute to its incident against a value computed by hand: half an hour of six orders of
// 20 EUR, and a quarter of three.
func TestMonth(t *testing.T) {
	ruletest.Simulates(t)
	pg := postgrestest.Start(t)
	month(t, pg)
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "dsn"), pg.DSN("reader", "postgres"))
	p := policytest.Load(t, dir, monthPolicy)
	// Asked as fast as the clock is moved.
	p.Business().Transactions[0].Interval = config.Duration(5 * time.Millisecond)

	var now atomic.Int64
	now.Store(ruletest.At(beginsAt * 60).UnixNano())
	c := business.New(business.Options{
		Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Unix(0, now.Load()).UTC() },
		SaveInterval: 5 * time.Millisecond,
	})
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) {}) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)

	b, err := rules.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	w := ruletest.EmptyWorld(t)
	w.Load(map[string][]byte{
		"policy.rules.yaml": b.Files()["policy.rules.yaml"], "business.rules.yaml": b.Files()["business.rules.yaml"],
	})
	testkit.Eventually(t, func() bool { return gather(t, registry)[metric.TransactionWeeks.Name] == 4 },
		"the weeks before are known")
	fired := map[int]bool{}
	for m := beginsAt + 1; m <= endsAt; m++ {
		now.Store(ruletest.At(m*60 + 1).UnixNano())
		testkit.Eventually(t, func() bool {
			return gather(t, registry)[metric.TransactionsCounted.Name] == float64(ruletest.At(m*60).Unix())
		}, "minute %d is counted", m)
		scrape(t, w, registry, m)
		w.Evaluate(m * 60)
		fired[m] = fires(w, metric.TransactionsDroppedAlert.Name)
	}
	want := usualEach * (usualMinute*(halfFrom-outageFrom) + usualMinute/2*(outageTo-halfFrom))
	for _, query := range []string{
		metric.ServiceImpact.Select(`currency="EUR"`), metric.IncidentImpact.Select(`incident="f00d"`, `currency="EUR"`),
	} {
		if got, ok := w.Value((resolvedAt-1)*60, query); !ok || math.Abs(got-want) > 1e-6 {
			t.Errorf("%s is %v (%t), want %v", query, got, ok, want)
		}
		if got, ok := w.Value((outageFrom+11)*60, query); !ok || math.Abs(got-11*usualMinute*usualEach) > 1e-6 {
			t.Errorf("after eleven minutes %s is %v (%t)", query, got, ok)
		}
		if got, ok := w.Value(endsAt*60, query); ok {
			t.Errorf("without an incident, %s is %v", query, got)
		}
	}
	if mean, _ := w.Value((outageFrom-1)*60, metric.TransactionMeanValue.Name); math.Abs(mean-usualEach) > 1e-6 {
		t.Errorf("the average value is %v", mean)
	}
	for m, want := range map[int]bool{outageFrom: false, outageFrom + 5: false, halfFrom: true, endsAt: false} {
		if fired[m] != want {
			t.Errorf("ThorbisTransactionsDropped in minute %d: %t", m, fired[m])
		}
	}
}

// fires reports whether an alert fires now.
func fires(w *ruletest.World, name string) bool {
	for _, g := range w.Groups {
		for _, r := range g.Rules() {
			if a, ok := r.(*promrules.AlertingRule); ok && a.Name() == name && a.State() == promrules.StateFiring {
				return true
			}
		}
	}
	return false
}

// gather returns the last value of each metric.
func gather(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			all[f.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return all
}

// scrape stores what the collector shows, and the incident while it is open.
func scrape(t *testing.T, w *ruletest.World, registry *prometheus.Registry, minute int) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	at := ruletest.At(minute * 60).UnixMilli()
	app := w.Store.AppenderV2(context.Background())
	add := func(l labels.Labels, v float64) {
		if _, err := app.Append(0, l, 0, at, v, nil, nil, promstorage.AOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range families {
		for _, m := range f.Metric {
			l := labels.NewBuilder(labels.FromStrings("__name__", f.GetName(), "job", "thorbis", "instance", "a",
				metric.LabelEnvironment, "production"))
			for _, pair := range m.Label {
				l.Set(pair.GetName(), pair.GetValue())
			}
			add(l.Labels(), m.GetGauge().GetValue()+m.GetCounter().GetValue())
		}
	}
	if openedAt <= minute && minute < resolvedAt {
		add(labels.FromStrings("__name__", metric.IncidentOpen.Name, metric.LabelEnvironment, "production",
			metric.LabelIncident, "f00d", metric.LabelAlert, "ThorbisCheckDown", metric.LabelAppService, "web",
			metric.LabelSubject, "home", metric.LabelPriority, "P1", metric.LabelOwner, "sre"),
			float64(ruletest.At(openedAt*60).Unix()))
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}
