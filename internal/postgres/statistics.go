package postgres

import (
	"context"
	"fmt"
	"time"
)

// Server is the state of a server as a whole; nil is what it did not answer.
type Server struct {
	Started  *time.Time
	Recovery *bool // it is a replica
	// Permitted is how many connections roles that are not superusers may have.
	Permitted *int
	// Connections of clients; absent where the role sees none but its own.
	Connections *int
	// OldestTransaction is the age of the oldest open transaction of a client.
	OldestTransaction *time.Duration
}

// Server asks for the state of the server as a whole. The error is about what it did not answer.
func (c *Connection) Server(ctx context.Context) (Server, error) {
	var s Server
	q := c.questions(ctx)
	q.ask("start", "SELECT pg_postmaster_start_time()", &s.Started)
	q.ask("recovery", "SELECT pg_is_in_recovery()", &s.Recovery)
	q.ask("permitted connections", `
		SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
			- coalesce(current_setting('reserved_connections', true)::int, 0)`, &s.Permitted)
	blind := true
	q.ask("rights", "SELECT NOT pg_has_role('pg_read_all_stats', 'USAGE')", &blind)
	if blind {
		if len(q.errs) == 0 && !c.Closed() {
			q.errs = append(q.errs, fmt.Errorf("the role sees no sessions but its own; %s", c.advice(ctx)))
		}
		return s, q.err()
	}
	var oldest *float64
	q.ask("sessions", `
		SELECT count(*)::int, coalesce(max(extract(epoch FROM clock_timestamp() - xact_start))
			FILTER (WHERE pid <> pg_backend_pid()), 0)::float8
		FROM pg_stat_activity WHERE backend_type = 'client backend'`, &s.Connections, &oldest)
	s.OldestTransaction = duration(oldest)
	return s, q.err()
}

// duration returns seconds as a duration, at least 0, nil for nil.
func duration(seconds *float64) *time.Duration {
	if seconds == nil {
		return nil
	}
	d := time.Duration(max(*seconds, 0) * float64(time.Second))
	return &d
}

// Database is what one database of a server holds and did.
type Database struct {
	Name string
	// Size is -1 where it could not be had: the role may not connect to it.
	Size                   int64
	Connections            int
	Commits, Rollbacks     int64
	BlocksRead, BlocksHit  int64
	ReadTime, WriteTime    float64 // seconds; 0 unless track_io_timing is on
	TempBytes, Deadlocks   int64
	Inserted, Updated, Del int64 // rows
}

// Databases asks for every database, the largest by transactions first, at most so many. The error is about what is
// absent.
func (c *Connection) Databases(ctx context.Context, most int) ([]Database, error) {
	var list []Database
	q := c.questions(ctx)
	q.try("databases", func() error {
		list = nil
		return c.rows(ctx, `
			SELECT s.datname, s.numbackends, s.xact_commit, s.xact_rollback, s.blks_read, s.blks_hit,
				s.blk_read_time / 1000, s.blk_write_time / 1000, s.temp_bytes, s.deadlocks,
				s.tup_inserted, s.tup_updated, s.tup_deleted
			FROM pg_stat_database s JOIN pg_database d ON d.oid = s.datid
			WHERE NOT d.datistemplate
			ORDER BY s.xact_commit + s.xact_rollback DESC, s.datname
			LIMIT $1`, []any{most}, func(scan func(...any) error) error {
			d := Database{Size: -1}
			err := scan(&d.Name, &d.Connections, &d.Commits, &d.Rollbacks, &d.BlocksRead, &d.BlocksHit,
				&d.ReadTime, &d.WriteTime, &d.TempBytes, &d.Deadlocks, &d.Inserted, &d.Updated, &d.Del)
			list = append(list, d)
			return err
		})
	})
	if len(list) == 0 {
		return nil, q.err()
	}
	sizes := map[string]int64{}
	q.try("sizes of databases", func() error {
		return c.rows(ctx, `
			SELECT datname, pg_database_size(oid) FROM pg_database
			WHERE NOT datistemplate AND (has_database_privilege(oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE'))
			LIMIT $1`, []any{most}, func(scan func(...any) error) error {
			var name string
			var size *int64
			err := scan(&name, &size)
			if size != nil { // it is dropped at this moment
				sizes[name] = *size
			}
			return err
		})
	})
	for i := range list {
		if size, ok := sizes[list[i].Name]; ok {
			list[i].Size = size
		}
	}
	return list, q.err()
}
