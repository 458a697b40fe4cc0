package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// StatementCounts are what the executions of statements came to.
type StatementCounts struct {
	Calls, Seconds, Rows  float64
	BlocksHit, BlocksRead float64 // of tables and indexes, in the server's cache and not there
}

// Statement is an entry of pg_stat_statements: a statement without its constants, of one role in one database. Its text
// is never read, since that of utility statements has constants.
type Statement struct {
	Role, DatabaseID uint32
	Database         string // empty where it was dropped
	ID               int64  // the queryid
	Nested           bool   // executed by a function; entries of these exist with pg_stat_statements.track=all
	StatementCounts
}

// Statements are the entries of pg_stat_statements.
type Statements struct {
	List    []Statement // by their time, the most first, at most so many
	Entries int         // of the extension, those in the list and the others
	Total   StatementCounts
	// Reset is when all of them were reset last, and Evictions counts how often the extension made room for others by
	// forgetting those that were executed least. Both are nil before version 1.9 of the extension (PostgreSQL 14).
	Reset     *time.Time
	Evictions *int64
}

// aboutStatements is what questions about pg_stat_statements are called.
const aboutStatements = "statistics of statements"

// objectNotInPrerequisiteState answers one who asks the extension where the server has not loaded its library.
const objectNotInPrerequisiteState = "55000"

// statementsExtension is where and how the extension answers. An old version of it may live on a new server.
type statementsExtension struct {
	schema, database string
	usable           bool // the role may use the schema
	execTime         bool // total_exec_time, since 1.8; total_time before
	topLevel         bool // toplevel, since 1.9
	info             bool // pg_stat_statements_info, since 1.9
}

// Statements asks for the most expensive statements, at most so many, and for the total of all; nil where the database
// that is connected lacks the extension or the server its library. The error is about what the role may not see.
//
// It calls the extension's function instead of its view: without texts, the server does not read their file.
func (c *Connection) Statements(ctx context.Context, most int) (*Statements, error) {
	q := c.questions(ctx)
	var s *Statements
	q.try(aboutStatements, func() error {
		e, err := c.statementsExtension(ctx)
		if err != nil || e == nil {
			return err
		}
		s, err = c.statements(ctx, e, most)
		if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == objectNotInPrerequisiteState {
			c.lack(aboutStatements, err) // a restart of the server cures it, and closes the connection
			return nil
		}
		return err
	})
	return s, q.err()
}

// aboutExtension is what the absence of the extension is called. It is looked for again in each round, which costs the
// server no error, so that one created later is found.
const aboutExtension = "extension pg_stat_statements"

func (c *Connection) statementsExtension(ctx context.Context) (*statementsExtension, error) {
	var e statementsExtension
	var readsAll bool
	has := func(column string) string {
		return `EXISTS (SELECT FROM pg_attribute a JOIN pg_class v ON v.oid = a.attrelid WHERE v.relnamespace = n.oid
			AND v.relname = 'pg_stat_statements' AND a.attname = '` + column + `' AND NOT a.attisdropped)`
	}
	err := c.row(ctx, `
		SELECT n.nspname, current_database(), has_schema_privilege(n.oid, 'USAGE'),
			pg_has_role('pg_read_all_stats', 'USAGE'), `+has("total_exec_time")+`, `+has("toplevel")+`,
			EXISTS (SELECT FROM pg_class i WHERE i.relnamespace = n.oid AND i.relname = 'pg_stat_statements_info')
		FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname = 'pg_stat_statements'`,
		&e.schema, &e.database, &e.usable, &readsAll, &e.execTime, &e.topLevel, &e.info)
	if errors.Is(err, pgx.ErrNoRows) {
		c.lack(aboutExtension, errors.New("the database that is connected has none: CREATE EXTENSION pg_stat_statements"))
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	delete(c.lacks, aboutExtension)
	role := pgx.Identifier{c.conn.Config().User}.Sanitize()
	if !e.usable {
		return nil, fmt.Errorf("the role may not use the schema %s of pg_stat_statements; GRANT USAGE ON SCHEMA %s TO %s",
			e.schema, pgx.Identifier{e.schema}.Sanitize(), role)
	}
	if !readsAll {
		return nil, fmt.Errorf("the role sees no statements but its own; %s", c.advice(ctx))
	}
	return &e, nil
}

// sql returns the question of statements: the entries, and a last row with the number and the total of all.
func (e *statementsExtension) sql() string {
	seconds, nested := "total_time", "false"
	if e.execTime {
		seconds = "total_exec_time"
	}
	if e.topLevel {
		nested = "NOT toplevel"
	}
	return `
		WITH s AS (
			SELECT userid, dbid, queryid, ` + nested + ` AS nested, calls::float8, ` + seconds + ` / 1000 AS seconds,
				rows::float8, shared_blks_hit::float8 AS hit, shared_blks_read::float8 AS read
			FROM ` + pgx.Identifier{e.schema}.Sanitize() + `.pg_stat_statements(false)
			WHERE queryid IS NOT NULL
		)
		(SELECT s.userid, s.dbid, coalesce(d.datname, ''), s.queryid, s.nested, calls, seconds, rows, hit, read
			FROM s LEFT JOIN pg_database d ON d.oid = s.dbid ORDER BY seconds DESC, queryid LIMIT $1)
		UNION ALL
		SELECT NULL, NULL, '', count(*), false, coalesce(sum(calls), 0), coalesce(sum(seconds), 0), coalesce(sum(rows), 0),
			coalesce(sum(hit), 0), coalesce(sum(read), 0) FROM s`
}

func (c *Connection) statements(ctx context.Context, e *statementsExtension, most int) (*Statements, error) {
	var s Statements
	if e.info {
		err := c.row(ctx, "SELECT stats_reset, dealloc FROM "+
			pgx.Identifier{e.schema, "pg_stat_statements_info"}.Sanitize(), &s.Reset, &s.Evictions)
		if err != nil {
			return nil, err
		}
	}
	err := c.rows(ctx, e.sql(), []any{most}, func(scan func(...any) error) error {
		var role, database *uint32
		one := Statement{}
		err := scan(&role, &database, &one.Database, &one.ID, &one.Nested,
			&one.Calls, &one.Seconds, &one.Rows, &one.BlocksHit, &one.BlocksRead)
		switch {
		case err != nil:
		case role == nil || database == nil:
			s.Entries, s.Total = int(one.ID), one.StatementCounts
		default:
			one.Role, one.DatabaseID = *role, *database
			s.List = append(s.List, one)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &s, nil
}
