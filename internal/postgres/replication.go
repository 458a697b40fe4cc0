package postgres

import (
	"context"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// versionSlotStatus is from which version pg_replication_slots has wal_status.
const versionSlotStatus = 130000

// Replication is how far replicas are behind; nil is what the server did not answer.
type Replication struct {
	// Lag is how old what a replica replayed last is, 0 where it has replayed all that it received and still
	// receives: one that lost its primary has nothing more to replay and falls behind all the same.
	Lag *time.Duration
	// Replicas are those that are connected to this server, and Behind the bytes by which the slowest is.
	Replicas *int
	Behind   *int64
	// Retained is the WAL that the laziest replication slot keeps from being removed. One that is lost keeps none.
	Retained *int64
	// Slots counts the replication slots by wal_status: whether what a slot still needs is kept. One that is unreserved is
	// lost with a checkpoint soon, unless it moves on (PostgreSQL's documentation, pg_replication_slots). Those that never
	// reserved anything have none.
	Slots map[string]int
}

// here is the newest position of the write-ahead log that the server has.
const here = "CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_receive_lsn(), " +
	"pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END"

// Replication asks how far replicas are behind. The error is about what is absent.
func (c *Connection) Replication(ctx context.Context) (Replication, error) {
	var r Replication
	var lag *float64
	q := c.questions(ctx)
	q.ask("replication lag", `
		SELECT CASE WHEN NOT pg_is_in_recovery()
			OR pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 0
			ELSE coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0) END::float8`, &lag)
	r.Lag = duration(lag)
	q.ask("replicas", "SELECT count(*)::int FROM pg_stat_replication", &r.Replicas)
	q.ask("bytes by which replicas are behind",
		"SELECT coalesce(max(greatest("+here+" - replay_lsn, 0)), 0)::int8 FROM pg_stat_replication", &r.Behind)
	q.ask("bytes that replication slots retain",
		"SELECT coalesce(max(greatest("+here+" - restart_lsn, 0)), 0)::int8 FROM pg_replication_slots", &r.Retained)
	if c.Version >= versionSlotStatus {
		q.try("status of replication slots", func() error {
			found := map[string]int{}
			for _, status := range metric.SlotStates {
				found[status] = 0
			}
			err := c.rows(
				ctx, "SELECT wal_status, count(*)::int FROM pg_replication_slots WHERE wal_status IS NOT NULL GROUP BY wal_status",
				nil,
				func(scan func(...any) error) error {
					var status string
					var count int
					err := scan(&status, &count)
					if _, ok := found[status]; ok { // a later version may have another
						found[status] = count
					}
					return err
				})
			if err == nil {
				r.Slots = found
			}
			return err
		})
	}
	return r, q.err()
}
