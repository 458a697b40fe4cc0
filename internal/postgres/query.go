package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
)

// maxMessage bounds a row, and any other message of a server that is asked somebody else's query.
const maxMessage = 64 << 10

// Fault is why somebody else's query was not answered.
type Fault string

// Faults of queries.
const (
	FaultUnreachable Fault = "unreachable"    // the connection is gone
	FaultRefused     Fault = "refused"        // a right is missing, or the query writes
	FaultTimeout     Fault = "timeout"        // of the statement, or of a lock
	FaultTooManyRows Fault = "too_many_rows"  // more than the most permitted
	FaultTooLarge    Fault = "too_large"      // a row of more than 64 KiB
	FaultShape       Fault = "unusable_shape" // columns are missing, or hold values of another type
	FaultInvalid     Fault = "invalid"        // any other error of the server, such as one of syntax
)

// QueryError is the error of somebody else's query.
type QueryError struct {
	Fault Fault
	Err   error
}

// Error returns the text of the error itself.
func (e *QueryError) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e *QueryError) Unwrap() error { return e.Err }

// Row is a row of an answer: the values by the names of their columns, as pgx decodes them.
type Row map[string]any

// WithoutZone is the value of a timestamp without time zone. Only its writer knows which moment it is.
type WithoutZone time.Time

// Query puts somebody else's query, and calls each for every row of the answer. The query is one statement (the
// extended protocol takes no more), reads only, waits for nothing longer than the timeout of the connection, and
// returns at most so many rows; with more, none of what each was given counts. Every error is a QueryError.
//
// It runs as a subquery with a limit, so that a server does not send what is not read, and in a transaction of its own
// with limits of its own: those of the session do not hold behind a pooler. Functions can still write by other ways,
// such as dblink: the role is the real fence.
func (c *Connection) Query(ctx context.Context, sql string, args []any, most int, each func(Row) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout+grace)
	defer cancel()
	c.conn.PgConn().Frontend().SetMaxBodyLen(maxMessage)
	tx, err := c.conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return queryError(err)
	}
	// A transaction that has only read ends either way; a connection that is broken is closed by the library.
	defer func() { _ = tx.Rollback(ctx) }()
	limit := strconv.FormatInt(max(c.timeout.Milliseconds(), 1), 10)
	for _, setting := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		if _, err := tx.Exec(ctx, "SET LOCAL "+setting+" = "+limit); err != nil {
			return queryError(err)
		}
	}
	// The line ends before the bracket, or a comment at the end of the query would hide it.
	text := "SELECT * FROM (" + strings.TrimRight(strings.TrimSpace(sql), "; \t\n") + "\n) AS asked LIMIT " +
		strconv.Itoa(most+1)
	rows, err := tx.Query(ctx, text, args...)
	if err != nil {
		return queryError(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		if n++; n > most {
			return &QueryError{FaultTooManyRows, fmt.Errorf("the query returns more than %d rows: group or limit them", most)}
		}
		values, err := rows.Values()
		if err != nil {
			return &QueryError{FaultShape, err}
		}
		row := Row{}
		for i, f := range rows.FieldDescriptions() {
			if t, ok := values[i].(time.Time); ok && f.DataTypeOID == pgtype.TimestampOID {
				values[i] = WithoutZone(t)
			}
			row[f.Name] = values[i]
		}
		if err := each(row); err != nil {
			return &QueryError{FaultShape, err}
		}
	}
	if err := rows.Err(); err != nil {
		return queryError(err)
	}
	return nil
}

// queryError finds the fault. Codes: PostgreSQL's documentation, appendix A.
func queryError(err error) error {
	const (
		readOnlyTransaction = "25006"
		canceled            = "57014"
		lockNotAvailable    = "55P03"
		idleInTransaction   = "25P03"
		shutDown            = "57P"
		connectionClass     = "08"
		resources           = "53"
	)
	if _, ok := errors.AsType[*pgproto3.ExceededMaxBodyLenErr](err); ok {
		return &QueryError{FaultTooLarge, fmt.Errorf("a row is larger than %d bytes: return fewer or shorter columns",
			maxMessage)}
	}
	answer, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok && (errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err)):
		return &QueryError{FaultTimeout, errors.New("the server has not answered in time")}
	case !ok:
		return &QueryError{FaultUnreachable, err}
	case answer.Code == readOnlyTransaction || answer.Code == insufficientPrivilege:
		return &QueryError{FaultRefused, err}
	case answer.Code == canceled || answer.Code == lockNotAvailable || answer.Code == idleInTransaction:
		return &QueryError{FaultTimeout, err}
	case strings.HasPrefix(answer.Code, shutDown) || strings.HasPrefix(answer.Code, connectionClass) ||
		strings.HasPrefix(answer.Code, resources):
		return &QueryError{FaultUnreachable, err}
	}
	return &QueryError{FaultInvalid, err}
}
