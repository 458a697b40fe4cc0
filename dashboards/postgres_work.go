package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/metric"
)

const noStatements = "no statement of pg_stat_statements is seen yet"

// perQuery is an expression for each query that has series, whichever exporter asks its server.
func perQuery(expr string) string {
	return "max by (environment, server, database, queryid) (" + expr + ")"
}

// rateOf is the rate of a counter of queries that have series.
func rateOf(m *metric.Metric) string {
	return "rate(" + onServers(m, ofQueries) + "[$__rate_interval])"
}

// ofQueries leaves out the queries that are counted together.
const ofQueries = metric.LabelQueryID + `!="` + metric.QueryOther + `"`

func serverQueries() []panel {
	time := onServers(metric.QueryTime)
	hit, read := rateOf(metric.PostgresStatementBlocksHit), rateOf(metric.PostgresStatementBlocksRead)
	return []panel{
		figures(words{
			title: "Queries", unit: units.Short, empty: "No statement of pg_stat_statements is seen yet",
			about: "The queries of each server that take the most time, by their id in pg_stat_statements: time and mean of " +
				"the last hour, the rest as it is now. " +
				"Their text is in the database: SELECT query FROM pg_stat_statements WHERE queryid = ...",
			whenRed: "It takes more than twice as long as in the same hours of yesterday and a week ago: see its plan with " +
				"EXPLAIN (ANALYZE, BUFFERS).",
		}, 24, 9, []key{byEnvironment, byServer, byDatabase, byQuery},
			column{
				title: "Share of time", unit: units.PercentUnit, decimals: 1,
				expr: fmt.Sprintf("%s / on (environment, server) group_left () sum by (environment, server) (%s)",
					onServers(metric.QueryTime, ofQueries), time),
			},
			column{title: "Mean", unit: units.Seconds, expr: onServers(metric.QueryMean), empty: "rare"},
			column{
				title: "Times its mean of before", unit: units.Short, expr: onServers(metric.QueryMeanGrowth), decimals: 1,
				colours: above(1.5, yellow, 2, red), empty: "not known yet",
			},
			column{title: "Executions", unit: units.CountsPerSecond, expr: perQuery(rateOf(metric.PostgresStatementCalls))},
			column{title: "Rows", unit: units.CountsPerSecond, expr: perQuery(rateOf(metric.PostgresStatementRows))},
			column{
				title: "Cache hits", unit: units.PercentUnit, expr: perQuery(hit + " / (" + hit + " + " + read + " > 0)"),
				decimals: 1, empty: "no block",
			},
		),
		manyLines(words{
			title: "Time of queries", unit: units.Short, empty: noStatements,
			about: fmt.Sprintf("Seconds of execution a second over the last hour: the %d queries that take most, _other for "+
				"all without series.", topLines),
		}, 12, query("A", fmt.Sprintf("topk(%d, %s)", topLines, time), "{{server}} {{database}} {{queryid}}")).Min(0),
		manyLines(words{
			title: "Mean time of queries", unit: units.Seconds, empty: noStatements,
			about: fmt.Sprintf("The %d longest means of an execution over the last hour.", topLines),
		}, 12, query("A", fmt.Sprintf("topk(%d, %s)", topLines, onServers(metric.QueryMean)),
			"{{server}} {{database}} {{queryid}}")).Min(0),
		lines(words{
			title: "Statements known", unit: units.Short, empty: noStatements,
			about: "Entries of pg_stat_statements; dashed, how often it forgot some in each step to make room. Raise " +
				"pg_stat_statements.max if that is often: what it forgets is not counted.",
		}, 24, query("A", fmt.Sprintf("max by (server) (%s)", onServers(metric.PostgresStatements)), "{{server}}"),
			query("B", fmt.Sprintf("max by (server) (increase(%s[$__rate_interval]))",
				onServers(metric.PostgresStatementEvictions)), "{{server}} forgotten")).Min(0).OverrideByQuery("B", objectiveLine),
	}
}

func serverUpkeep() []panel {
	largest := func(m *metric.Metric) string { return "max by (environment, server, database) (" + onServers(m) + ")" }
	return []panel{
		figures(words{
			title: "Indexes and tables", unit: units.Short, empty: "No PostgreSQL server is asked",
			about: "In the database that the exporter is connected to. Unused indexes cost space and time of each write; a " +
				"replica counts its own use, so look at all servers before dropping one, and at how long the statistics count.",
			whenRed: "Tables await a vacuum for more than a day: see autovacuum's log, and what holds it up.",
		}, 24, 6, []key{byEnvironment, byServer, byDatabase},
			column{title: "Unused indexes", unit: units.Short, expr: largest(metric.PostgresUnusedIndexes), decimals: whole},
			column{title: "Their size", unit: units.BytesIEC, expr: largest(metric.PostgresUnusedIndexBytes)},
			column{
				title: "Statistics since", unit: units.DateTimeFromNow, expr: "1000 * " + largest(metric.PostgresStatisticsReset),
				empty: "never reset",
			},
			column{
				title: "Tables that await a vacuum", unit: units.Short, expr: largest(metric.PostgresTablesToVacuum),
				decimals: whole,
			},
			column{
				title: "Oldest vacuum of these", unit: units.Seconds, empty: "none awaits one",
				expr: fmt.Sprintf("time() - min by (environment, server, database) (%s)",
					onServers(metric.PostgresOldestVacuum)+" > 0"),
				colours: above(86400, yellow, 7*86400, red),
			},
		),
		lines(words{
			title: "Transaction ids used up", unit: units.PercentUnit, empty: noServer,
			about: "Between the age at which autovacuum must freeze and the end, at which the server takes no writes: how far " +
				"the oldest transaction of a server has come. Alerts fire at 20 % and 50 %.",
		}, 12, query("A", onServers(metric.ServerWraparound), "{{server}}")).Min(0).AxisSoftMax(0.5),
		lines(words{
			title: "Age of transactions", unit: units.Short, empty: noServer,
			about: "Transactions, or multixacts, since the oldest that is not frozen; dashed, where autovacuum must " +
				"freeze.",
		}, 12, query("A", fmt.Sprintf("max by (server, kind) (%s)", onServers(metric.PostgresIDAge)), "{{server}} {{kind}}"),
			query("B", fmt.Sprintf("max by (server, kind) (%s)", onServers(metric.PostgresFreezeAge)),
				"{{server}} {{kind}} must")).Min(0).OverrideByQuery("B", objectiveLine),
	}
}
