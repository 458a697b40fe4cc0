package database

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/postgres"
	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// value is that of the one series of a family, -1 if there is none.
func value(t *testing.T, c prometheus.Collector, m *metric.Metric, matching string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != m.Name {
			continue
		}
		for _, one := range f.GetMetric() {
			for _, l := range one.GetLabel() {
				if matching == "" || l.GetValue() == matching {
					return one.GetGauge().GetValue() + one.GetCounter().GetValue()
				}
			}
		}
	}
	return -1
}

// A server is queried, stops, is down, and has no series once the policy no longer lists it. Another server that never
// answers delays none of this.
func TestRun(t *testing.T) {
	pg := postgrestest.Start(t)
	pg.Query(t, "postgres", "CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor")
	dir := t.TempDir()
	file := filepath.Join(dir, "dsn")
	write := func(dsn string) {
		t.Helper()
		testkit.WriteFile(t, file, dsn)
	}
	write(pg.DSN("monitor", "postgres"))
	c := New(Options{Logger: slog.New(slog.DiscardHandler), Host: "db1"})
	p := &config.Policy{Databases: []*config.Database{
		{
			Name: "main", DSNFile: file, Interval: config.Duration(100 * time.Millisecond),
			Timeout: config.Duration(30 * time.Second), MaxDatabases: 10, WAL: config.WALPlace{Mountpoint: "/data"},
		},
		{
			Name: "nowhere", DSNEnv: "NOT_SET_ANYWHERE", Interval: config.Duration(100 * time.Millisecond),
			Timeout: config.Duration(time.Second), MaxDatabases: 10,
		},
	}}
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var failures, successes, wentDown atomic.Int32
	done := make(chan error, 1)
	go func() {
		done <- collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(err error, _ time.Duration) {
			if value(t, c, metric.PostgresUp, "main") == 0 {
				wentDown.Add(1)
			}
			if err != nil {
				failures.Add(1)
			} else {
				successes.Add(1)
			}
		})
	}()
	up := testkit.Last(func() any { return value(t, c, metric.PostgresUp, "main") })
	testkit.Eventually(t, func() bool { return up() == 1.0 && failures.Load() > 0 },
		"main is up and nowhere has failed: main is %v", up)
	if v := value(t, c, metric.PostgresUp, "nowhere"); v != -1 {
		t.Errorf("a server that was never asked is said to be %v", v)
	}
	if v := value(t, c, metric.PostgresMaxConnections, "main"); v != 17 {
		t.Errorf("%v connections permitted, want 20 less 3", v)
	}
	if v := value(t, c, metric.PostgresDatabaseSize, "postgres"); v < 1<<20 {
		t.Errorf("size %v", v)
	}
	if v := value(t, c, metric.PostgresCheckpoints, "timed"); v < 0 {
		t.Error("no checkpoints")
	}
	if v := value(t, c, metric.PostgresWALFilesystem, "/data"); v != 1 {
		t.Errorf("the place of the log is missing: %v", v)
	}
	if n := pg.Query(
		t, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'thorbis_exporter'",
	); n != "1" {
		t.Errorf("%s connections, want 1", n)
	}

	p = &config.Policy{Databases: p.Databases[:1]}
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}

	// The connection is cut, as by a restart, whether a round is under way or not: another one is opened before anything
	// is shown of the server.
	down, before := wentDown.Load(), successes.Load()
	pg.Query(t, "postgres",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'thorbis_exporter'")
	testkit.Eventually(t, func() bool { return successes.Load() > before+2 && up() == 1.0 },
		"main is up again for three rounds: it is %v", up)
	if n := wentDown.Load() - down; n != 0 {
		t.Errorf("down in %d rounds, though the server was there", n)
	}

	// The role is not let in any more.
	pg.Query(t, "postgres", "ALTER ROLE monitor NOLOGIN")
	pg.Query(t, "postgres",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'thorbis_exporter'")
	testkit.Eventually(t, func() bool { return up() == -1.0 }, "the state of main is unknown: it is %v", up)
	if n := wentDown.Load() - down; n != 0 {
		t.Errorf("down in %d rounds, though only the role was locked out", n)
	}

	// No server listens.
	write(strings.Replace(pg.DSN("monitor", "postgres"), "host=", "host="+dir, 1))
	testkit.Eventually(t, func() bool { return up() == 0.0 }, "main is down: it is %v", up)
	if v := value(t, c, metric.PostgresConnections, "main"); v != -1 {
		t.Errorf("a server that is down has %v connections", v)
	}

	p = &config.Policy{}
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() bool { return testutil.CollectAndCount(c) == 0 }, "no series is left")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A server whose round panicked is no longer shown as it was.
func TestPanicOfARoundLeavesNoServerUp(t *testing.T) {
	c := New(Options{Logger: slog.New(slog.DiscardHandler), Host: "db1"})
	if err := collectors.Apply(
		c, &config.Policy{Databases: []*config.Database{{Name: "main", Interval: config.Duration(time.Hour)}}},
	); err != nil {
		t.Fatal(err)
	}
	c.show(c.servers[0], answers{up: true}, nil)
	if v := value(t, c, metric.PostgresUp, "main"); v != 1 {
		t.Fatalf("up = %v", v)
	}
	c.poll(c.servers[0]).Forget()
	if v := value(t, c, metric.PostgresUp, "main"); v != -1 {
		t.Errorf("up = %v of a server that is no longer asked", v)
	}
}

// A question that takes too long is not answered; the server is up all the same, and the connection stays.
func TestSlowQuestionIsNoOutage(t *testing.T) {
	pg := postgrestest.Start(t)
	dsn := pg.DSN("postgres", "postgres")
	t.Setenv("SLOW_DSN", dsn)
	holder, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Close(context.WithoutCancel(t.Context())) }()
	s := newServer(config.Database{
		Name: "main", DSNEnv: "SLOW_DSN", Timeout: config.Duration(3 * time.Second), MaxDatabases: 10,
	})
	a, connection, err := round(t.Context(), s, nil)
	if err != nil || !a.up || a.wal.Archiver == nil {
		t.Fatalf("%+v, %v", a, err)
	}
	defer connection.Close()
	if _, err := holder.Exec(t.Context(), "BEGIN; LOCK TABLE pg_stat_archiver IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var same *postgres.Connection
		a, same, err = round(t.Context(), s, connection)
		if err == nil || !strings.Contains(err.Error(), "archiver") || !a.up || a.wal.Archiver != nil || a.wal.Size == nil ||
			a.replication.Lag == nil || len(a.databases) == 0 {
			t.Fatalf("%+v, %v", a, err)
		}
		if same != connection {
			t.Fatal("the connection was given up")
		}
	}
}

// A role that sees only itself must not make a full server look empty.
func TestRoleWithoutMonitor(t *testing.T) {
	pg := postgrestest.Start(t)
	pg.Query(t, "postgres", "CREATE ROLE \"some one\" LOGIN")
	t.Setenv("PLAIN_DSN", strings.Replace(pg.DSN("USER", "postgres"), "USER", "'some one'", 1))
	s := newServer(config.Database{
		Name: "main", DSNEnv: "PLAIN_DSN", Timeout: config.Duration(30 * time.Second), MaxDatabases: 10,
	})
	a, connection, err := round(t.Context(), s, nil)
	if connection == nil {
		t.Fatal(err)
	}
	defer connection.Close()
	for _, want := range []string{"sees no sessions but its own", "pg_ls_waldir", `GRANT pg_monitor TO "some one"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	c := fixed{a.snapshot(s).Collect}
	if up, n, most := value(t, c, metric.PostgresUp, "main"), value(t, c, metric.PostgresConnections, "main"),
		value(t, c, metric.PostgresMaxConnections, "main"); up != 1 || n != -1 || most != 17 {
		t.Errorf("up %v, %v connections of %v", up, n, most)
	}
}

// A server without pg_current_wal_lsn, as Aurora is, answers all else, fails nothing, and is logged once.
func TestServerThatLacksFunctions(t *testing.T) {
	pg := postgrestest.Start(t, "allow_system_table_mods=on")
	pg.Query(t, "postgres", `CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor;
		SELECT pg_create_physical_replication_slot('lazy', true);
		ALTER FUNCTION pg_catalog.pg_current_wal_lsn() RENAME TO away`)
	t.Setenv("AURORA_DSN", pg.DSN("monitor", "postgres"))
	var log strings.Builder
	c := New(Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Host: "db1"})
	s := newServer(config.Database{
		Name: "main", DSNEnv: "AURORA_DSN", Timeout: config.Duration(30 * time.Second), MaxDatabases: 10,
	})
	var connection *postgres.Connection
	for range 3 {
		var a answers
		var err error
		if a, connection, err = round(t.Context(), s, connection); err != nil {
			t.Fatal(err)
		}
		c.logLacks(s, connection)
		f := fixed{a.snapshot(s).Collect}
		for m, want := range map[*metric.Metric]float64{
			metric.PostgresUp: 1, metric.PostgresWALBytes: -1, metric.PostgresSlotRetained: -1, metric.PostgresReplicas: 0,
			metric.PostgresWALArchiving: 0,
		} {
			if got := value(t, f, m, "main"); got != want {
				t.Errorf("%s is %v, want %v", m.Name, got, want)
			}
		}
		if size := value(t, f, metric.PostgresWALSize, "main"); size < 16<<20 {
			t.Errorf("pg_wal holds %v bytes", size)
		}
		for _, state := range metric.SlotStates {
			if n := value(t, f, metric.PostgresSlots, state); n < 0 {
				t.Errorf("no slots that are %s", state)
			}
		}
	}
	connection.Close()
	if n := strings.Count(log.String(), "pg_current_wal_lsn"); n == 0 || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("logged:\n%s", log.String())
	}
}

func TestDatabasesBeyondTheBoundAreAddedUp(t *testing.T) {
	list := []postgres.Database{
		{Name: "a", Commits: 9}, {Name: "b", Commits: 5, Size: 10}, {Name: "c", Commits: 4, Size: -1, BlocksHit: 3},
	}
	got := fold(list, 1)
	if len(got) != 2 || got[1].Name != metric.DatabaseOther || got[1].Commits != 9 || got[1].Size != 10 ||
		got[1].BlocksHit != 3 {
		t.Errorf("%+v", got)
	}
	if got := fold(list, 3); len(got) != 3 {
		t.Errorf("%+v", got)
	}
}

// Input and output of a server of 18, which the test server is not.
func TestIO(t *testing.T) {
	a := answers{up: true, version: 180001, io: []postgres.IO{{
		Object: "wal", Context: "normal", Counts: map[string]float64{"write": 5}, Bytes: map[string]float64{"write": 40960},
		Seconds: map[string]float64{"fsync": 2},
	}}}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(fixed{a.snapshot(&server{Database: config.Database{Name: "main"}}).Collect})
	want := `
# HELP thorbis_postgres_io_bytes_total ` + metric.PostgresIOBytes.Help + `
# TYPE thorbis_postgres_io_bytes_total counter
thorbis_postgres_io_bytes_total{context="normal",object="wal",operation="write",server="main"} 40960
# HELP thorbis_postgres_io_time_seconds_total ` + metric.PostgresIOSeconds.Help + `
# TYPE thorbis_postgres_io_time_seconds_total counter
thorbis_postgres_io_time_seconds_total{context="normal",object="wal",operation="fsync",server="main"} 2
`
	if err := testutil.GatherAndCompare(
		registry, strings.NewReader(want), metric.PostgresIOBytes.Name, metric.PostgresIOSeconds.Name,
	); err != nil {
		t.Error(err)
	}
}

type fixed struct {
	collect func(chan<- prometheus.Metric)
}

func (fixed) Describe(chan<- *prometheus.Desc)      {}
func (f fixed) Collect(ch chan<- prometheus.Metric) { f.collect(ch) }
