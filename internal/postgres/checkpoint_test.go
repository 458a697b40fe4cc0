package postgres

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// A server of its own version, and views of the shape that 17 gave them.
func TestCheckpoints(t *testing.T) {
	server := postgrestest.Start(t)
	server.Query(t, "postgres", "CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor")
	c, err := connect(t, server.DSN("monitor", "postgres"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	server.Query(t, "postgres", "CREATE TABLE numbers AS SELECT generate_series(1, 1000) AS n")
	server.Query(t, "postgres", "CHECKPOINT")
	// The checkpointer publishes its statistics after it has answered.
	p := &Checkpoints{}
	testkit.Eventually(t, func() bool {
		if p, err = c.Checkpoints(t.Context()); err != nil {
			t.Fatal(err)
		}
		return p.Requested > 0
	}, "the checkpoint is published")
	if p.Requested < 1 || p.ByCheckpoint < 1 || (p.ByBackend == nil) != (c.Version >= versionCheckpointer) {
		t.Errorf("%+v of a server of %d", p, c.Version)
	}
	if c.Version < versionCheckpointer {
		own := strings.Split(server.Query(t, "postgres", "SELECT checkpoints_req, buffers_checkpoint FROM pg_stat_bgwriter"),
			"|")
		if own[0] != strconv.FormatInt(p.Requested, 10) || own[1] != strconv.FormatInt(p.ByCheckpoint, 10) {
			t.Errorf("%+v, the server says %v", p, own)
		}
	}

	server.Query(t, "postgres", `CREATE SCHEMA pg17; GRANT USAGE ON SCHEMA pg17 TO monitor;
		CREATE VIEW pg17.pg_stat_checkpointer AS
			SELECT 3::int8 AS num_timed, 2::int8 AS num_requested, 1500::float8 AS write_time,
				250::float8 AS sync_time, 40::int8 AS buffers_written;
		CREATE VIEW pg17.pg_stat_bgwriter AS
			SELECT 7::int8 AS buffers_clean, 0::int8 AS maxwritten_clean, 9::int8 AS buffers_alloc;
		GRANT SELECT ON ALL TABLES IN SCHEMA pg17 TO monitor`)
	if _, err := c.conn.Exec(t.Context(), "SET search_path = pg17, pg_catalog"); err != nil {
		t.Fatal(err)
	}
	c.Version = 170002
	want := Checkpoints{Timed: 3, Requested: 2, WriteSeconds: 1.5, SyncSeconds: 0.25, ByCheckpoint: 40, ByBackground: 7}
	if p, err = c.Checkpoints(t.Context()); err != nil || *p != want {
		t.Errorf("%+v, %v", p, err)
	}
}
