package postgres

import (
	"context"
	"time"
)

// Upkeep is what indexes and vacuum leave to be done in the database that is connected; others cannot be asked over the
// same connection. nil is what the server did not answer.
type Upkeep struct {
	Database string
	// Since is when the statistics were reset last, by someone or by a crash; nil if the server knows of no reset.
	Since   *time.Time
	Indexes *UnusedIndexes
	Tables  *TablesToVacuum
}

// UnusedIndexes are those that no query has used on this server since its statistics were reset. Those that serve
// without being scanned are left out: unique ones, those of constraints, and those on expressions, whose statistics the
// planner uses. So are invalid ones.
type UnusedIndexes struct {
	Count int64
	Bytes int64 // when they were last vacuumed or analysed: their real size would need a lock on each
}

// TablesToVacuum are those with more dead rows than autovacuum permits them.
type TablesToVacuum struct {
	Count int64
	// OldestVacuum is the longest that the last vacuum of one of them is ago; zero if one has had none since the
	// statistics were reset, nil without such a table.
	OldestVacuum *time.Time
}

// Upkeep asks for indexes and tables. Its cost grows with the number of tables, and its answer changes slowly. The
// error is about what is absent.
func (c *Connection) Upkeep(ctx context.Context) (Upkeep, error) {
	var u Upkeep
	q := c.questions(ctx)
	// A crash discards the statistics of databases without a mark on them, and marks those of the background writer.
	q.ask("reset of statistics", `
		SELECT d.datname, greatest(d.stats_reset, b.stats_reset)
		FROM pg_stat_database d, pg_stat_bgwriter b WHERE d.datname = current_database()`, &u.Database, &u.Since)
	if u.Database == "" {
		return u, q.err()
	}
	var count, size *int64
	q.ask("unused indexes", `
		SELECT count(*), coalesce(sum(greatest(c.relpages, 0)::int8), 0)::int8 * current_setting('block_size')::int8
		FROM pg_stat_user_indexes s
			JOIN pg_index i ON i.indexrelid = s.indexrelid JOIN pg_class c ON c.oid = s.indexrelid
		WHERE s.idx_scan = 0 AND i.indisvalid AND NOT i.indisunique AND NOT i.indisexclusion AND 0 <> ALL (i.indkey)
			AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = s.indexrelid)`, &count, &size)
	if count != nil && size != nil {
		u.Indexes = &UnusedIndexes{Count: *count, Bytes: *size}
	}
	var tables TablesToVacuum
	var overdue *int64
	var oldest *float64
	q.ask("tables without vacuum", tablesToVacuum, &overdue, &oldest)
	if overdue != nil {
		tables.Count = *overdue
		u.Tables = &tables
	}
	if oldest != nil {
		tables.OldestVacuum = new(time.Time)
		if *oldest > 0 {
			*tables.OldestVacuum = time.UnixMilli(int64(*oldest * 1000))
		}
	}
	return u, q.err()
}

// tablesToVacuum applies autovacuum's own formula: the settings of the table, otherwise those of the server. The
// maximum exists since version 18.
const tablesToVacuum = `
	SELECT count(*), min(coalesce(extract(epoch FROM greatest(last_vacuum, last_autovacuum)), 0))::float8
	FROM (
		SELECT s.n_dead_tup, s.last_vacuum, s.last_autovacuum,
			coalesce(o.threshold, current_setting('autovacuum_vacuum_threshold')::float8)
				+ coalesce(o.scale, current_setting('autovacuum_vacuum_scale_factor')::float8) * greatest(c.reltuples, 0) AS most,
			coalesce(o.maximum, current_setting('autovacuum_vacuum_max_threshold', true)::float8, -1) AS maximum
		FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid,
			LATERAL (
				SELECT max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_vacuum_threshold') AS threshold,
					max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_vacuum_scale_factor') AS scale,
					max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_vacuum_max_threshold') AS maximum
				FROM pg_options_to_table(c.reloptions)
			) o
	) t
	WHERE n_dead_tup > CASE WHEN maximum >= 0 THEN least(most, maximum) ELSE most END`

// IDAges are how many transactions and multixacts ago the oldest of a database began that is not frozen.
type IDAges struct {
	Database                 string
	Transactions, Multixacts int64
}

// FreezeAges are the ages at which autovacuum freezes a table, even where it is off.
type FreezeAges struct{ Transactions, Multixacts int64 }

// IDAges asks for the age of every database, templates too, at most so many, the oldest first. FreezeAges is nil where
// the server does not answer. The error is about what is absent.
func (c *Connection) IDAges(ctx context.Context, most int) ([]IDAges, *FreezeAges, error) {
	var list []IDAges
	q := c.questions(ctx)
	q.try("ages of transactions", func() error {
		list = nil
		return c.rows(ctx, `
			SELECT datname, age(datfrozenxid)::int8, mxid_age(datminmxid)::int8 FROM pg_database
			ORDER BY greatest(age(datfrozenxid), mxid_age(datminmxid)) DESC, datname LIMIT $1`, []any{most},
			func(scan func(...any) error) error {
				var one IDAges
				err := scan(&one.Database, &one.Transactions, &one.Multixacts)
				list = append(list, one)
				return err
			})
	})
	var transactions, multixacts *int64
	q.ask("ages at which autovacuum freezes", `
		SELECT current_setting('autovacuum_freeze_max_age')::int8,
			current_setting('autovacuum_multixact_freeze_max_age')::int8`, &transactions, &multixacts)
	if transactions == nil || multixacts == nil {
		return list, nil, q.err()
	}
	return list, &FreezeAges{*transactions, *multixacts}, q.err()
}
