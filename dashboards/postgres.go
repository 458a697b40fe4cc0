package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/metric"
)

// postgres shows how PostgreSQL servers fare.
func postgres(b *dashboard.DashboardBuilder) *dashboard.DashboardBuilder {
	perDatabase := func(m *metric.Metric) string {
		return fmt.Sprintf(`sum by (server) (max by (server, database) (rate(%s[$__rate_interval])))`, inEnvironment(m))
	}
	return b.WithRow(dashboard.NewRowBuilder("PostgreSQL")).
		WithPanel(figures(words{"Servers", "PostgreSQL servers, whoever asks them; " +
			"a project of Supabase is the server of its name.", units.Short}, 7,
			map[string]string{metric.LabelEnvironment: "Environment", metric.LabelServer: "Server"},
			[]string{metric.LabelEnvironment, metric.LabelServer},
			column{
				"A", "Up", units.BoolYesNo, inEnvironment(metric.ServerUp), []dashboard.Threshold{{Color: red}, from(1, green)},
			},
			column{
				"B", "Connections left", units.PercentUnit, inEnvironment(metric.ServerConnectionsLeft),
				[]dashboard.Threshold{{Color: red}, from(0.03, yellow), from(0.1, green)},
			},
			column{
				"C", "Log files not archived", units.Short, inEnvironment(metric.ServerUnarchived),
				[]dashboard.Threshold{{Color: green}, from(10, red)},
			},
			column{"D", "Log", units.BytesIEC, inEnvironment(metric.ServerWALSize), nil},
			column{
				"E", "Log full in", units.Seconds, inEnvironment(metric.ServerWALFullIn),
				[]dashboard.Threshold{{Color: red}, from(86400, green)},
			},
			column{
				"F", "Behind", units.Seconds, inEnvironment(metric.ServerReplicationLag),
				[]dashboard.Threshold{{Color: green}, from(300, red)},
			},
			column{"G", "Oldest transaction", units.Seconds, fmt.Sprintf(`max by (environment, server) (%s)`,
				inEnvironment(metric.PostgresOldestTransaction)), []dashboard.Threshold{{Color: green}, from(3600, yellow)}},
		)).
		WithPanel(lines(words{"Transactions", "Committed and rolled back a second by server.", units.OpsPerSecond}, 12,
			query("A", fmt.Sprintf(`sum by (server, result) (max by (server, database, result) `+
				`(rate(%s[$__rate_interval])))`, inEnvironment(metric.PostgresTransactions)), "{{server}} {{result}}")).Min(0)).
		WithPanel(lines(words{"Cache hits", "Share of the blocks asked for that the server had in its own cache. " +
			"What it had not may still be in the operating system's.", units.PercentUnit}, 12,
			query("A", perDatabase(metric.PostgresBlocksHit)+" / ("+perDatabase(metric.PostgresBlocksHit)+" + "+
				perDatabase(metric.PostgresBlocksRead)+" > 0)", "{{server}}")).Max(1)).
		WithPanel(lines(words{"Databases", "Size by database.", units.BytesIEC}, 12,
			query("A", fmt.Sprintf(`max by (server, database) (%s)`, inEnvironment(metric.PostgresDatabaseSize)),
				"{{server}} {{database}}")).Min(0)).
		WithPanel(lines(words{"Input and output", "Bytes a second that the server asked of the operating system " +
			"(pg_stat_io, from PostgreSQL 16 on) or, before, wrote to its log.", units.BytesPerSecondIEC}, 12,
			query("A", fmt.Sprintf(`max by (server, object, context, operation) (rate(%s[$__rate_interval])) > 0`,
				inEnvironment(metric.PostgresIOBytes)), "{{server}} {{object}} {{context}} {{operation}}"),
			query("B", fmt.Sprintf(`max by (server) (rate(%s[$__rate_interval]))`, inEnvironment(metric.PostgresWALBytes)),
				"{{server}} log")).Min(0))
}
