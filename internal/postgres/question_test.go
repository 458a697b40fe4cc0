package postgres

import (
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
	"github.com/thorbis/thorbis_exporter/metric"
)

// everything is what one round asks of a server, each part with whether it was answered.
func everything(t *testing.T, c *Connection) (parts map[string]bool, errs []string) {
	t.Helper()
	note := func(err error) {
		if err != nil {
			errs = append(errs, err.Error())
		}
	}
	s, err := c.Server(t.Context())
	note(err)
	d, err := c.Databases(t.Context(), 100)
	note(err)
	w, err := c.WAL(t.Context())
	note(err)
	r, err := c.Replication(t.Context())
	note(err)
	sized := false
	for _, one := range d {
		sized = sized || one.Size > 0
	}
	return map[string]bool{
		"started": s.Started != nil, "permitted": s.Permitted != nil, "sessions": s.Connections != nil,
		"databases": len(d) > 0, "sizes": sized,
		"position": w.Written != nil, "size": w.Size != nil, "archives": w.Archives != nil,
		"unarchived": w.Unarchived != nil, "archiver": w.Archiver != nil,
		"lag": r.Lag != nil, "replicas": r.Replicas != nil, "behind": r.Behind != nil, "retained": r.Retained != nil,
		"slots": r.Slots != nil,
	}, errs
}

// Each function and view is asked for by itself: one that the server lacks, as Aurora does, or that the role may not
// use costs nothing but its own answer. What is lacking is no error; what is refused names what the role needs.
func TestOneMissingFunctionCostsNothingElse(t *testing.T) {
	server := postgrestest.Start(t, "allow_system_table_mods=on")
	server.Query(t, "postgres", "CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor")
	c, err := connect(t, server.DSN("monitor", "postgres"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	whole, errs := everything(t, c)
	for part, answered := range whole {
		if !answered {
			t.Errorf("%s is not answered: %q", part, errs)
		}
	}
	if len(errs) > 0 || len(c.Lacks()) > 0 {
		t.Fatalf("%q, lacks %q", errs, c.Lacks())
	}
	const aurora = ` LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'Function is currently not supported for Aurora' USING ` +
		`ERRCODE = 'feature_not_supported'; END$$`
	for _, tc := range []struct {
		name, broken, mended string
		parts                []string
		lacks                bool
		says                 string
	}{
		{
			name: "position not supported",
			broken: "ALTER FUNCTION pg_catalog.pg_current_wal_lsn() RENAME TO away; " +
				"CREATE FUNCTION pg_catalog.pg_current_wal_lsn() RETURNS pg_lsn" + aurora,
			mended: "DROP FUNCTION pg_catalog.pg_current_wal_lsn(); " +
				"ALTER FUNCTION pg_catalog.away() RENAME TO pg_current_wal_lsn",
			parts: []string{"position", "retained"}, lacks: true, says: "not supported for Aurora",
		},
		{
			name:   "directory missing",
			broken: "ALTER FUNCTION pg_catalog.pg_ls_waldir() RENAME TO away",
			mended: "ALTER FUNCTION pg_catalog.away() RENAME TO pg_ls_waldir",
			parts:  []string{"size"}, lacks: true, says: "pg_ls_waldir() does not exist",
		},
		{
			name:   "archive directory refused",
			broken: "REVOKE EXECUTE ON FUNCTION pg_ls_archive_statusdir() FROM pg_monitor",
			mended: "GRANT EXECUTE ON FUNCTION pg_ls_archive_statusdir() TO pg_monitor",
			parts:  []string{"unarchived"}, says: `"monitor" has pg_monitor already`,
		},
		{
			name:   "slots refused",
			broken: "REVOKE SELECT ON pg_replication_slots FROM PUBLIC",
			mended: "GRANT SELECT ON pg_replication_slots TO PUBLIC",
			parts:  []string{"retained", "slots"}, says: "GRANT EXECUTE on the function, or SELECT on the view",
		},
		{
			name:   "archiver refused",
			broken: "REVOKE SELECT ON pg_stat_archiver FROM PUBLIC", mended: "GRANT SELECT ON pg_stat_archiver TO PUBLIC",
			parts: []string{"archiver"}, says: "pg_stat_archiver",
		},
		{
			name:   "sizes refused",
			broken: "REVOKE EXECUTE ON FUNCTION pg_database_size(oid) FROM PUBLIC",
			mended: "GRANT EXECUTE ON FUNCTION pg_database_size(oid) TO PUBLIC",
			parts:  []string{"sizes"}, says: "pg_database_size",
		},
		{
			name:   "start refused",
			broken: "REVOKE EXECUTE ON FUNCTION pg_postmaster_start_time() FROM PUBLIC",
			mended: "GRANT EXECUTE ON FUNCTION pg_postmaster_start_time() TO PUBLIC",
			parts:  []string{"started"}, says: "pg_postmaster_start_time",
		},
		{
			name:   "without the role",
			broken: "REVOKE pg_monitor FROM monitor", mended: "GRANT pg_monitor TO monitor",
			parts: []string{"sessions", "size", "unarchived"}, says: `GRANT pg_monitor TO "monitor"`,
		},
		{
			name:   "role not inherited",
			broken: "ALTER ROLE monitor NOINHERIT", mended: "ALTER ROLE monitor INHERIT",
			parts: []string{"sessions", "size", "unarchived"}, says: "does not inherit its rights",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server.Query(t, "postgres", tc.broken)
			defer server.Query(t, "postgres", tc.mended)
			c, err := connect(t, server.DSN("monitor", "postgres"), time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				got, errs := everything(t, c)
				lost := 0
				for part, answered := range got {
					if !answered {
						lost++
						if !strings.Contains(" "+strings.Join(tc.parts, " ")+" ", " "+part+" ") {
							t.Errorf("%s is lost as well: %q", part, errs)
						}
					}
				}
				if lost == 0 {
					t.Error("nothing is lost")
				}
				said := strings.Join(errs, "\n")
				if tc.lacks {
					if said != "" {
						t.Errorf("what the server lacks is an error: %s", said)
					}
					said = strings.Join(c.Lacks(), "\n")
				}
				if !strings.Contains(said, tc.says) {
					t.Errorf("it says %q, want %s", said, tc.says)
				}
			}
		})
	}
}

// A slot that nothing reads loses its log for max_slot_wal_keep_size: it is unreserved or lost, and not merely a slot
// that retains nothing.
func TestLostSlot(t *testing.T) {
	server := postgrestest.Start(t, "wal_level=replica", "max_replication_slots=4", "max_slot_wal_keep_size=1MB",
		"max_wal_size=32MB", "min_wal_size=32MB")
	server.Query(t, "postgres", "CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor; CREATE TABLE t (n int)")
	c, err := connect(t, server.DSN("monitor", "postgres"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if c.Version < versionSlotStatus {
		t.Skip("the server is older than 13: its slots cannot be lost")
	}
	server.Query(
		t, "postgres",
		"SELECT pg_create_physical_replication_slot('unused'); SELECT pg_create_physical_replication_slot('lazy', true)")
	slots := func() Replication {
		t.Helper()
		r, err := c.Replication(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := slots(); r.Slots[metric.SlotReserved] != 1 || r.Slots[metric.SlotLost] != 0 ||
		len(r.Slots) != len(metric.SlotStates) {
		t.Fatalf("a new slot: %+v", r)
	}
	var unreserved bool
	for deadline := time.Now().Add(2 * time.Minute); ; { // each round writes more of the log
		server.Query(t, "postgres", "INSERT INTO t SELECT generate_series(1, 1000)")
		server.Query(t, "postgres", "SELECT pg_switch_wal()")
		r := slots()
		unreserved = unreserved || r.Slots[metric.SlotUnreserved] == 1
		if unreserved && r.Slots[metric.SlotLost] == 0 {
			server.Query(t, "postgres", "CHECKPOINT")
			r = slots()
		}
		if r.Slots[metric.SlotLost] == 1 {
			if *r.Retained != 0 || r.Slots[metric.SlotUnreserved] != 0 {
				t.Errorf("a lost slot: %+v", r)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the slot is never lost: %+v", r)
		}
	}
	if !unreserved {
		t.Error("the slot was never seen unreserved")
	}
	server.Query(t, "postgres", "SELECT pg_drop_replication_slot('lazy')")
	if r := slots(); r.Slots[metric.SlotLost] != 0 {
		t.Errorf("the slot is dropped: %+v", r)
	}
}
