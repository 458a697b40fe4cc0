package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
)

// statement returns the entry of a list with an id, summed over roles.
func statement(s *Statements, id string) (found StatementCounts) {
	for _, one := range s.List {
		if fmt.Sprint(one.ID) == id {
			found.Calls += one.Calls
			found.Seconds += one.Seconds
			found.Rows += one.Rows
			found.BlocksHit += one.BlocksHit
			found.BlocksRead += one.BlocksRead
		}
	}
	return found
}

// The server's own figures are read, whatever schema the extension lives in, and also of an old version of it, whose
// columns have other names.
func TestStatements(t *testing.T) {
	server := postgrestest.Start(t, "shared_preload_libraries=pg_stat_statements")
	server.Query(t, "postgres", `CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor;
		CREATE TABLE numbers AS SELECT generate_series(1, 1000) AS n`)
	for _, tc := range []struct{ schema, version, seconds string }{
		{"public", "", "total_exec_time"},
		{`odd "schema`, "", "total_exec_time"},
		{"old", "1.4", "total_time"},
		{"older", "1.7", "total_time"},
		{"thirteen", "1.8", "total_exec_time"},
	} {
		t.Run(tc.schema, func(t *testing.T) {
			quoted := `"` + strings.ReplaceAll(tc.schema, `"`, `""`) + `"`
			create := "CREATE SCHEMA IF NOT EXISTS " + quoted + "; GRANT USAGE ON SCHEMA " + quoted + " TO monitor; " +
				"CREATE EXTENSION pg_stat_statements SCHEMA " + quoted
			if tc.version != "" {
				create += " VERSION '" + tc.version + "'"
			}
			server.Query(t, "postgres", create)
			defer server.Query(t, "postgres", "DROP EXTENSION pg_stat_statements")
			c, err := connect(t, server.DSN("monitor", "postgres"), time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			server.Query(t, "postgres", "SELECT "+quoted+".pg_stat_statements_reset()")
			for range 3 {
				server.Query(t, "postgres", "SELECT count(*) FROM numbers WHERE n > 17")
			}
			own := strings.Split(server.Query(t, "postgres", "SELECT queryid, calls, "+tc.seconds+` / 1000, rows,
				shared_blks_hit, shared_blks_read FROM `+quoted+`.pg_stat_statements
				WHERE query LIKE 'SELECT count(*) FROM numbers%'`), "|")
			s, err := c.Statements(t.Context(), 100)
			if err != nil || s == nil || len(c.Lacks()) > 0 {
				t.Fatalf("%+v, %v, lacks %q", s, err, c.Lacks())
			}
			got := statement(s, own[0])
			for i, v := range []float64{got.Calls, got.Seconds, got.Rows, got.BlocksHit, got.BlocksRead} {
				var want float64
				if _, err := fmt.Sscan(own[i+1], &want); err != nil || v != want {
					t.Errorf("%d: we read %v, the server says %s", i, v, own[i+1])
				}
			}
			if got.Calls != 3 || got.Rows != 3 || got.Seconds <= 0 {
				t.Errorf("%+v", got)
			}
			sum := StatementCounts{}
			for _, one := range s.List {
				if one.Database != "postgres" || one.Nested {
					t.Errorf("%+v", one)
				}
				sum.Calls += one.Calls
			}
			if s.Entries != len(s.List) || sum.Calls != s.Total.Calls {
				t.Errorf("%d entries of %d, %v calls of %v", len(s.List), s.Entries, sum.Calls, s.Total.Calls)
			}
			if newest := tc.version == ""; (s.Reset != nil) != newest || (s.Evictions != nil) != newest {
				t.Errorf("reset %v, evictions %v", s.Reset, s.Evictions)
			}
		})
	}
}

// Many thousand statements are read in part, the most expensive first, beside the total of all; what was evicted is
// counted, and statements in functions are marked.
func TestManyStatements(t *testing.T) {
	server := postgrestest.Start(t, "shared_preload_libraries=pg_stat_statements", "pg_stat_statements.max=6000",
		"pg_stat_statements.track=all")
	server.Query(t, "postgres", `CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor;
		CREATE EXTENSION pg_stat_statements`)
	c, err := connect(t, server.DSN("monitor", "postgres"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	distinct := func(from, until int) {
		t.Helper()
		// The bits of a number as a sum of ones: constants make no difference, operators do.
		server.Query(t, "postgres", fmt.Sprintf(`DO $$BEGIN FOR i IN %d..%d LOOP
			EXECUTE 'SELECT 1' || replace(replace(i::bit(16)::text, '0', ' + x'), '1', ' - x')
				|| ' FROM (SELECT 1 AS x) one'; END LOOP; END$$`, from, until))
	}
	distinct(1, 5500)
	s, err := c.Statements(t.Context(), 50)
	if err != nil || len(s.List) != 50 || s.Entries < 5500 || s.Total.Calls < 5500 || *s.Evictions != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	nested := 0
	for i, one := range s.List {
		if i > 0 && one.Seconds > s.List[i-1].Seconds {
			t.Errorf("%v s comes after %v s", one.Seconds, s.List[i-1].Seconds)
		}
		if one.Nested {
			nested++
		}
	}
	if nested == 0 || nested == 50 {
		t.Errorf("%d of 50 are nested", nested)
	}
	distinct(5501, 8000)
	if s, err = c.Statements(t.Context(), 50); err != nil || *s.Evictions == 0 || s.Entries > 6000 {
		t.Errorf("%d entries, %v evictions, %v", s.Entries, s.Evictions, err)
	}
}

// Without the extension, or without its library, the server lacks an answer and nothing fails. It is found once it is
// created. What the role may not see fails with the grant that it needs.
func TestStatementsThatCannotBeRead(t *testing.T) {
	server := postgrestest.Start(t)
	server.Query(t, "postgres", "CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor; CREATE ROLE plain LOGIN")
	c, err := connect(t, server.DSN("monitor", "postgres"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	lacking := func(text string) {
		t.Helper()
		s, err := c.Statements(t.Context(), 10)
		if s != nil || err != nil || !strings.Contains(strings.Join(c.Lacks(), "\n"), text) || len(c.Lacks()) != 1 {
			t.Errorf("%+v, %v, lacks %q, want %s", s, err, c.Lacks(), text)
		}
	}
	lacking("CREATE EXTENSION pg_stat_statements")
	server.Query(t, "postgres", "CREATE EXTENSION pg_stat_statements")
	lacking("shared_preload_libraries")
	lacking("shared_preload_libraries")
	server.Stop()

	loaded := postgrestest.Start(t, "shared_preload_libraries=pg_stat_statements")
	loaded.Query(t, "postgres", `CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor; CREATE ROLE plain LOGIN`)
	if c, err = connect(t, loaded.DSN("monitor", "postgres"), time.Minute); err != nil {
		t.Fatal(err)
	}
	lacking("CREATE EXTENSION pg_stat_statements")
	loaded.Query(t, "postgres", "CREATE SCHEMA own; CREATE EXTENSION pg_stat_statements SCHEMA own")
	if s, err := c.Statements(t.Context(), 10); s != nil || err == nil || len(c.Lacks()) > 0 ||
		!strings.Contains(err.Error(), `GRANT USAGE ON SCHEMA "own" TO "monitor"`) {
		t.Errorf("%+v, %v", s, err)
	}
	loaded.Query(t, "postgres", "GRANT USAGE ON SCHEMA own TO PUBLIC")
	if s, err := c.Statements(t.Context(), 10); s == nil || err != nil {
		t.Errorf("%+v, %v", s, err)
	}
	loaded.Query(t, "postgres", "REVOKE EXECUTE ON FUNCTION own.pg_stat_statements FROM PUBLIC")
	if s, err := c.Statements(t.Context(), 10); s != nil || err == nil || !strings.Contains(err.Error(), "GRANT EXECUTE") {
		t.Errorf("%+v, %v", s, err)
	}
	plain, err := connect(t, loaded.DSN("plain", "postgres"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := plain.Statements(t.Context(), 10); s != nil || err == nil ||
		!strings.Contains(err.Error(), `GRANT pg_monitor TO "plain"`) {
		t.Errorf("%+v, %v", s, err)
	}
}
