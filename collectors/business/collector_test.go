package business

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// series returns the value of the series of a metric with all the label values given, -1 without exactly one.
func series(t *testing.T, c prometheus.Collector, m *metric.Metric, values ...string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found, n := -1.0, 0
	for _, f := range families {
		if f.GetName() != m.Name {
			continue
		}
		for _, one := range f.GetMetric() {
			has := map[string]bool{}
			for _, l := range one.GetLabel() {
				has[l.GetValue()] = true
			}
			matches := true
			for _, v := range values {
				matches = matches && has[v]
			}
			if matches {
				found, n = one.GetGauge().GetValue()+one.GetCounter().GetValue(), n+1
			}
		}
	}
	if n != 1 {
		return -1
	}
	return found
}

const schema = `
CREATE TABLE orders (created_at timestamptz NOT NULL, status text NOT NULL, amount numeric(12, 2) NOT NULL);
CREATE INDEX ON orders (created_at);
CREATE TABLE tickets (tenant text, priority text, closed_at timestamptz);
CREATE TABLE scores (tenant text, score float8);
CREATE ROLE reader LOGIN;
CREATE SEQUENCE numbers; GRANT ALL ON SEQUENCE numbers TO reader;
GRANT SELECT ON orders, tickets, scores TO reader;
CREATE VIEW changing AS SELECT 1::int AS value; GRANT SELECT ON changing TO reader;
INSERT INTO tickets VALUES ('acme', 'urgent', NULL), ('acme', 'urgent', NULL), ('acme', 'odd', NULL),
	('globex', 'normal', NULL), ('stranger', 'normal', NULL), ('acme', 'urgent', now());
INSERT INTO scores VALUES ('acme', 4), ('globex', 3), ('stranger', 1)`

const ordersQuery = `SELECT date_trunc('minute', created_at) AS minute, status AS result, count(*) AS transactions,
	sum(amount) AS value FROM orders WHERE created_at >= $1 AND created_at < $2 GROUP BY 1, 2`

// clock is a time that a test moves.
type clock struct{ ns atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()).UTC() }
func (c *clock) set(t time.Time)         { c.ns.Store(t.UnixNano()) }
func (c *clock) forward(d time.Duration) { c.ns.Add(int64(d)) }

// site is a database, a registry, a state and a collector that watches them.
type site struct {
	*testing.T
	clock
	server *postgrestest.Server
	dir    string
	policy *config.Policy
	c      *Collector
	loaded func() // called when the policy is loaded and nothing runs yet
}

func newSite(t *testing.T, business config.Business) *site {
	t.Helper()
	s := &site{T: t, server: postgrestest.Start(t), dir: t.TempDir()}
	s.set(time.Date(2026, 11, 2, 8, 0, 30, 0, time.UTC))
	s.server.Query(t, "postgres", schema)
	dsn, list := filepath.Join(s.dir, "dsn"), filepath.Join(s.dir, "tenants.yaml")
	testkit.WriteFile(t, dsn, s.server.DSN("reader", "postgres"))
	testkit.WriteFile(t, list, "tenants: [{name: acme, tier: none}, {name: globex, tier: none}]")
	business.TimeZone = "UTC"
	business.Databases = []*config.BusinessDatabase{{Name: "shop", DSNFile: dsn, Timeout: config.Duration(time.Second)}}
	for _, q := range business.Transactions {
		q.Database = "shop"
	}
	for _, f := range business.Figures {
		f.Database = "shop"
	}
	s.policy = policytest.Load(t, t.TempDir(), policytest.Minimal+"business: {}")
	*s.policy.Business() = business // with intervals that the grammar does not permit
	s.policy.Tenants.Registry = config.Registry{File: list}
	return s
}

// run runs a collector on the state of the site until the returned function is called, or the test ends.
func (s *site) run() (stop func()) {
	s.Helper()
	dir, err := state.Open(filepath.Join(s.dir, "state"))
	if err != nil {
		s.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	s.c = New(Options{
		Logger: logger, State: dir, Tenants: tenants.NewRegistry(dir, logger), Now: s.now,
		SaveInterval: 50 * time.Millisecond,
	})
	if err := collectors.Apply(s.c, s.policy); err != nil {
		s.Fatal(err)
	}
	if s.loaded != nil {
		s.loaded()
	}
	ctx, cancel := context.WithCancel(s.Context())
	done := make(chan error, 1)
	go func() { done <- collectors.Run(ctx, s.c, logger, func(error, time.Duration) {}) }()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			s.Error(err)
		}
		if err := dir.Close(); err != nil {
			s.Error(err)
		}
	}
	s.Cleanup(stop)
	return stop
}

// sell adds orders of a minute.
func (s *site) sell(at time.Time, n int, status string, amount float64) {
	s.Helper()
	s.server.Query(s.T, "postgres", fmt.Sprintf(
		"INSERT INTO orders SELECT '%s', '%s', %v FROM generate_series(1, %d)", at.Format(time.RFC3339), status, amount, n))
}

func (s *site) await(want float64, m *metric.Metric, values ...string) {
	s.Helper()
	got := testkit.Last(func() any { return series(s.T, s.c, m, values...) })
	testkit.Eventually(s.T, func() bool { return got() == want }, "%s%q is %v: it is %v", m.Name, values, want, got)
}

// Orders of a real table are counted as they are committed, the weeks before are learned, and a restart loses and
// doubles nothing.
func TestTransactionsOfATable(t *testing.T) {
	s := newSite(t, config.Business{Transactions: []*config.Transaction{{
		Name: "orders", AppService: "web", Owner: "sales", Page: "P2", Currency: "EUR",
		Interval: config.Duration(100 * time.Millisecond), Query: ordersQuery, Form: config.TransactionMinutes,
		Recount: config.Duration(15 * time.Minute),
		Results: map[string][]string{"success": {"paid"}, "failure": {"declined"}},
	}}})
	begin := s.now().Truncate(time.Minute)
	for week := 1; week <= 4; week++ { // two a minute, of 25 each
		s.server.Query(t, "postgres", fmt.Sprintf("INSERT INTO orders SELECT t, 'paid', 25 FROM generate_series("+
			"timestamptz '%s', '%s', '30 seconds') t",
			begin.AddDate(0, 0, -7*week).Add(-2*time.Hour).Format(time.RFC3339),
			begin.AddDate(0, 0, -7*week).Add(3*time.Hour-time.Second).Format(time.RFC3339)))
	}
	stop := s.run()
	s.await(4, metric.TransactionWeeks, "orders")
	s.await(25, metric.TransactionAverage, "orders", "EUR")
	s.await(0, metric.Transactions, "orders", "web", "success")
	s.sell(begin.Add(time.Second), 3, "paid", 10.5)
	s.sell(begin.Add(time.Second), 1, "declined", 99)
	s.sell(begin.Add(time.Second), 1, "new", 1)
	s.sell(begin.Add(70*time.Second), 5, "paid", 1)
	s.forward(time.Minute)
	s.await(3, metric.Transactions, "orders", "success")
	s.await(1, metric.Transactions, "orders", "failure")
	s.await(1, metric.Transactions, "orders", "other")
	s.await(31.5, metric.TransactionValue, "orders", "EUR")
	s.await(2, metric.TransactionsUsual, "orders")
	s.sell(begin.Add(2*time.Second), 2, "paid", 10) // committed late
	s.forward(time.Minute)
	s.await(10, metric.Transactions, "orders", "success")
	s.await(56.5, metric.TransactionValue, "orders", "EUR")
	stop()
	s.sell(begin.Add(5*time.Minute), 7, "paid", 1)
	s.forward(58 * time.Minute)
	s.loaded = func() {
		if got := series(t, s.c, metric.Transactions, "orders", "success"); got != 10 {
			t.Errorf("after a restart %v are shown before the database has been asked, want 10", got)
		}
	}
	s.run()
	s.await(17, metric.Transactions, "orders", "success")
	s.await(63.5, metric.TransactionValue, "orders", "EUR")
	s.await(120, metric.TransactionsUsual, "orders")
}

// A query that writes, sleeps, returns a million rows, changes its columns or loses its server is refused or bounded
// and counted by reason. The figure beside it stays right, and the table is as it was.
func TestQueriesThatMisbehave(t *testing.T) {
	short := config.Duration(100 * time.Millisecond)
	figure := func(name, query string) *config.Figure {
		return &config.Figure{Name: name, Kind: config.FigureGauge, Interval: short, Query: query}
	}
	tickets := figure("tickets", "SELECT tenant, priority AS class, count(*) AS value FROM tickets "+
		"WHERE closed_at IS NULL GROUP BY 1, 2")
	tickets.Kind, tickets.Classes = config.FigureOpenTickets, []string{"urgent", "normal"}
	tickets.Interval = config.Duration(200 * time.Millisecond)
	score := figure("score", "SELECT tenant, score AS value FROM scores")
	score.Kind = config.FigureSatisfaction
	s := newSite(t, config.Business{Figures: []*config.Figure{
		tickets, score,
		figure("writes", "SELECT nextval('numbers')::float8 AS value"),
		// Before PostgreSQL 16 a transaction that is READ ONLY permits this; it is rolled back.
		figure("makes", "SELECT count(lo_create(0)) AS value"),
		figure("hides", "SELECT 1 AS value FROM pg_authid"),
		figure("sleeps", "SELECT 1 AS value FROM pg_sleep(60)"),
		figure("floods", "SELECT g AS value, g::text AS class FROM generate_series(1, 1000000) g"),
		figure("fat", "SELECT 1 AS value, repeat('x', 1000000) AS class"),
		figure("wrong", "SELEKT 1"),
		figure("changes", "SELECT * FROM changing"),
	}})
	s.run()
	s.await(2, metric.OpenTickets, "tickets", "acme", "urgent")
	s.await(1, metric.OpenTickets, "tickets", "acme", "_other")
	s.await(1, metric.OpenTickets, "tickets", "globex", "normal")
	s.await(1, metric.OpenTickets, "tickets", "_other", "normal")
	s.await(4, metric.SatisfactionScore, "score", "acme")
	s.await(-1, metric.SatisfactionScore, "score", "_other") // a sum of scores means nothing
	s.await(1, metric.FigureValue, "changes")
	s.server.Query(t, "postgres", "DROP VIEW changing; CREATE VIEW changing AS SELECT 'many' AS value; "+
		"GRANT SELECT ON changing TO reader")
	for name, reason := range map[string]string{
		"writes": metric.QueryRefused, "hides": metric.QueryRefused, "sleeps": metric.QueryTimeout,
		"floods": metric.QueryTooManyRows, "fat": metric.QueryTooLarge, "wrong": metric.QueryInvalid,
		"changes": metric.QueryShape,
	} {
		testkit.Eventually(t, func() bool { return series(t, s.c, metric.QueryFailures, name, reason) >= 1 },
			"%s fails: %s", name, reason)
	}
	// A query that goes on failing is asked at a tenth of its pace, so it ends up far behind the one beside it. The figure
	// of one that fails is not shown for ever.
	s.forward(time.Hour)
	s.await(-1, metric.FigureValue, "changes")
	s.server.Query(t, "postgres", "DELETE FROM tickets WHERE tenant = 'globex'")
	s.await(-1, metric.OpenTickets, "tickets", "globex", "normal")
	s.await(2, metric.OpenTickets, "tickets", "acme", "urgent")
	rows := s.c.Sections(collectors.SectionRequest{Now: s.now(), Limit: 20})[0]
	if err := rows.Validate(); err != nil || len(rows.Uncured()) > 0 || len(rows.Rows) != 10 {
		t.Errorf("%v, without a cure %v, %d rows", err, rows.Uncured(), len(rows.Rows))
	}
	if n := s.server.Query(t, "postgres", "SELECT count(*) FROM pg_largeobject_metadata"); n != "0" {
		t.Errorf("%s large objects were made", n)
	}
	// The server dies and comes back.
	s.server.Stop()
	testkit.Eventually(t, func() bool {
		s.forward(time.Second)
		return series(t, s.c, metric.QueryFailures, "tickets", metric.QueryUnreachable) >= patience
	}, "the server is gone")
	s.forward(time.Hour)
	s.await(-1, metric.OpenTickets, "tickets", "acme", "urgent")
	s.server.Restart(t)
	back := s.now()
	testkit.Eventually(t, func() bool {
		s.forward(time.Second)
		return series(t, s.c, metric.QueryLastSuccess, "tickets") > float64(back.Unix())
	}, "tickets are asked for again")
	s.await(2, metric.OpenTickets, "tickets", "acme", "urgent")
}

// The replica is asked first; while it cannot be asked, the database itself is. Both stay connected to one session.
func TestReplicaFirst(t *testing.T) {
	s := newSite(t, config.Business{Figures: []*config.Figure{{
		Name: "where", Kind: config.FigureGauge, Interval: config.Duration(50 * time.Millisecond),
		Query: "SELECT CASE WHEN pg_is_in_recovery() THEN 1 ELSE 2 END AS value",
	}}})
	replica := s.server.Standby(t)
	file := filepath.Join(s.dir, "replica")
	testkit.WriteFile(t, file, replica.DSN("reader", "postgres"))
	s.policy.Business().Databases[0].Replica.DSNFile = file
	s.run()
	s.await(1, metric.FigureValue, "where")
	replica.Stop()
	s.await(2, metric.FigureValue, "where")
	if n := s.server.Query(t, "postgres",
		"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'thorbis_exporter'"); n != "1" {
		t.Errorf("%s sessions, want 1", n)
	}
	if problem := s.c.Sections(collectors.SectionRequest{Limit: 1})[0].Rows[0].Cells[6]; strings.Contains(
		fmt.Sprint(problem), "password") {
		t.Errorf("the page shows %v", problem)
	}
}
