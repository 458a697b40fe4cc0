package database

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/postgres"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Bounds of the statements of a server.
const (
	// maxStatements bounds the entries that are read in a round. It is as many as pg_stat_statements.max keeps unless it
	// is set, so that all are read.
	maxStatements = 5000
	// maxQueries bounds the queries that have series. The others are counted together.
	maxQueries = 20
	// residence is how long a query keeps its series at least.
	residence = time.Hour
	// advantage is how much more time than the least of those with series another query must take to replace it.
	advantage = 1.25
	// memory is over which time the time that a query takes is averaged, exponentially.
	memory = time.Hour
	// unknownAge is taken for the age of the statistics where the server does not report it.
	unknownAge = 24 * time.Hour
)

// entry identifies an entry of pg_stat_statements.
type entry struct {
	role, database uint32
	id             int64
	nested         bool
}

// query identifies a query over all roles, executed by clients or by functions.
type query struct {
	database string
	id       int64
}

// queryCounts are what a query came to since it has series.
type queryCounts struct {
	query
	since time.Time
	postgres.StatementCounts
}

// statementCounts turns the counts of pg_stat_statements, which begin anew when they are reset or an entry is evicted,
// into counts that never step back. It counts what was added between two readings:
//
//   - to an entry that both have, the difference. If any count of it is less than before, it was reset, or evicted and
//     made again, and all of it is new.
//   - to the others, if all entries are read: all of an entry that was not there before. If only the most expensive are
//     read: the difference between the two totals without the entries that both have, 0 if that is negative.
//
// Lost is what an entry got between the last reading and its reset or eviction, what ran while another server answered
// or the same one restarted, and, where not all entries are read, as much as was evicted. Nothing is counted twice.
type statementCounts struct {
	started  time.Time // of the server whose entries these are
	at       time.Time // of the last reading, zero before the first
	complete bool      // all entries were read then
	entries  map[entry]postgres.StatementCounts
	total    postgres.StatementCounts

	began  time.Time // when counting began
	shown  map[query]*queryCounts
	others postgres.StatementCounts
	pace   map[query]float64 // seconds of execution a second, averaged
}

// queryView is what is exposed of the statements of a server.
type queryView struct {
	shown     []queryCounts
	others    postgres.StatementCounts
	began     time.Time
	entries   int
	evictions *int64
}

// update counts what was added since the last reading, and chooses who has series. started is when the server started,
// zero if it did not answer.
func (c *statementCounts) update(now, started time.Time, s *postgres.Statements) *queryView {
	first := c.at.IsZero()
	if first {
		c.began, c.shown = now, map[query]*queryCounts{}
	}
	added, rest := map[query]postgres.StatementCounts{}, postgres.StatementCounts{}
	entries := make(map[entry]postgres.StatementCounts, len(s.List))
	same := !first && c.started.Equal(started)
	var inBoth, inBothBefore postgres.StatementCounts
	complete := len(s.List) == s.Entries
	for _, one := range s.List {
		key := entry{one.Role, one.DatabaseID, one.ID, one.Nested}
		entries[key] = one.StatementCounts
		before, known := c.entries[key]
		plus := one.StatementCounts
		switch {
		case !same:
			continue
		case known:
			inBoth, inBothBefore = sum(inBoth, one.StatementCounts), sum(inBothBefore, before)
			plus = growth(before, one.StatementCounts)
		case !complete || !c.complete:
			continue // it may be old: the difference of the totals has what is new
		}
		q := query{one.Database, one.ID}
		added[q] = sum(added[q], plus)
	}
	if same && (!complete || !c.complete) {
		rest = positive(less(less(s.Total, inBoth), less(c.total, inBothBefore)))
	}
	c.measure(now, s, added, same)
	// Series are given before the counts: what made a query come in is in it, not in the rest.
	c.choose(now)
	for q, plus := range added {
		if shown, ok := c.shown[q]; ok {
			shown.StatementCounts = sum(shown.StatementCounts, plus)
		} else {
			rest = sum(rest, plus)
		}
	}
	c.others = sum(c.others, rest)
	c.started, c.at, c.entries, c.total, c.complete = started, now, entries, s.Total, complete
	return c.view(s)
}

// measure averages the time that each query takes. At first it is the average since the statistics were reset, and so
// again where the server or its statistics are others.
func (c *statementCounts) measure(now time.Time, s *postgres.Statements, added map[query]postgres.StatementCounts,
	same bool,
) {
	pace := map[query]float64{}
	if !same {
		age := unknownAge
		if s.Reset != nil {
			age = max(now.Sub(*s.Reset), time.Minute)
		}
		for _, one := range s.List {
			pace[query{one.Database, one.ID}] += one.Seconds / age.Seconds()
		}
		c.pace = pace
		return
	}
	passed := max(now.Sub(c.at), time.Second).Seconds()
	weight := 1 - math.Exp(-passed/memory.Seconds())
	for _, one := range s.List {
		q := query{one.Database, one.ID}
		pace[q] = c.pace[q]*(1-weight) + added[q].Seconds/passed*weight
	}
	for q := range c.shown { // one whose entry is gone may come back
		if _, there := pace[q]; !there {
			pace[q] = c.pace[q] * (1 - weight)
		}
	}
	c.pace = pace
}

// choose gives series to the queries that take the most time. One that has them keeps them for the residence at least,
// and until another takes clearly more.
func (c *statementCounts) choose(now time.Time) {
	byPace := func(a, b query) int {
		return cmp.Or(cmp.Compare(c.pace[b], c.pace[a]), cmp.Compare(a.database, b.database), cmp.Compare(a.id, b.id))
	}
	var waiting []query
	for q, pace := range c.pace {
		if c.shown[q] == nil && pace > 0 && q.database != "" { // those of a database that was dropped are over
			waiting = append(waiting, q)
		}
	}
	slices.SortFunc(waiting, byPace)
	replaceable := slices.SortedFunc(maps.Keys(c.shown), byPace)
	replaceable = slices.DeleteFunc(replaceable, func(q query) bool { return now.Sub(c.shown[q].since) < residence })
	for _, q := range waiting {
		if len(c.shown) >= maxQueries {
			if len(replaceable) == 0 {
				return
			}
			least := replaceable[len(replaceable)-1]
			if c.pace[q] <= advantage*c.pace[least] {
				return
			}
			delete(c.shown, least)
			replaceable = replaceable[:len(replaceable)-1]
		}
		c.shown[q] = &queryCounts{query: q, since: now}
	}
}

func (c *statementCounts) view(s *postgres.Statements) *queryView {
	v := &queryView{others: c.others, began: c.began, entries: s.Entries, evictions: s.Evictions}
	for _, shown := range c.shown {
		v.shown = append(v.shown, *shown)
	}
	return v
}

// growth returns what was added to an entry.
func growth(before, now postgres.StatementCounts) postgres.StatementCounts {
	if plus := less(now, before); plus == positive(plus) {
		return plus
	}
	return now
}

func sum(a, b postgres.StatementCounts) postgres.StatementCounts {
	return postgres.StatementCounts{
		Calls: a.Calls + b.Calls, Seconds: a.Seconds + b.Seconds, Rows: a.Rows + b.Rows,
		BlocksHit: a.BlocksHit + b.BlocksHit, BlocksRead: a.BlocksRead + b.BlocksRead,
	}
}

func less(a, b postgres.StatementCounts) postgres.StatementCounts {
	return postgres.StatementCounts{
		Calls: a.Calls - b.Calls, Seconds: a.Seconds - b.Seconds, Rows: a.Rows - b.Rows,
		BlocksHit: a.BlocksHit - b.BlocksHit, BlocksRead: a.BlocksRead - b.BlocksRead,
	}
}

// positive returns the counts with 0 for those that are negative.
func positive(a postgres.StatementCounts) postgres.StatementCounts {
	return postgres.StatementCounts{
		Calls: max(a.Calls, 0), Seconds: max(a.Seconds, 0), Rows: max(a.Rows, 0),
		BlocksHit: max(a.BlocksHit, 0), BlocksRead: max(a.BlocksRead, 0),
	}
}

// statements adds the series of statements. Those of a query begin when it is given them.
func (e exposer) statements(v *queryView) {
	if v == nil {
		return
	}
	add := func(s postgres.StatementCounts, since time.Time, database, id string) {
		labels := collectors.NewLabels(metric.PostgresStatementCalls.Labels, e.server, database, id)
		for _, one := range []struct {
			metric *metric.Metric
			value  float64
		}{
			{metric.PostgresStatementCalls, s.Calls},
			{metric.PostgresStatementSeconds, s.Seconds},
			{metric.PostgresStatementRows, s.Rows},
			{metric.PostgresStatementBlocksHit, s.BlocksHit},
			{metric.PostgresStatementBlocksRead, s.BlocksRead},
		} {
			e.AddSince(one.metric, one.value, labels, since)
		}
	}
	for _, q := range v.shown {
		add(q.StatementCounts, q.since, strings.ToValidUTF8(q.database, "�"), strconv.FormatInt(q.id, 10))
	}
	add(v.others, v.began, metric.DatabaseOther, metric.QueryOther)
	e.add(metric.PostgresStatements, float64(v.entries))
	ifKnown(e, metric.PostgresStatementEvictions, v.evictions)
}
