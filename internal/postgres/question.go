package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Codes of answers, from PostgreSQL's documentation, appendix A.
const (
	insufficientPrivilege = "42501"
	featureNotSupported   = "0A000" // Aurora answers so for functions of the write-ahead log
	undefinedFunction     = "42883"
	undefinedTable        = "42P01"
	undefinedColumn       = "42703"
)

// questions puts one question after the other. Each is about one function or view, so that one that is missing, or that
// the role may not use, costs no other its answer.
type questions struct {
	c    *Connection
	ctx  context.Context
	errs []error
}

func (c *Connection) questions(ctx context.Context) *questions { return &questions{c: c, ctx: ctx} }

// ask reads the one row that answers a question about something. What it is read into stays as it was without an
// answer.
func (q *questions) ask(about, sql string, into ...any) {
	q.try(about, func() error { return q.c.row(q.ctx, sql, into...) })
}

// try puts a question whose answer is read by the function given. A server that cannot answer is not asked again over
// this connection: it would log an error each time.
func (q *questions) try(about string, question func() error) {
	if _, lacking := q.c.lacks[about]; lacking || q.c.Closed() {
		return
	}
	err := question()
	if err == nil {
		return
	}
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		q.errs = append(q.errs, fmt.Errorf("%s: %w", about, err))
		return
	}
	switch refused.Code {
	case featureNotSupported, undefinedFunction, undefinedTable, undefinedColumn:
		q.c.lack(about, err)
	case insufficientPrivilege:
		q.errs = append(q.errs, fmt.Errorf("%s: %w; %s", about, err, q.c.advice(q.ctx)))
	default:
		q.errs = append(q.errs, fmt.Errorf("%s: %w", about, err))
	}
}

// lack records that the server cannot answer a question.
func (c *Connection) lack(about string, err error) {
	if c.lacks == nil {
		c.lacks = map[string]error{}
	}
	c.lacks[about] = err
}

// err returns what kept questions from being answered, but for what the server lacks.
func (q *questions) err() error { return errors.Join(q.errs...) }

// Lacks returns, sorted, what the server has no function or view for, with its own words.
func (c *Connection) Lacks() []string {
	var list []string
	for _, about := range slices.Sorted(maps.Keys(c.lacks)) {
		list = append(list, fmt.Sprintf("%s: %v", about, c.lacks[about]))
	}
	return list
}

// advice returns what the role needs to get an answer that it was refused.
func (c *Connection) advice(ctx context.Context) string {
	role := pgx.Identifier{c.conn.Config().User}.Sanitize()
	var member, inherits bool
	if err := c.row(ctx, "SELECT pg_has_role('pg_monitor', 'MEMBER'), pg_has_role('pg_monitor', 'USAGE')", &member,
		&inherits); err != nil {
		return "GRANT pg_monitor TO " + role
	}
	switch {
	case inherits:
		return fmt.Sprintf(
			"%s has pg_monitor already, and this database or its provider keeps it from the role; "+
				"GRANT EXECUTE on the function, or SELECT on the view, TO %s", role, role)
	case member:
		return fmt.Sprintf(
			"%s is a member of pg_monitor and does not inherit its rights; "+
				"ALTER ROLE %s INHERIT, or from PostgreSQL 16 on GRANT pg_monitor TO %s WITH INHERIT TRUE", role, role, role)
	}
	return "GRANT pg_monitor TO " + role
}
