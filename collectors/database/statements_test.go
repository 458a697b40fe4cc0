package database

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/postgres"
	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
	"github.com/thorbis/thorbis_exporter/metric"
)

// model is a server with pg_stat_statements, and what it knows better than those who read it.
type model struct {
	entries map[entry]*modelEntry
	gone    map[entry]float64 // calls in the last reading of those evicted since
	added   float64           // calls of all, ever
	lost    float64           // of them, what no reading can count
}

type modelEntry struct {
	postgres.StatementCounts
	unread, read float64 // calls since the last reading, and in it
	again        bool    // it began anew since
}

func (m *model) execute(e entry, calls, seconds float64) {
	one := m.entries[e]
	if one == nil {
		one = &modelEntry{read: m.gone[e], again: m.gone[e] > 0}
		m.entries[e] = one
	}
	one.StatementCounts = sum(one.StatementCounts, postgres.StatementCounts{
		Calls: calls, Seconds: seconds, Rows: 2 * calls, BlocksHit: 3 * calls, BlocksRead: calls,
	})
	one.unread += calls
	m.added += calls
}

// forget resets an entry, or evicts it.
func (m *model) forget(e entry, evict bool) {
	if one := m.entries[e]; one != nil {
		m.lost += one.unread
		one.StatementCounts, one.unread, one.again = postgres.StatementCounts{}, 0, true
		if evict {
			m.gone[e] = one.read
			delete(m.entries, e)
		}
	}
}

func (m *model) read(most int) *postgres.Statements {
	s := &postgres.Statements{Entries: len(m.entries)}
	clear(m.gone)
	for e, one := range m.entries {
		if one.again && one.Calls >= one.read { // no reading shows that it began anew
			m.lost += one.read
		}
		one.unread, one.read, one.again = 0, one.Calls, false
		s.List = append(s.List, postgres.Statement{
			Role: e.role, DatabaseID: e.database, Database: fmt.Sprint("db", e.database), ID: e.id, Nested: e.nested,
			StatementCounts: one.StatementCounts,
		})
		s.Total = sum(s.Total, one.StatementCounts)
	}
	slices.SortFunc(s.List, func(a, b postgres.Statement) int {
		return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Role, b.Role))
	})
	s.List = s.List[:min(most, len(s.List))]
	return s
}

// scraper adds up increases as Prometheus does: series that are new begin at 0.
type scraper struct {
	t        *testing.T
	last     map[query]queryCounts
	increase postgres.StatementCounts
}

func (s *scraper) scrape(v *queryView) {
	s.t.Helper()
	if len(v.shown) > maxQueries {
		s.t.Fatalf("%d queries have series", len(v.shown))
	}
	all := append(slices.Clone(v.shown), queryCounts{
		query: query{database: metric.DatabaseOther}, since: v.began, StatementCounts: v.others,
	})
	now := map[query]queryCounts{}
	for _, one := range all {
		plus := one.StatementCounts
		if before, ok := s.last[one.query]; ok && before.since.Equal(one.since) {
			plus = less(plus, before.StatementCounts)
		}
		if plus != positive(plus) {
			s.t.Fatalf("the counts of %v step back by %+v", one.query, plus)
		}
		s.increase = sum(s.increase, plus)
		now[one.query] = one
	}
	s.last = now
}

// Whatever is executed, reset and evicted, what is counted is what was executed less what no reading can count; and no
// counter steps back. Where only a part is read, evictions hide as much again, and nothing is counted twice.
func TestStatementsAreCountedOnce(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name        string
		most        int
		forgets     bool
		exact, some bool
	}{
		{"all read", 5000, true, true, true},
		{"all read, nothing forgotten", 5000, false, true, true},
		{"a part read, nothing forgotten", 40, false, true, true},
		{"a part read", 40, true, false, true},
		{"the number read is passed", 150, false, true, true},
	} {
		for seed := range uint64(4) {
			random := rand.New(rand.NewPCG(seed, 5))
			m := &model{entries: map[entry]*modelEntry{}, gone: map[entry]float64{}}
			some := func() entry {
				n := math.Abs(random.NormFloat64()) * 60 // a few are frequent
				return entry{uint32(random.IntN(2)), uint32(random.IntN(2)), int64(n), random.IntN(5) == 0}
			}
			for range 300 { // before the first reading: not counted
				m.execute(some(), 5, random.Float64())
			}
			c, s := &statementCounts{}, &scraper{t: t}
			s.scrape(c.update(start, start, m.read(tc.most)))
			m.added, m.lost = 0, 0
			for round := range 120 {
				for range random.IntN(60) {
					m.execute(some(), float64(1+random.IntN(9)), random.Float64()*float64(random.IntN(50)))
				}
				for range random.IntN(4) {
					if tc.forgets {
						m.forget(some(), random.IntN(2) == 0)
					}
				}
				if tc.forgets && random.IntN(40) == 0 {
					for e := range m.entries {
						m.forget(e, true)
					}
				}
				s.scrape(c.update(start.Add(time.Duration(round+1)*time.Minute), start, m.read(tc.most)))
			}
			want := m.added - m.lost
			if got := s.increase.Calls; got > want || tc.exact && got != want || got < want/2 {
				t.Fatalf("%s, %d: %v calls are counted, of %v that can be", tc.name, seed, got, want)
			}
			if tc.exact && (s.increase.Rows != 2*want || s.increase.BlocksHit != 3*want || s.increase.BlocksRead != want) {
				t.Errorf("%s: %+v, want %v calls", tc.name, s.increase, want)
			}
		}
	}
}

// entries returns statements of one role and database by id with their seconds, one call a millisecond.
func entries(seconds map[int64]float64) *postgres.Statements {
	s := &postgres.Statements{Entries: len(seconds)}
	for id, v := range seconds {
		counts := postgres.StatementCounts{Calls: v * 1000, Seconds: v}
		s.List = append(s.List, postgres.Statement{DatabaseID: 1, Database: "shop", ID: id, StatementCounts: counts})
		s.Total = sum(s.Total, counts)
	}
	return s
}

func ids(v *queryView) []int64 {
	var all []int64
	for _, q := range v.shown {
		all = append(all, q.id)
	}
	slices.Sort(all)
	return all
}

// The twenty that took the most time since the statistics were reset have series first. One keeps them for an hour at
// least, and until another takes clearly more time.
func TestQueriesKeepTheirSeries(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	total := map[int64]float64{}
	for id := range int64(30) {
		total[id] = float64(100 - id)
	}
	c := &statementCounts{}
	v := c.update(now, now, entries(total))
	first := ids(v)
	if len(first) != 20 || first[0] != 0 || first[19] != 19 || v.others != (postgres.StatementCounts{}) {
		t.Fatalf("%v, %+v", first, v.others)
	}
	step := func(minutes int, pace map[int64]float64) []int64 {
		for range minutes {
			now = now.Add(time.Minute)
			for id, perSecond := range pace {
				total[id] += 60 * perSecond
			}
			v = c.update(now, c.started, entries(total))
		}
		return ids(v)
	}
	// A query that begins to take a lot waits for the hour to pass, and is counted meanwhile.
	pace := map[int64]float64{25: 0.9}
	for id := range int64(20) {
		pace[id] = 0.5
	}
	if got := step(59, pace); !slices.Equal(got, first) || math.Abs(v.others.Seconds-59*60*0.9) > 1e-6 {
		t.Errorf("%v, %+v", got, v.others)
	}
	got := step(1, pace)
	if !slices.Contains(got, 25) || len(got) != 20 {
		t.Errorf("after an hour: %v", got)
	}
	kept := got
	// One that is a little more expensive than the least does not replace it, however long that lasts.
	for id := range int64(20) {
		if !slices.Contains(kept, id) {
			pace[id] = 0.55
		}
	}
	if got := step(600, pace); !slices.Equal(got, kept) {
		t.Errorf("a tenth more: %v, before %v", got, kept)
	}
	// Two that alternate every few minutes change places once, not each time.
	changes, last := 0, kept
	for i := range 40 {
		alternating := maps.Clone(pace)
		alternating[28+int64(i%2)] = 3
		if got := step(3, alternating); !slices.Equal(got, last) {
			changes, last = changes+1, got
		}
	}
	if changes > 2 || !slices.Contains(last, 28) || !slices.Contains(last, 29) {
		t.Errorf("%d changes: %v", changes, last)
	}
}

// Statistics of another server, or of one that started anew, are where counting goes on from: what they hold was not
// executed since the last reading.
func TestAnotherServerAddsNothing(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c, s := &statementCounts{}, &scraper{t: t}
	s.scrape(c.update(now, now, entries(map[int64]float64{1: 10, 2: 20})))
	s.scrape(c.update(now.Add(time.Minute), now, entries(map[int64]float64{1: 11, 2: 20})))
	other := now.Add(90 * time.Second)
	s.scrape(c.update(now.Add(2*time.Minute), other, entries(map[int64]float64{1: 900, 3: 700})))
	s.scrape(c.update(now.Add(3*time.Minute), other, entries(map[int64]float64{1: 903, 3: 700})))
	if math.Abs(s.increase.Seconds-4) > 1e-9 {
		t.Errorf("%v s are counted, want 4", s.increase.Seconds)
	}
}

// A query of a database that was dropped gets no series.
func TestDroppedDatabase(t *testing.T) {
	s := entries(map[int64]float64{1: 10})
	s.List[0].Database = ""
	if v := (&statementCounts{}).update(time.Now(), time.Now(), s); len(v.shown) != 0 || v.entries != 1 {
		t.Errorf("%+v", v)
	}
}

// A real server: what is executed between rounds is counted, across a reset and an eviction, and no text is exposed.
func TestStatementsOfAServer(t *testing.T) {
	pg := postgrestest.Start(t, "shared_preload_libraries=pg_stat_statements", "pg_stat_statements.max=100")
	pg.Query(t, "postgres", `CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor;
		CREATE EXTENSION pg_stat_statements; CREATE TABLE numbers AS SELECT generate_series(1, 1000) AS n`)
	t.Setenv("STATEMENTS_DSN", pg.DSN("monitor", "postgres"))
	s := newServer(config.Database{
		Name: "main", DSNEnv: "STATEMENTS_DSN", Timeout: config.Duration(30 * time.Second), MaxDatabases: 10,
	})
	var connection *postgres.Connection
	defer func() { connection.Close() }()
	var shown fixed
	ask := func() {
		t.Helper()
		a, same, err := round(context.WithoutCancel(t.Context()), s, connection)
		if err != nil || a.statements == nil {
			t.Fatalf("%+v, %v", a.statements, err)
		}
		connection, shown = same, fixed{a.snapshot(s).Collect}
	}
	const statement = "SELECT count(*) FROM numbers WHERE n > 5"
	pg.Query(t, "postgres", statement)
	ask()
	id := pg.Query(t, "postgres",
		"SELECT queryid FROM pg_stat_statements WHERE query LIKE 'SELECT count(*) FROM numbers%'")
	if v := value(t, shown, metric.PostgresStatementCalls, id); v != 0 {
		t.Fatalf("%v calls, want a series at 0 before what is counted", v)
	}
	for range 3 {
		pg.Query(t, "postgres", statement)
	}
	ask()
	if v := value(t, shown, metric.PostgresStatementCalls, id); v != 3 {
		t.Errorf("%v calls, want 3", v)
	}
	pg.Query(t, "postgres", "SELECT pg_stat_statements_reset()")
	pg.Query(t, "postgres", statement)
	ask()
	calls, rows := value(t, shown, metric.PostgresStatementCalls, id), value(t, shown, metric.PostgresStatementRows, id)
	if calls != 4 || rows != 4 {
		t.Errorf("after a reset: %v calls, %v rows, want 4", calls, rows)
	}
	var many strings.Builder
	for i := range 400 {
		bits := strconv.FormatInt(int64(512+i), 2)
		many.WriteString("SELECT 1" + strings.NewReplacer("0", "+1", "1", "-1").Replace(bits) + ";")
	}
	pg.Query(t, "postgres", many.String())
	ask()
	if v := value(t, shown, metric.PostgresStatementEvictions, "main"); v < 1 {
		t.Errorf("%v evictions", v)
	}
	if v := value(t, shown, metric.PostgresStatementCalls, metric.QueryOther); v < 90 {
		t.Errorf("%v calls of other statements", v)
	}
	if v := value(t, shown, metric.PostgresStatementCalls, id); v != 4 {
		t.Errorf("%v calls after an eviction, want 4", v)
	}
	if v := value(t, shown, metric.PostgresStatements, "main"); v < 10 || v > 100 {
		t.Errorf("%v entries", v)
	}
}
