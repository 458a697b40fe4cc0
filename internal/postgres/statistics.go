package postgres

import (
	"context"
	"time"
)

// Server is the state of a server as a whole.
type Server struct {
	Started        time.Time
	Recovery       bool // it is a replica
	MaxConnections int
	Reserved       int // of them, for superusers
	// Blind tells that the role sees no sessions but its own: what follows is not known.
	Blind       bool
	Connections int // of clients
	// OldestTransaction is the age of the oldest open transaction of a client.
	OldestTransaction time.Duration
}

// Server asks for the state of the server as a whole.
func (c *Connection) Server(ctx context.Context) (Server, error) {
	var s Server
	var oldest float64
	err := c.row(ctx, `
		SELECT pg_postmaster_start_time(), pg_is_in_recovery(), NOT pg_has_role('pg_read_all_stats', 'USAGE'),
			current_setting('max_connections')::int,
			current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true)::int, 0),
			count(*) FILTER (WHERE backend_type = 'client backend')::int,
			coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)) FILTER (WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()), 0)::float8
		FROM pg_stat_activity`,
		&s.Started, &s.Recovery, &s.Blind, &s.MaxConnections, &s.Reserved, &s.Connections, &oldest)
	s.OldestTransaction = time.Duration(max(oldest, 0) * float64(time.Second))
	return s, err
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

// Databases asks for every database, the largest by transactions first, at most so many.
func (c *Connection) Databases(ctx context.Context, most int) ([]Database, error) {
	var list []Database
	err := c.rows(ctx, `
		SELECT s.datname,
			CASE WHEN has_database_privilege(s.datid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')
				THEN pg_database_size(s.datid) ELSE -1 END,
			s.numbackends, s.xact_commit, s.xact_rollback, s.blks_read, s.blks_hit,
			s.blk_read_time / 1000, s.blk_write_time / 1000, s.temp_bytes, s.deadlocks,
			s.tup_inserted, s.tup_updated, s.tup_deleted
		FROM pg_stat_database s JOIN pg_database d ON d.oid = s.datid
		WHERE NOT d.datistemplate
		ORDER BY s.xact_commit + s.xact_rollback DESC, s.datname
		LIMIT $1`, []any{most}, func(scan func(...any) error) error {
		var d Database
		err := scan(&d.Name, &d.Size, &d.Connections, &d.Commits, &d.Rollbacks, &d.BlocksRead, &d.BlocksHit,
			&d.ReadTime, &d.WriteTime, &d.TempBytes, &d.Deadlocks, &d.Inserted, &d.Updated, &d.Del)
		list = append(list, d)
		return err
	})
	return list, err
}

// WAL is the state of the write-ahead log and of its archive.
type WAL struct {
	Written  int64 // bytes since the cluster was made
	Size     int64 // bytes in pg_wal
	Archives bool  // archiving is on
	// Unarchived is how many finished files wait for their archive.
	Unarchived                int
	Archived, Failed          int64
	LastArchived, LastFailure time.Time // zero if there was none
}

// WAL asks for the state of the write-ahead log.
func (c *Connection) WAL(ctx context.Context) (WAL, error) {
	var w WAL
	var archived, failed *time.Time
	err := c.row(ctx, `
		SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn)::int8,
			(SELECT coalesce(sum(size), 0)::int8 FROM pg_ls_waldir()),
			current_setting('archive_mode') <> 'off',
			(SELECT count(*)::int FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'),
			archived_count, failed_count, last_archived_time, last_failed_time
		FROM pg_stat_archiver`,
		&w.Written, &w.Size, &w.Archives, &w.Unarchived, &w.Archived, &w.Failed, &archived, &failed)
	if archived != nil {
		w.LastArchived = *archived
	}
	if failed != nil {
		w.LastFailure = *failed
	}
	return w, err
}

// Replication is how far replicas are behind.
type Replication struct {
	// Lag is how old what a replica replayed last is, 0 where it has replayed all that it received and still
	// receives: one that lost its primary has nothing more to replay and falls behind all the same.
	Lag time.Duration
	// Replicas are those that are connected to this server, and Behind the bytes by which the slowest is.
	Replicas int
	Behind   int64
	// Retained is the WAL that the laziest replication slot keeps from being removed.
	Retained int64
}

// Replication asks how far replicas are behind.
func (c *Connection) Replication(ctx context.Context) (Replication, error) {
	var r Replication
	var lag float64
	err := c.row(ctx, `
		WITH here AS (
			SELECT CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END AS lsn
		)
		SELECT
			CASE WHEN NOT pg_is_in_recovery()
				OR pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 0
				ELSE coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0) END::float8,
			(SELECT count(*)::int FROM pg_stat_replication),
			(SELECT coalesce(max(greatest(here.lsn - replay_lsn, 0)), 0)::int8 FROM pg_stat_replication),
			(SELECT coalesce(max(greatest(here.lsn - restart_lsn, 0)), 0)::int8 FROM pg_replication_slots)
		FROM here`,
		&lag, &r.Replicas, &r.Behind, &r.Retained)
	r.Lag = time.Duration(max(lag, 0) * float64(time.Second))
	return r, err
}
