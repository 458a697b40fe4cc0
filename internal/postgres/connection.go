// Package postgres reads PostgreSQL's own statistics over a single connection, with a role that may only
// look (pg_monitor), and leaves nothing behind.
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

	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// closeTimeout bounds the goodbye.
const closeTimeout = 2 * time.Second

// grace is how much longer than a statement may take its answer is waited for. The server ends the statement
// by itself and the connection stays; only where the server is silent it has to go.
const grace = 2 * time.Second

// Source is how to reach a server. The text is a secret: it holds a password, as a rule.
type Source struct {
	// File or Env names where the connection string is. It is read for each connection, so that a renewed
	// password is used without a restart.
	File, Env string
	// Timeout of a connection attempt, and of each statement.
	Timeout time.Duration
}

// Connection is one open connection.
type Connection struct {
	conn    *pgx.Conn
	timeout time.Duration
	// Version is the server's as a number: 150018 for 15.18.
	Version int

	lacks map[string]error // questions that the server has no answer to, by what they are about
}

// Connect opens a connection whose statements cannot take longer than the timeout and cannot write.
func Connect(ctx context.Context, s Source) (*Connection, error) {
	text, err := s.read(ctx)
	if err != nil {
		return nil, &NotAskedError{err}
	}
	settings, err := pgx.ParseConfig(text)
	if err != nil {
		// The library's own error repeats the string, with a mask that need not fit every spelling.
		return nil, &NotAskedError{errors.New(
			"the connection string cannot be read; " +
				"write it like postgres://user@host/database or host=/run/postgresql user=monitor dbname=postgres")}
	}
	secret.Know(settings.Password)
	settings.ConnectTimeout = s.Timeout
	if settings.RuntimeParams["application_name"] == "" {
		settings.RuntimeParams["application_name"] = "thorbis_exporter"
	}
	// Nothing is prepared, so that a pooler between does no harm.
	settings.DefaultQueryExecMode = pgx.QueryExecModeExec
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, settings)
	if err != nil {
		return nil, refusal(err)
	}
	c := &Connection{conn: conn, timeout: s.Timeout}
	if err := c.prepare(ctx); err != nil {
		c.Close()
		return nil, refusal(err)
	}
	return c, nil
}

// NotAskedError means that the server was never asked, for want of a connection string, a password or a permission
// that are right. How the server fares is not known.
type NotAskedError struct{ Err error }

// Error returns the text of the error itself.
func (e *NotAskedError) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e *NotAskedError) Unwrap() error { return e.Err }

// refusal wraps the error of a server that serves others but rejects this role. It leaves the error of a server that
// is starting, stopping, out of connections or unreachable. Codes: PostgreSQL's documentation, appendix A.
func refusal(err error) error {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) {
		return secret.Error(err)
	}
	const (
		invalidAuthorization = "28" // a class
		noSuchDatabase       = "3D000"
	)
	if strings.HasPrefix(answer.Code, invalidAuthorization) || answer.Code == noSuchDatabase ||
		answer.Code == insufficientPrivilege {
		return &NotAskedError{secret.Error(err)}
	}
	return secret.Error(err)
}

func (c *Connection) prepare(ctx context.Context) error {
	// Not as parameters of the connection, which poolers refuse.
	limit := strconv.FormatInt(max(c.timeout.Milliseconds(), 1), 10)
	for _, sql := range []string{
		"SET statement_timeout = " + limit,
		"SET lock_timeout = " + limit,
		"SET default_transaction_read_only = on",
	} {
		if _, err := c.conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	var text string
	if err := c.conn.QueryRow(ctx, "SHOW server_version_num").Scan(&text); err != nil {
		return err
	}
	version, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("invalid version of the server %.20q: must be a number", text)
	}
	c.Version = version
	return nil
}

// Close ends the session. It may be called again.
func (c *Connection) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = c.conn.Close(ctx)
}

// Closed reports whether the connection is gone, after an error of the network or of a timeout.
func (c *Connection) Closed() bool { return c.conn.IsClosed() }

// row reads one row.
func (c *Connection) row(ctx context.Context, sql string, into ...any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout+grace)
	defer cancel()
	return c.conn.QueryRow(ctx, sql).Scan(into...)
}

// rows calls each for every row, which scans it.
func (c *Connection) rows(ctx context.Context, sql string, args []any, each func(scan func(...any) error) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout+grace)
	defer cancel()
	rows, err := c.conn.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Alive asks the server for nothing but an answer.
func (c *Connection) Alive(ctx context.Context) error {
	var one int
	return c.row(ctx, "SELECT 1", &one)
}

// read returns the connection string as it is now.
func (s Source) read(ctx context.Context) (string, error) {
	text, err := secret.Ref{File: s.File, Env: s.Env}.Read(ctx)
	if err != nil {
		return "", fmt.Errorf("the connection string cannot be read: %w", err)
	}
	return strings.TrimSpace(text), nil
}
