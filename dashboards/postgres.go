package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// onServers selects the part of a series that is of the PostgreSQL servers picked.
func onServers(s selecter, matchers ...string) string {
	return s.Select(append([]string{pickedEnvironment, pickedServer}, matchers...)...)
}

const noServer = "no PostgreSQL server is asked"

// databases shows how PostgreSQL servers fare.
func databases(*config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.DatabasesDashboard, title: "Databases",
		about: "PostgreSQL servers, whichever exporter queries them; a project of Supabase is the server of its name.",
		variables: []cog.Builder[dashboard.VariableModel]{
			environmentVariable(metric.ServerUp),
			labelVariable(metric.LabelServer, "Server", "PostgreSQL servers by their names in the policy, projects of Supabase "+
				"by theirs.", metric.ServerUp.Select(pickedEnvironment)),
		},
	}.builder()
	row(b, "Now",
		number(words{
			title: "Servers up", unit: units.Short, empty: noServer,
			about:   "PostgreSQL servers that answer.",
			whenRed: "None answers, or the exporter cannot reach them: try psql from where the exporter runs.",
		}, 6, fmt.Sprintf("sum(%s)", onServers(metric.ServerUp)), "up", known(red, from(1, green))),
		number(words{
			title: "Fewest connections left", unit: units.PercentUnit, empty: noServer,
			about: "Share of the connections permitted to clients that is left on the server with the fewest.",
			whenRed: "Clients are about to be refused: end sessions that are idle in transaction, then see which pool has " +
				"grown.",
		}, 6, fmt.Sprintf("min(%s)", onServers(metric.ServerConnectionsLeft)), "left",
			known(red, from(0.03, yellow), from(0.1, green))).Decimals(1),
		number(words{
			title: "Oldest transaction", unit: units.Seconds, empty: noServer,
			about: "Age of the oldest open transaction of a client. It keeps vacuum from cleaning up.",
		}, 6, fmt.Sprintf("max(%s)", onServers(metric.PostgresOldestTransaction)), "oldest", known(green, from(3600,
			yellow))),
		number(words{
			title: "Furthest behind", unit: units.Seconds, empty: "no replica is asked",
			about:   "How far the slowest replica is behind.",
			whenRed: "Reads from the replica are old, and a fail-over would lose that much: see its network and its disk.",
		}, 6, fmt.Sprintf("max(%s)", behind(onServers)), "behind", known(green, from(60, yellow),
			from(300, red))),
		serverTable(),
	)
	row(b, "Work", serverWork()...)
	row(b, "Queries", serverQueries()...)
	row(b, "Indexes and vacuum", serverUpkeep()...)
	row(b, "Log, replicas and size", serverLog()...)
	return b
}

// behind is how far replicas are behind: not primaries, which follow no server.
func behind(of func(selecter, ...string) string) string {
	return fmt.Sprintf("%s unless on (environment, server) %s == 0", of(metric.ServerReplicationLag),
		of(metric.PostgresRecovery))
}

func serverTable() panel {
	largest := func(m *metric.Metric) string { return "max by (environment, server) (" + onServers(m) + ")" }
	return figures(words{
		title: "Servers", unit: units.Short, empty: "No PostgreSQL server is asked",
		about: "Each server: whether it answers, what is left of its connections, and what keeps its log.",
		whenRed: "Down: try psql from where the exporter runs. Log not archived or full within a day: the archive command " +
			"fails or a replication slot holds it; when the disk is full, the server stops.",
	}, 24, 7, []key{byEnvironment, byServer},
		column{
			title: "Up", unit: units.NoUnit, expr: onServers(metric.ServerUp),
			texts: texts(text{1, "up", green}, text{0, "down", red}),
		},
		column{
			title: "Role", unit: units.NoUnit, expr: largest(metric.PostgresRecovery),
			texts: texts(text{0, "primary", blue}, text{1, "replica", blue}),
		},
		column{
			title: "Connections left", unit: units.PercentUnit, expr: onServers(metric.ServerConnectionsLeft),
			colours: below(0.03, red, 0.1, yellow), decimals: 1,
		},
		column{
			title: "Log files not archived", unit: units.Short, expr: onServers(metric.ServerUnarchived),
			colours: atLeast(10, red),
		},
		column{title: "Log", unit: units.BytesIEC, expr: onServers(metric.ServerWALSize)},
		column{
			title: "Log full in", unit: units.Seconds, expr: onServers(metric.ServerWALFullIn), empty: "does not fill",
			colours: below(86400, red, 4*86400, yellow),
		},
		column{
			title: "Behind", unit: units.Seconds, expr: behind(onServers), empty: "primary",
			colours: above(60, yellow, 300, red),
		},
		column{
			title: "Oldest transaction", unit: units.Seconds, expr: largest(metric.PostgresOldestTransaction),
			colours: atLeast(3600, yellow),
		},
		column{title: "Started", unit: units.DateTimeFromNow, expr: "1000 * " + largest(metric.PostgresStarted)},
	)
}

// perServer is the rate of a counter of databases, summed over those of each server, whichever exporter asks it.
func perServer(m *metric.Metric, by string) string {
	return fmt.Sprintf(`sum by (server%[1]s) (max by (server, database%[1]s) (rate(%[2]s[$__rate_interval])))`, by,
		onServers(m))
}

func serverWork() []panel {
	return []panel{
		manyLines(words{
			title: "Transactions", unit: units.OpsPerSecond, empty: noServer,
			about: "Committed and rolled back a second by server.",
		}, 12, query("A", perServer(metric.PostgresTransactions, ", result"), "{{server}} {{result}}")).Min(0),
		lines(words{
			title: "Connections", unit: units.Short, empty: noServer,
			about: "Connections of clients; dashed, those that the server permits.",
		}, 12, query("A", fmt.Sprintf("max by (server) (%s)", onServers(metric.PostgresConnections)), "{{server}}"),
			query("B", fmt.Sprintf("max by (server) (%s)", onServers(metric.PostgresMaxConnections)), "{{server}} permitted")).
			Min(0).OverrideByQuery("B", objectiveLine),
		lines(words{
			title: "Cache hits", unit: units.PercentUnit, empty: "no block is asked for yet",
			about: "Share of the blocks asked for that the server had in its own cache. What it had not may still be in the " +
				"operating system's.",
		}, 12, query("A", onServers(metric.ServerCacheHits), "{{server}}")).Min(0).Max(1),
		manyLines(words{
			title: "Input and output", unit: units.BytesPerSecondIEC, empty: noServer,
			about: "Bytes a second that the server asked of the operating system (pg_stat_io, from PostgreSQL 16 on) or, " +
				"before, " +
				"wrote to its log.",
		}, 12, query("A", fmt.Sprintf(`max by (server, object, context, operation) (rate(%s[$__rate_interval])) > 0`,
			onServers(metric.PostgresIOBytes)), "{{server}} {{object}} {{context}} {{operation}}"),
			query("B", fmt.Sprintf(`max by (server) (rate(%s[$__rate_interval]))`, onServers(metric.PostgresWALBytes)),
				"{{server}} log")).Min(0),
		lines(words{
			title: "Deadlocks", unit: units.CountsPerSecond, empty: noServer,
			about: "Deadlocks a second by server: two transactions that waited for each other, one of which failed.",
		}, 12, query("A", perServer(metric.PostgresDeadlocks, ""), "{{server}}")).Min(0),
		lines(words{
			title: "Temporary files", unit: units.BytesPerSecondIEC, empty: noServer,
			about: "Bytes a second written to temporary files, by queries that need more than work_mem.",
		}, 12, query("A", perServer(metric.PostgresTempBytes, ""), "{{server}}")).Min(0),
	}
}

func serverLog() []panel {
	return []panel{
		lines(words{
			title: "Write-ahead log", unit: units.BytesIEC, empty: noServer,
			about: "Size of the write-ahead log; it grows while an archive or a replication slot holds it.",
		}, 12, query("A", onServers(metric.ServerWALSize), "{{server}}")).Min(0),
		lines(words{
			title: "Replicas behind", unit: units.Seconds, empty: "no replica is asked",
			about: "How far each replica is behind.",
		}, 12, query("A", behind(onServers), "{{server}}")).Min(0),
		manyLines(words{
			title: "Sizes", unit: units.BytesIEC, empty: noServer,
			about: fmt.Sprintf("The %d largest databases.", topLines),
		}, 12, query("A", fmt.Sprintf(`topk(%d, max by (server, database) (%s))`, topLines,
			onServers(metric.PostgresDatabaseSize)), "{{server}} {{database}}")).Min(0),
		lines(words{
			title: "Archiving", unit: units.CountsPerSecond, empty: noServer,
			about: "Attempts a second to archive a file of the log, by result.",
		}, 12, query("A", fmt.Sprintf(`max by (server, result) (rate(%s[$__rate_interval]))`,
			onServers(metric.PostgresWALArchived)), "{{server}} {{result}}")).Min(0),
	}
}
