package metric

// What the work of a PostgreSQL server comes to: its statements, its indexes, and what vacuum has left.
var (
	PostgresStatementCalls = define(Metric{
		Name: "thorbis_postgres_statement_calls_total", Type: Counter, Across: Replica,
		Help: "Executions of the queries that take the most time, by their id in pg_stat_statements; the others together " +
			"under _other. Counted since the exporter started, or since the query was given its series.",
		Labels: queryLabels,
	})
	PostgresStatementSeconds = define(Metric{
		Name: "thorbis_postgres_statement_seconds_total", Type: Counter, Unit: "seconds", Across: Replica,
		Help:   "Time that they took, counted when they end.",
		Labels: queryLabels,
	})
	PostgresStatementRows = define(Metric{
		Name: "thorbis_postgres_statement_rows_total", Type: Counter, Across: Replica,
		Help:   "Rows that they returned or changed.",
		Labels: queryLabels,
	})
	PostgresStatementBlocksHit = define(Metric{
		Name: "thorbis_postgres_statement_blocks_hit_total", Type: Counter, Across: Replica,
		Help:   "Blocks of tables and indexes that they found in the server's own cache.",
		Labels: queryLabels,
	})
	PostgresStatementBlocksRead = define(Metric{
		Name: "thorbis_postgres_statement_blocks_read_total", Type: Counter, Across: Replica,
		Help:   "Blocks of tables and indexes that they asked of the operating system.",
		Labels: queryLabels,
	})
	PostgresStatements = define(Metric{
		Name: "thorbis_postgres_statements", Type: Gauge, Across: Replica,
		Help:   "Entries of pg_stat_statements.",
		Labels: serverLabels,
	})
	PostgresStatementEvictions = define(Metric{
		Name: "thorbis_postgres_statement_evictions_total", Type: Counter, Across: Replica,
		Help: "How often pg_stat_statements forgot the statements that were executed least, to make room for others. " +
			"From PostgreSQL 14 on.",
		Labels: serverLabels,
	})

	PostgresIDAge = define(Metric{
		Name: "thorbis_postgres_transaction_id_age", Type: Gauge, Across: Replica,
		Help: "Transactions, or multixacts, since the oldest that is not frozen in the database. " +
			"At two thousand million the server stops taking writes.",
		Labels: append(databaseLabels[:2:2], LabelKind),
	})
	PostgresFreezeAge = define(Metric{
		Name: "thorbis_postgres_expected_freeze_max_age", Type: Gauge, Across: Replica, Expected: true,
		Help:   "Age at which autovacuum freezes a table, even where autovacuum is off.",
		Labels: []string{LabelServer, LabelKind},
	})

	PostgresStatisticsReset = define(Metric{
		Name: "thorbis_postgres_statistics_reset_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time since which the statistics of the connected database count, as far as the server knows: " +
			"indexes are unused since then.",
		Labels: databaseLabels,
	})
	PostgresUnusedIndexes = define(Metric{
		Name: "thorbis_postgres_unused_indexes", Type: Gauge, Across: Replica,
		Help: "Indexes of the connected database that no query has used, on this server, since its statistics were reset; " +
			"those of constraints, unique ones and those on expressions left out.",
		Labels: databaseLabels,
	})
	PostgresUnusedIndexBytes = define(Metric{
		Name: "thorbis_postgres_unused_index_bytes", Type: Gauge, Unit: "bytes", Across: Replica,
		Help:   "Their size when they were last vacuumed or analysed.",
		Labels: databaseLabels,
	})
	PostgresTablesToVacuum = define(Metric{
		Name: "thorbis_postgres_tables_awaiting_vacuum", Type: Gauge, Across: Replica,
		Help: "Tables of the connected database with more dead rows than autovacuum permits them, " +
			"also those for which it is off.",
		Labels: databaseLabels,
	})
	PostgresOldestVacuum = define(Metric{
		Name: "thorbis_postgres_oldest_vacuum_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time of the vacuum of that of these tables whose last vacuum is the longest ago, " +
			"0 if one has had none since the statistics were reset; absent without such a table.",
		Labels: databaseLabels,
	})
)
