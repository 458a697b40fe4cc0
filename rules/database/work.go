package database

import (
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// Thresholds of the work of a server.
const (
	// lastID is the age at which transactions and multixacts would be taken for future ones.
	lastID = "2147483648"
	// wraparoundNear and wraparoundUrgent are shares of what lies between the age at which autovacuum must freeze and
	// the last one. With the default of 200 million they are 590 million and 1.17 thousand million: autovacuum has failed
	// for long, and days to weeks are left.
	wraparoundNear   = "0.2"
	wraparoundUrgent = "0.5"
	// slower is the growth of a mean that counts; most queries vary less between two days.
	slower = "2"
	// queryShare is the share of its server's time that a query must take to matter, and queryLoad the seconds a second,
	// so that nothing on an idle server does.
	queryShare = "0.1"
	queryLoad  = "0.05"
	// fewCalls in an hour make no mean that can be compared.
	fewCalls = "30"
)

// workNames are the placeholders of expressions on the work of servers.
func workNames() rule.Names {
	return rule.Names{
		"query":     rule.Join(metric.LabelEnvironment, metric.LabelServer, metric.LabelDatabase, metric.LabelQueryID),
		"database":  rule.Join(metric.LabelEnvironment, metric.LabelServer, metric.LabelDatabase),
		"numbered":  rule.Join(metric.LabelEnvironment, metric.LabelServer, metric.LabelKind),
		"hits":      metric.PostgresBlocksHit.Name,
		"reads":     metric.PostgresBlocksRead.Name,
		"idAge":     metric.PostgresIDAge.Name,
		"freezeAge": metric.PostgresFreezeAge.Name,
		"seconds":   metric.PostgresStatementSeconds.Name,
		"calls":     metric.PostgresStatementCalls.Name,
		"time":      metric.QueryTime.Name,
		"mean":      metric.QueryMean.Name,
		"growth":    metric.QueryMeanGrowth.Name,
		// Over a restart of the exporter.
		"wraparound": rule.Held(metric.ServerWraparound.Name),
		"other":      metric.QueryOther,
		"last":       lastID,
		"near":       wraparoundNear,
		"urgent":     wraparoundUrgent,
		"slower":     slower,
		"share":      queryShare,
		"load":       queryLoad,
		"few":        fewCalls,
	}
}

// work returns the records and alerts on what servers do and leave to be done.
func work(k databaseKit) rule.Group {
	names := workNames()
	expr := func(text string) string { return rule.MachineExpr(k.expr(text), names) }
	perSecond := func(counter string) string {
		return `sum by ($server) (max by ($database) (rate(` + counter + `[5m])))`
	}
	// Counters of two exporters are never added up: each counts the same.
	rules := []rule.Rule{
		{Record: metric.ServerCacheHits, Expr: expr(
			perSecond("$hits") + ` / (` + perSecond("$hits") + ` + ` + perSecond("$reads") + ` > 0)`)},
		{Record: metric.ServerWraparound, Expr: expr(`
			clamp_min(max by ($server) (
				(max by ($numbered) ($idAge) - max by ($numbered) ($freezeAge)) / ($last - max by ($numbered) ($freezeAge))
			), 0)`)},
		{Record: metric.QueryTime, Expr: expr(`max by ($query) (rate($seconds[1h]))`)},
		{Record: metric.QueryMean, Expr: expr(`
			max by ($query) (increase($seconds{queryid!="$other"}[1h]) / (increase($calls{queryid!="$other"}[1h]) > $few))`)},
		{Record: metric.QueryMeanGrowth, Expr: expr(`
			$mean / (
				avg_over_time($mean[2h] offset 23h) > avg_over_time($mean[2h] offset 167h)
				or avg_over_time($mean[2h] offset 167h)
				or avg_over_time($mean[2h] offset 23h)
			)`)},
	}
	return rule.Group{
		Name: "thorbis-databases-work", Interval: rule.WindowInterval, Rules: append(rules, workAlerts(expr)...),
	}
}

func workAlerts(expr func(string) string) []rule.Rule {
	wraparound := func(priority, bounds string, wait time.Duration) rule.Rule {
		r := rule.Single(metric.WraparoundAlert, expr(bounds), wait, rule.Text{
			Summary: "A PostgreSQL server is running out of transaction ids.",
			Description: `{{ $value | humanizePercentage }} of the transactions or multixacts between where autovacuum must
				freeze and where {{ $labels.server }} in {{ $labels.environment }} stops taking writes are used up.
				First look: SELECT datname, age(datfrozenxid), mxid_age(datminmxid) FROM pg_database ORDER BY 2 DESC; in that
				database, what keeps vacuum from freezing: a transaction or prepared transaction that is open
				(ThorbisOldTransaction), a replication slot, or an autovacuum that is cancelled or fails (the server's log).`,
		})
		r.Priority = priority
		return r
	}
	return []rule.Rule{
		wraparound("P2", `$wraparound >= $urgent`, 15*time.Minute),
		wraparound("P3", `($wraparound < $urgent) >= $near`, time.Hour),
		rule.Single(metric.QuerySlowerAlert, expr(`
			$growth > $slower
			and $time > $load
			and $time / on ($server) group_left () sum by ($server) ($time) > $share`), 30*time.Minute, rule.Text{
			Summary: "A query takes more than twice as long as usual.",
			Description: `The query {{ $labels.queryid }} of {{ $labels.database }} on {{ $labels.server }} in
				{{ $labels.environment }} takes {{ $value | printf "%.1f" }} times as long as in the same hours of yesterday and a
				week ago, and more than a tenth of the server's time.
				First look: SELECT query FROM pg_stat_statements WHERE queryid = {{ $labels.queryid }}, then EXPLAIN (ANALYZE,
				BUFFERS) of it: a plan that changed after growth or a missing ANALYZE, a lock it waits for, or an index that is
				gone.`,
		}),
	}
}
