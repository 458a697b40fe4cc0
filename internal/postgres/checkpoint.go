package postgres

import "context"

// versionCheckpointer is from which version the checkpointer has a view of its own. What backends wrote went
// away then: it is in pg_stat_io.
const versionCheckpointer = 170000

// Checkpoints are what was written behind the backends' backs, since the server's statistics began.
type Checkpoints struct {
	Timed, Requested           int64
	WriteSeconds, SyncSeconds  float64
	ByCheckpoint, ByBackground int64 // buffers
	// ByBackend is nil if the server does not report it.
	ByBackend *int64
}

func checkpointQuery(version int) string {
	if version >= versionCheckpointer {
		return `SELECT c.num_timed, c.num_requested, c.write_time / 1000, c.sync_time / 1000,
			c.buffers_written, b.buffers_clean, NULL::int8
			FROM pg_stat_checkpointer c, pg_stat_bgwriter b`
	}
	return `SELECT checkpoints_timed, checkpoints_req, checkpoint_write_time / 1000, checkpoint_sync_time / 1000,
		buffers_checkpoint, buffers_clean, buffers_backend
		FROM pg_stat_bgwriter`
}

// Checkpoints asks for what the checkpointer and the background writer did; nil where the server does not answer.
func (c *Connection) Checkpoints(ctx context.Context) (*Checkpoints, error) {
	var p Checkpoints
	var answered bool
	q := c.questions(ctx)
	q.try("checkpoints", func() error {
		err := c.row(ctx, checkpointQuery(c.Version), &p.Timed, &p.Requested, &p.WriteSeconds, &p.SyncSeconds,
			&p.ByCheckpoint, &p.ByBackground, &p.ByBackend)
		answered = err == nil
		return err
	})
	if !answered {
		return nil, q.err()
	}
	return &p, nil
}
