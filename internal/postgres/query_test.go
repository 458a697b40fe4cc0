package postgres

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
	"github.com/thorbis/thorbis_exporter/metric"
)

// A query of the policy that writes, waits, floods or is wrong is refused or bounded. The next one over the same
// connection, or over a new one, is answered, and nothing is left behind in the database.
func TestQueryIsSafe(t *testing.T) {
	const patient = time.Minute // but for the query that is to be cut short
	server := postgrestest.Start(t)
	server.Query(t, "postgres", "CREATE ROLE reader LOGIN; CREATE TABLE orders (id int, paid bool);"+
		"INSERT INTO orders SELECT g, g % 2 = 0 FROM generate_series(1, 10) g; GRANT SELECT ON orders TO reader;"+
		"CREATE TABLE hidden (id int); GRANT INSERT ON orders TO reader;"+
		"CREATE SEQUENCE s; GRANT ALL ON SEQUENCE s TO reader")
	open := func(timeout time.Duration) *Connection {
		t.Helper()
		c, err := connect(t, server.DSN("reader", "postgres"), timeout)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := open(patient)
	for sql, want := range map[string]Fault{
		"INSERT INTO orders VALUES (11, true)":                                  FaultInvalid, // no subquery
		"WITH w AS (INSERT INTO orders VALUES (11, true) RETURNING 1) SELECT 1": FaultInvalid,
		"SELECT nextval('s') AS value":                                          FaultRefused,
		"SELECT 1 AS value) AS a; DROP TABLE orders; SELECT * FROM (SELECT 1":   FaultInvalid,
		"SELECT 1 AS value; COMMIT; INSERT INTO orders VALUES (12, true)":       FaultInvalid,
		"SELECT * FROM hidden":                                                  FaultRefused,
		"SELECT pg_sleep(30)":                                                   FaultTimeout,
		"SELECT generate_series(1, 1000000) AS value":                           FaultTooManyRows,
		"SELECT repeat('x', 100000) AS value":                                   FaultTooLarge,
		"SELECT no_such_column FROM orders":                                     FaultInvalid,
		"SELEKT 1":                                                              FaultInvalid,
		"SELECT set_config('transaction_read_only', 'off', true) AS value FROM orders WHERE false UNION SELECT " +
			"nextval('s')::text": FaultRefused,
	} {
		if want == FaultTimeout {
			c = open(700 * time.Millisecond)
		}
		began := time.Now()
		err := c.Query(t.Context(), sql, nil, 100, func(Row) error { return nil })
		var failure *QueryError
		if !errors.As(err, &failure) || failure.Fault != want {
			t.Errorf("%s: %v, want %s", sql, err, want)
		}
		if time.Since(began) > 20*time.Second {
			t.Errorf("%s was waited for without a bound", sql)
		}
		if c.Closed() || want == FaultTimeout {
			c = open(patient)
		}
		var got []string
		if err := c.Query(t.Context(), "SELECT paid, count(*)::int AS value FROM orders GROUP BY 1 ORDER BY 1 -- all", nil, 2,
			func(r Row) error {
				got = append(got, fmt.Sprint(r["paid"], "=", r["value"]))
				return nil
			}); err != nil || strings.Join(got, " ") != "false=5 true=5" {
			t.Fatalf("after %s: %v, %q", sql, err, got)
		}
	}
	if n := server.Query(t, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'"); n != "0" {
		t.Errorf("%s transactions are left open", n)
	}
	server.Query(t, "postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'")
	var failure *QueryError
	if err := c.Query(t.Context(), "SELECT 1 AS value", nil, 1, nil); !errors.As(err, &failure) ||
		failure.Fault != FaultUnreachable || !c.Closed() {
		t.Errorf("over a connection that was cut: %v", err)
	}
}

// Every fault is a value of the label.
func TestFaultsAreReasons(t *testing.T) {
	known := map[string]bool{}
	for _, reason := range metric.QueryFailureReasons {
		known[reason] = true
	}
	for _, f := range []Fault{
		FaultUnreachable, FaultRefused, FaultTimeout, FaultTooManyRows, FaultTooLarge, FaultShape, FaultInvalid,
	} {
		if !known[string(f)] {
			t.Errorf("%s is not in the catalogue", f)
		}
	}
}
