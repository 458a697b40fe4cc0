package postgres

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

func connect(t *testing.T, dsn string, timeout time.Duration) (*Connection, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dsn")
	testkit.WriteFile(t, file, dsn+"\n")
	c, err := Connect(t.Context(), Source{File: file, Timeout: timeout})
	if err == nil {
		t.Cleanup(c.Close)
	}
	return c, err
}

// TestServer reads a real server as a role that may only look, under a known load.
func TestServer(t *testing.T) {
	began := time.Now().Add(-time.Second)
	server := postgrestest.Start(t, "track_io_timing=on", "archive_mode=on", "archive_command=/bin/false",
		"wal_level=replica")
	server.Query(t, "postgres", "CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor")
	server.Query(t, "postgres", "CREATE DATABASE bench")
	server.Query(t, "postgres", "REVOKE CONNECT ON DATABASE bench FROM PUBLIC")
	server.Run(t, "pgbench", "-i", "-q", "-s", "2", "-U", "postgres", "bench")
	c, err := connect(t, server.DSN("monitor", "postgres"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if c.Version < 120000 {
		t.Errorf("version %d", c.Version)
	}

	t.Run("whole", func(t *testing.T) {
		open := server.DSN("postgres", "postgres")
		other, err := connect(t, open, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.conn.Exec(t.Context(), "BEGIN; SELECT 1"); err != nil {
			t.Fatal(err)
		}
		s, err := c.Server(t.Context())
		if err != nil || *s.Recovery || *s.Permitted != 17 || *s.Connections != 2 || *s.OldestTransaction <= 0 ||
			s.Started.Before(began) || s.Started.After(time.Now()) {
			t.Errorf("%+v, %v", s, err)
		}
	})

	t.Run("pgbench", func(t *testing.T) {
		find := func() Database {
			t.Helper()
			all, err := c.Databases(t.Context(), 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range all {
				if d.Name == "bench" {
					return d
				}
			}
			t.Fatalf("no database bench in %+v", all)
			return Database{}
		}
		const transactions = 400
		before := find()
		server.Run(t, "pgbench", "-n", "-c", "2", "-t", strconv.Itoa(transactions/2), "-U", "postgres", "bench")
		// The server publishes a backend's statistics when it ends, or within a second.
		var after Database
		testkit.Eventually(t, func() bool { after = find(); return after.Commits-before.Commits >= transactions },
			"%d transactions are published: %+v", transactions, testkit.Last(func() any { return after }))
		// pgbench's own transactions, and a few of its session's.
		if got := float64(after.Commits - before.Commits); math.Abs(got/transactions-1) > 0.02 {
			t.Errorf("%v transactions, pgbench ran %d", got, transactions)
		}
		own := strings.Split(server.Query(t, "postgres",
			"SELECT blks_read, blks_hit, xact_commit FROM pg_stat_database WHERE datname = 'bench'"), "|")
		for i, got := range []int64{after.BlocksRead, after.BlocksHit, after.Commits} {
			want, err := strconv.ParseFloat(own[i], 64)
			if err != nil || want == 0 || math.Abs(float64(got)/want-1) > 0.02 {
				t.Errorf("we read %d, the server says %s", got, own[i])
			}
		}
		if after.Size < 20<<20 || after.Updated-before.Updated < transactions*3 {
			t.Errorf("%+v", after)
		}
	})

	t.Run("archive", func(t *testing.T) {
		server.Query(t, "postgres", "SELECT pg_switch_wal()")
		var w WAL
		testkit.Eventually(t, func() bool {
			if w, err = c.WAL(t.Context()); err != nil {
				t.Fatal(err)
			}
			return *w.Unarchived > 0 && w.Archiver.Failed > 0
		}, "archiving fails: %+v", testkit.Last(func() any { return w.Archiver }))
		a := w.Archiver
		if !*w.Archives || *w.Unarchived < 1 || a.Failed < 1 || a.LastFailure.IsZero() || !a.LastArchived.IsZero() ||
			*w.Size < 16<<20 || *w.Written < 16<<20 {
			t.Errorf("%+v, %+v", w, a)
		}
	})

	t.Run("replication", func(t *testing.T) {
		server.Query(t, "postgres", "SELECT pg_create_physical_replication_slot('lazy', true)")
		server.Query(t, "bench", "UPDATE pgbench_accounts SET abalance = 0 WHERE aid < 1000")
		r, err := c.Replication(t.Context())
		if err != nil || *r.Lag != 0 || *r.Replicas != 0 || *r.Retained == 0 || r.Slots[metric.SlotReserved] != 1 {
			t.Errorf("%+v, %v", r, err)
		}
	})

	t.Run("cannot write, cannot hang", func(t *testing.T) {
		if _, err := c.conn.Exec(t.Context(), "CREATE TABLE x ()"); err == nil ||
			!strings.Contains(err.Error(), "read-only") {
			t.Errorf("%v", err)
		}
		slow, err := connect(t, server.DSN("monitor", "postgres"), 3*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if err := slow.row(t.Context(), "SELECT pg_sleep(30)"); err == nil {
			t.Error("a statement outlived its timeout")
		}
	})

	t.Run("versions", func(t *testing.T) { ioOfVersions(t, server) })
}

// ioOfVersions asks views of the shapes that servers of 16, 17 and 18 have.
func ioOfVersions(t *testing.T, server *postgrestest.Server) {
	const common = `backend_type text, object text, context text, reads int8, read_time float8,
		writes int8, write_time float8,
		writebacks int8, writeback_time float8, extends int8, extend_time float8, hits int8,
		evictions int8, reuses int8, fsyncs int8, fsync_time float8, `
	for schema, columns := range map[string]string{
		"pg16": common + "op_bytes int8",
		"pg18": common + "read_bytes numeric, write_bytes numeric, extend_bytes numeric",
	} {
		server.Query(
			t, "postgres", "CREATE SCHEMA "+schema+"; CREATE TABLE "+schema+".pg_stat_io ("+columns+"); GRANT USAGE ON SCHEMA "+
				schema+" TO monitor; GRANT SELECT ON ALL TABLES IN SCHEMA "+schema+" TO monitor")
	}
	server.Query(t, "postgres", `INSERT INTO pg16.pg_stat_io
			(backend_type, object, context, reads, read_time, writes, write_time, hits, op_bytes) VALUES
		('client backend', 'relation', 'normal', 10, 500, 4, 100, 90, 8192),
		('checkpointer', 'relation', 'normal', NULL, NULL, 6, 100, NULL, 8192),
		('client backend', 'temp relation', 'normal', 0, 0, 0, 0, 0, 8192)`)
	server.Query(t, "postgres", `INSERT INTO pg18.pg_stat_io
			(backend_type, object, context, reads, read_time, read_bytes, writes, write_bytes, fsyncs, fsync_time) VALUES
		('client backend', 'relation', 'normal', 3, 500, 245760, 2, 16384, NULL, NULL),
		('walwriter', 'wal', 'normal', NULL, NULL, NULL, 5, 40960, 5, 2000)`)
	for version, tc := range map[int]struct {
		schema string
		check  func(t *testing.T, list []IO)
	}{
		150000: {"pg16", func(t *testing.T, list []IO) {
			if list != nil {
				t.Errorf("%+v", list)
			}
		}},
		160004: {"pg16", func(t *testing.T, list []IO) {
			if len(list) != 2 {
				t.Fatalf("%+v", list)
			}
			r := list[0]
			_, possible := r.Counts["reuse"]
			if r.Object != "relation" || r.Counts["read"] != 10 || r.Counts["write"] != 10 || r.Counts["hit"] != 90 ||
				possible ||
				r.Bytes["read"] != 81920 || r.Bytes["write"] != 81920 || r.Seconds["read"] != 0.5 || r.Seconds["write"] != 0.2 {
				t.Errorf("%+v", r)
			}
			if v, ok := list[1].Counts["read"]; !ok || v != 0 {
				t.Errorf("possible and 0: %+v", list[1])
			}
		}},
		180001: {"pg18", func(t *testing.T, list []IO) {
			if len(list) != 2 || list[1].Object != "wal" {
				t.Fatalf("%+v", list)
			}
			if list[0].Counts["read"] != 3 || list[0].Bytes["read"] != 245760 || list[1].Counts["fsync"] != 5 ||
				list[1].Seconds["fsync"] != 2 || list[1].Bytes["write"] != 40960 {
				t.Errorf("%+v", list)
			}
		}},
	} {
		t.Run(strconv.Itoa(version), func(t *testing.T) {
			c, err := connect(t, server.DSN("monitor", "postgres"), time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.conn.Exec(t.Context(), "SET search_path = "+tc.schema+", pg_catalog"); err != nil {
				t.Fatal(err)
			}
			c.Version = version
			list, err := c.IO(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			tc.check(t, list)
		})
	}
}

// TestErrorsKeepSecrets: no password in an error, wherever it comes from.
func TestErrorsKeepSecrets(t *testing.T) {
	const password = "hunter2hunter2"
	for _, dsn := range []string{
		"postgres://u:" + password + "@127.0.0.1:1/x", "host=/nowhere user=u password=" + password,
		"postgres://u:" + password + "@:x:y/z",
		"password=" + password + " port=abc", "passw0rd=" + password + " =",
	} {
		_, err := connect(t, dsn, time.Second)
		if err == nil || strings.Contains(err.Error(), password) {
			t.Errorf("%v", err)
		}
	}
	if _, err := Connect(t.Context(), Source{Env: "NOT_SET_ANYWHERE", Timeout: time.Second}); err == nil ||
		!strings.Contains(err.Error(), "NOT_SET_ANYWHERE") {
		t.Errorf("%v", err)
	}
	if _, err := Connect(t.Context(), Source{File: "/nowhere", Timeout: time.Second}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := connect(t, strings.Repeat("x", 16<<10), time.Second); err == nil || len(err.Error()) > 300 {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	t.Setenv("POSTGRES_TEST_DSN", "host=127.0.0.1 port=1")
	if _, err := Connect(ctx, Source{Env: "POSTGRES_TEST_DSN", Timeout: time.Second}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Only a server that does not answer, or accepts no connection, is down. One that rejects this role may serve others.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // the server is another user
		t.Fatal(err)
	}
	hba := filepath.Join(dir, "hba")
	if err := os.WriteFile(hba, []byte(
		"local all locked scram-sha-256\nlocal all forbidden reject\nlocal all all trust\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	server := postgrestest.Start(t, "hba_file="+hba, "superuser_reserved_connections=0")
	server.Query(
		t, "postgres", "CREATE ROLE locked LOGIN PASSWORD 'right'; CREATE ROLE forbidden LOGIN; CREATE ROLE monitor LOGIN; "+
			"CREATE ROLE asleep NOLOGIN")
	server.Query(t, "postgres", "CREATE DATABASE closed")
	server.Query(t, "postgres", "REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
	for what, dsn := range map[string]string{
		"no connection string": " ",
		"nonsense":             "host",
		"wrong password":       server.DSN("locked", "postgres") + " password=wrong",
		"no password":          server.DSN("locked", "postgres"),
		"rejected by pg_hba":   server.DSN("forbidden", "postgres"),
		"no such role":         server.DSN("missing", "postgres"),
		"role without login":   server.DSN("asleep", "postgres"),
		"no such database":     server.DSN("monitor", "missing"),
		"closed database":      server.DSN("monitor", "closed"),
	} {
		var notAsked *NotAskedError
		switch _, err := connect(t, dsn, time.Minute); {
		case !errors.As(err, &notAsked):
			t.Errorf("%s: %v, which says that the server is down", what, err)
		case strings.Contains(err.Error(), "wrong ") || strings.Contains(err.Error(), "=wrong"):
			t.Errorf("%s: the error holds the password: %v", what, err)
		}
	}
	if _, err := connect(t, server.DSN("locked", "postgres")+" password=right", time.Minute); err != nil {
		t.Error(err)
	}

	var full error
	for range 30 {
		if _, full = connect(t, server.DSN("monitor", "postgres"), time.Minute); full != nil {
			break
		}
	}
	for what, err := range map[string]error{
		"no connection left": full,
		"no server listens": func() error {
			_, err := connect(t, "host="+t.TempDir()+" user=monitor dbname=postgres", time.Second)
			return err
		}(),
	} {
		var notAsked *NotAskedError
		if err == nil || errors.As(err, &notAsked) {
			t.Errorf("%s: %v, which says nothing of the server", what, err)
		}
	}
}

// A replica is not behind while its primary is idle, and is while it has lost it or holds back what it received.
func TestReplicationLag(t *testing.T) {
	primary := postgrestest.Start(t, "wal_level=replica", "max_wal_senders=4")
	primary.Query(t, "postgres", "CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor; CREATE TABLE t (n int)")
	replica := primary.Standby(t)
	upstream, err := connect(t, primary.DSN("monitor", "postgres"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	c, err := connect(t, replica.DSN("monitor", "postgres"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	until := func(what string, c *Connection, done func(Replication) bool) {
		t.Helper()
		var r Replication
		testkit.Eventually(t, func() bool {
			if r, err = c.Replication(t.Context()); err != nil {
				t.Fatal(err)
			}
			return done(r)
		}, "%s: %+v", what, testkit.Last(func() any { return r }))
	}
	until("the primary sees its replica", upstream, func(r Replication) bool {
		return *r.Replicas == 1 &&
			*r.Behind == 0 && *r.Lag == 0
	})
	until("idle", c, func(r Replication) bool { return *r.Lag == 0 })
	primary.Query(t, "postgres", "INSERT INTO t VALUES (1)")
	until("caught up", c, func(r Replication) bool { return *r.Lag == 0 })

	replica.Query(t, "postgres", "SELECT pg_wal_replay_pause()")
	primary.Query(t, "postgres", "INSERT INTO t VALUES (2)")
	until("replay paused", c, func(r Replication) bool { return *r.Lag > 500*time.Millisecond })
	until("replay paused, seen from the primary", upstream, func(r Replication) bool { return *r.Behind > 0 })
	replica.Query(t, "postgres", "SELECT pg_wal_replay_resume()")
	until("replay resumed", c, func(r Replication) bool { return *r.Lag == 0 })

	primary.Stop()
	until("primary lost", c, func(r Replication) bool { return *r.Lag > 500*time.Millisecond })
}
