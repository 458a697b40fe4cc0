package postgres

import (
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// Only indexes that serve nothing else count as unused, and only tables with more dead rows than their own settings
// permit await a vacuum.
func TestUpkeep(t *testing.T) {
	server := postgrestest.Start(t)
	server.Query(t, "postgres", "CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor")
	server.Query(t, "postgres", "CREATE DATABASE shop")
	server.Query(t, "shop", `
		CREATE TABLE t (id int PRIMARY KEY, email text UNIQUE, a int, b int, c int, during int4range,
			EXCLUDE USING gist (during WITH &&));
		CREATE UNIQUE INDEX alone ON t (b, c);
		CREATE INDEX of_expression ON t ((a + b));
		CREATE INDEX unused ON t (a);
		CREATE INDEX unused_partly ON t (b) WHERE c > 5;
		CREATE INDEX used ON t (c);
		INSERT INTO t SELECT i, i, i, i, i, int4range(i, i + 1) FROM generate_series(1, 2000) i;
		ANALYZE t;
		CREATE TABLE strict (n int) WITH (autovacuum_enabled = off, autovacuum_vacuum_threshold = 10,
			autovacuum_vacuum_scale_factor = 0);
		CREATE TABLE patient (n int) WITH (autovacuum_vacuum_threshold = 1000000);
		INSERT INTO strict SELECT generate_series(1, 100);
		INSERT INTO patient SELECT generate_series(1, 100);
		ANALYZE`)
	server.Query(t, "shop", "SET enable_seqscan = off; SELECT * FROM t WHERE c = 7")
	c, err := connect(t, server.DSN("monitor", "shop"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var u Upkeep
	until := func(what string, done func() bool) {
		t.Helper()
		testkit.Eventually(t, func() bool {
			if u, err = c.Upkeep(t.Context()); err != nil || u.Database != "shop" || u.Indexes == nil || u.Tables == nil {
				t.Fatalf("%+v, %v", u, err)
			}
			return done()
		}, "%s: %+v, %+v", what, testkit.Last(func() any { return u.Indexes }), testkit.Last(func() any { return u.Tables }))
	}
	until("two indexes are unused", func() bool { return u.Indexes.Count == 2 })
	if u.Indexes.Bytes < 2*8192 || u.Indexes.Bytes > 1<<20 {
		t.Errorf("%d bytes", u.Indexes.Bytes)
	}
	if u.Tables.Count != 0 || u.Tables.OldestVacuum != nil {
		t.Errorf("without dead rows: %+v", u.Tables)
	}

	server.Query(t, "shop", "DELETE FROM strict WHERE n <= 11; DELETE FROM patient; UPDATE t SET a = a WHERE id <= 449")
	until("one table awaits its first vacuum", func() bool { return u.Tables.Count == 1 })
	if v := u.Tables.OldestVacuum; v == nil || !v.IsZero() {
		t.Errorf("it was vacuumed at %v", v)
	}
	server.Query(t, "shop", "UPDATE t SET a = a WHERE id = 450 OR id = 451") // beyond 50 + 0.2 * 2000
	until("two tables await a vacuum", func() bool { return u.Tables.Count == 2 })
	before := time.Now().Add(-time.Second)
	server.Query(t, "shop", "VACUUM strict")
	server.Query(t, "shop", "VACUUM t")
	until("none does", func() bool { return u.Tables.Count == 0 })
	server.Query(t, "shop", "DELETE FROM strict WHERE n <= 50")
	until("one does again", func() bool { return u.Tables.Count == 1 })
	if v := u.Tables.OldestVacuum; v == nil || v.Before(before) || v.After(time.Now()) {
		t.Errorf("it was vacuumed at %v", v)
	}

	// A reset begins anew, and says when.
	server.Query(t, "shop", "SELECT pg_stat_reset()")
	until("three indexes are unused since the reset", func() bool { return u.Indexes.Count == 3 })
	if u.Since == nil || u.Since.Before(before) {
		t.Errorf("reset at %v", u.Since)
	}
	// So does a crash, which leaves no mark on the database.
	crash := time.Now().Add(-time.Second)
	server.Stop()
	server.Restart(t)
	if c, err = connect(t, server.DSN("monitor", "shop"), time.Minute); err != nil {
		t.Fatal(err)
	}
	if u, err = c.Upkeep(t.Context()); err != nil || u.Since == nil || u.Since.Before(crash) {
		t.Errorf("reset at %v by a crash at %v, %v", u.Since, crash, err)
	}
}

// Ages are those that the server reports, of templates too, and the bounds are its settings.
func TestIDAges(t *testing.T) {
	server := postgrestest.Start(t, "autovacuum_freeze_max_age=300000000")
	server.Query(t, "postgres", "CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor")
	c, err := connect(t, server.DSN("monitor", "postgres"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	list, freeze, err := c.IDAges(t.Context(), 100)
	if err != nil || len(list) != 3 || *freeze != (FreezeAges{300_000_000, 400_000_000}) {
		t.Fatalf("%+v, %+v, %v", list, freeze, err)
	}
	server.Query(t, "postgres", "CREATE TABLE t (n int)")
	for range 5 {
		server.Query(t, "postgres", "INSERT INTO t VALUES (1)")
	}
	later, _, err := c.IDAges(t.Context(), 1)
	if err != nil || len(later) != 1 || later[0].Transactions < list[0].Transactions+5 || later[0].Multixacts != 0 {
		t.Errorf("%+v, before %+v, %v", later, list, err)
	}
}
