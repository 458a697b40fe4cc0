package postgres

import (
	"context"
	"time"
)

// WAL is the state of the write-ahead log and of its archive; nil is what the server did not answer.
type WAL struct {
	Written  *int64 // bytes since the cluster was made
	Size     *int64 // bytes in pg_wal
	Archives *bool  // archiving is on
	// Unarchived is how many finished files wait for their archive.
	Unarchived *int
	Archiver   *Archiver
}

// Archiver is what became of finished files.
type Archiver struct {
	Archived, Failed          int64
	LastArchived, LastFailure time.Time // zero if there was none
}

// WAL asks for the state of the write-ahead log. The error is about what is absent.
func (c *Connection) WAL(ctx context.Context) (WAL, error) {
	var w WAL
	q := c.questions(ctx)
	q.ask("position of the write-ahead log", `
		SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END
			- '0/0'::pg_lsn)::int8`, &w.Written)
	q.ask("size of the write-ahead log", "SELECT coalesce(sum(size), 0)::int8 FROM pg_ls_waldir()", &w.Size)
	q.ask("archive mode", "SELECT current_setting('archive_mode') <> 'off'", &w.Archives)
	q.ask("unarchived files", "SELECT count(*)::int FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'",
		&w.Unarchived)
	var archived, failed *int64
	var lastArchived, lastFailed *time.Time
	q.ask("archiver", "SELECT archived_count, failed_count, last_archived_time, last_failed_time FROM pg_stat_archiver",
		&archived, &failed, &lastArchived, &lastFailed)
	if archived != nil && failed != nil {
		w.Archiver = &Archiver{Archived: *archived, Failed: *failed}
		if lastArchived != nil {
			w.Archiver.LastArchived = *lastArchived
		}
		if lastFailed != nil {
			w.Archiver.LastFailure = *lastFailed
		}
	}
	return w, q.err()
}
