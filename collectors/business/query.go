package business

import (
	"context"
	"errors"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/postgres"
	"github.com/thorbis/thorbis_exporter/internal/secret"
	"github.com/thorbis/thorbis_exporter/metric"
)

// A query that has failed so often in a row is asked at a tenth of its pace: it does no good, and perhaps harm.
const (
	patience = 3
	slowdown = 10
)

// query is how the query of a transaction or a figure fares. The collector's lock guards it.
type query struct {
	name     string
	interval time.Duration

	succeeded time.Time // at last; when it was first in the policy, before
	answered  bool      // since the start
	failed    int       // in a row
	asked     time.Time
	problem   string
	fault     string
	failures  map[string]uint64 // by reason
	folded    uint64            // rows
}

func newQuery(name string, interval time.Duration) *query {
	return &query{name: name, interval: interval, failures: map[string]uint64{}}
}

// paused reports whether a query that goes on failing is not asked now.
func (q *query) paused(now time.Time) bool {
	return q.failed >= patience && now.Sub(q.asked) < slowdown*q.interval-q.interval/2
}

// note notes how asking went.
func (q *query) note(err error, now time.Time) {
	if err == nil {
		q.succeeded, q.answered, q.failed, q.problem, q.fault = now, true, 0, "", ""
		return
	}
	q.failed++
	q.fault = reasonOf(err)
	q.failures[q.fault]++
	q.problem = secret.Mask(err.Error())
}

// reasonOf returns the value of the label for an error.
func reasonOf(err error) string {
	if failure, ok := errors.AsType[*postgres.QueryError](err); ok {
		return string(failure.Fault)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return metric.QueryTimeout
	}
	return metric.QueryUnreachable
}

// cures are what to do about a query by why it fails.
var cures = map[string]string{
	metric.QueryUnreachable: "Check that the database answers, and dsn_file.",
	metric.QueryRefused:     "GRANT the role SELECT on what the query reads; a query that writes is refused.",
	metric.QueryTimeout:     "EXPLAIN the query: it lacks an index, or reads too much at once.",
	metric.QueryTooManyRows: "Group the rows, or limit them.",
	metric.QueryTooLarge:    "Return shorter columns.",
	metric.QueryShape:       "Compare the columns of the query with docs/business.md.",
	metric.QueryInvalid:     "Run the query with psql in a transaction that is READ ONLY.",
}

// polled returns a poll of a query: one round, but for pauses, with what became of it noted. The collector
// does not fail with a query: rules report it, with the owner of what it counts.
func (c *Collector) polled(q *query, round func(ctx context.Context, now time.Time) error) collectors.Poll {
	return collectors.Poll{
		Part: q.name, Interval: q.interval,
		Round: func(ctx context.Context) error {
			now := c.now()
			c.mu.Lock()
			paused := q.paused(now)
			if !paused {
				q.asked = now
			}
			c.mu.Unlock()
			if paused {
				return nil
			}
			err := round(ctx, now)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			before := q.fault
			q.note(err, now)
			c.saving.Change()
			switch {
			case err != nil && q.fault != before:
				c.logger.Warn("A query has failed", "query", q.name, "reason", q.fault, "err", err)
			case err == nil && before != "":
				c.logger.Info("A query succeeds again", "query", q.name)
			}
			return nil
		},
	}
}
