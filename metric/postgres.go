package metric

// Labels of a PostgreSQL server.
const (
	LabelServer   = "server"   // the policy's name of it
	LabelDatabase = "database" // of the server
	LabelObject   = "object"   // what is read or written: relation, temp relation, wal
	LabelContext  = "context"  // why: normal, vacuum, bulkread, bulkwrite, init
	LabelQueryID  = "queryid"  // of pg_stat_statements
)

// QueryOther stands for the queries without series of their own.
const QueryOther = "_other"

// What is numbered and must be frozen before the numbers are used up, values of LabelKind.
const (
	KindTransaction = "transaction"
	KindMultixact   = "multixact"
)

// DatabaseOther stands for the databases beyond the policy's max_databases.
const DatabaseOther = "_other"

// What a replication slot still needs is kept or not: its wal_status, values of LabelState.
const (
	SlotReserved   = "reserved"
	SlotExtended   = "extended"
	SlotUnreserved = "unreserved"
	SlotLost       = "lost"
)

// SlotStates lists them.
var SlotStates = []string{SlotReserved, SlotExtended, SlotUnreserved, SlotLost}

// Ends of a transaction, values of LabelResult.
const (
	ResultCommit   = "commit"
	ResultRollback = "rollback"
)

var (
	serverLabels     = []string{LabelServer}
	databaseLabels   = []string{LabelServer, LabelDatabase}
	queryLabels      = append(databaseLabels[:2:2], LabelQueryID)
	postgresIOLabels = []string{LabelServer, LabelObject, LabelContext, LabelOperation}
)

// PostgreSQL's own statistics, as the server counts them. Several exporters may read one server: replica.
var (
	PostgresUp = define(Metric{
		Name: "thorbis_postgres_up", Type: Gauge, Across: Replica,
		Help: "1 if the server answers, 0 if it does not, absent while it cannot be queried: wrong password, " +
			"connection string or database.",
		Labels: serverLabels,
	})
	PostgresVersion = define(Metric{
		Name: "thorbis_postgres_version", Type: Gauge, Across: Replica,
		Help:   "The server's version as its own number, such as 150018 for 15.18.",
		Labels: serverLabels,
	})
	PostgresStarted = define(Metric{
		Name: "thorbis_postgres_start_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which the server started.",
		Labels: serverLabels,
	})
	PostgresRecovery = define(Metric{
		Name: "thorbis_postgres_in_recovery", Type: Gauge, Across: Replica,
		Help:   "1 if the server is a replica, or recovers.",
		Labels: serverLabels,
	})
	PostgresMaxConnections = define(Metric{
		Name: "thorbis_postgres_expected_max_connections", Type: Gauge, Across: Replica, Expected: true,
		Help:   "Connections that the server permits, those reserved for superusers left out.",
		Labels: serverLabels,
	})
	PostgresConnections = define(Metric{
		Name: "thorbis_postgres_connections", Type: Gauge, Across: Replica,
		Help:   "Connections of clients.",
		Labels: serverLabels,
	})
	PostgresOldestTransaction = define(Metric{
		Name: "thorbis_postgres_oldest_transaction_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Age of the oldest open transaction of a client, 0 without one.",
		Labels: serverLabels,
	})

	PostgresDatabaseSize = define(Metric{
		Name: "thorbis_postgres_database_size_bytes", Type: Gauge, Unit: "bytes", Across: Replica,
		Help:   "Size of the database.",
		Labels: databaseLabels,
	})
	PostgresTransactions = define(Metric{
		Name: "thorbis_postgres_transactions_total", Type: Counter, Across: Replica,
		Help:   "Transactions by how they ended.",
		Labels: append(databaseLabels[:2:2], LabelResult),
	})
	PostgresBlocksRead = define(Metric{
		Name: "thorbis_postgres_blocks_read_total", Type: Counter, Across: Replica,
		Help:   "Blocks that were asked of the operating system, which may have had them in its cache.",
		Labels: databaseLabels,
	})
	PostgresBlocksHit = define(Metric{
		Name: "thorbis_postgres_blocks_hit_total", Type: Counter, Across: Replica,
		Help:   "Blocks that were found in the server's own cache.",
		Labels: databaseLabels,
	})
	PostgresReadSeconds = define(Metric{
		Name: "thorbis_postgres_block_read_seconds_total", Type: Counter, Unit: "seconds", Across: Replica,
		Help:   "Time spent reading blocks; 0 unless track_io_timing is on.",
		Labels: databaseLabels,
	})
	PostgresWriteSeconds = define(Metric{
		Name: "thorbis_postgres_block_write_seconds_total", Type: Counter, Unit: "seconds", Across: Replica,
		Help:   "Time backends spent writing blocks; 0 unless track_io_timing is on.",
		Labels: databaseLabels,
	})
	PostgresTempBytes = define(Metric{
		Name: "thorbis_postgres_temp_bytes_total", Type: Counter, Unit: "bytes", Across: Replica,
		Help:   "Bytes written to temporary files, by queries that need more than work_mem.",
		Labels: databaseLabels,
	})
	PostgresDeadlocks = define(Metric{
		Name: "thorbis_postgres_deadlocks_total", Type: Counter, Across: Replica,
		Help:   "Deadlocks.",
		Labels: databaseLabels,
	})

	PostgresIOOperations = define(Metric{
		Name: "thorbis_postgres_io_operations_total", Type: Counter, Across: Replica,
		Help:   "Operations of pg_stat_io, from version 16 on. Since 18 they are requests that may span several blocks.",
		Labels: postgresIOLabels,
	})
	PostgresIOBytes = define(Metric{
		Name: "thorbis_postgres_io_bytes_total", Type: Counter, Unit: "bytes", Across: Replica,
		Help:   "Bytes of pg_stat_io.",
		Labels: postgresIOLabels,
	})
	PostgresIOSeconds = define(Metric{
		Name: "thorbis_postgres_io_time_seconds_total", Type: Counter, Unit: "seconds", Across: Replica,
		Help:   "Time of pg_stat_io; 0 unless track_io_timing (for wal track_wal_io_timing) is on.",
		Labels: postgresIOLabels,
	})

	PostgresWALBytes = define(Metric{
		Name: "thorbis_postgres_wal_bytes_total", Type: Counter, Unit: "bytes", Across: Replica,
		Help:   "Bytes of write-ahead log written, on a replica replayed, since the cluster was made.",
		Labels: serverLabels,
	})
	PostgresWALSize = define(Metric{
		Name: "thorbis_postgres_wal_size_bytes", Type: Gauge, Unit: "bytes", Across: Replica,
		Help:   "Bytes in pg_wal.",
		Labels: serverLabels,
	})
	PostgresWALArchiving = define(Metric{
		Name: "thorbis_postgres_wal_archiving", Type: Gauge, Across: Replica,
		Help:   "1 if archive_mode is on.",
		Labels: serverLabels,
	})
	PostgresWALUnarchived = define(Metric{
		Name: "thorbis_postgres_wal_unarchived_files", Type: Gauge, Across: Replica,
		Help:   "Finished files of the write-ahead log that wait for their archive.",
		Labels: serverLabels,
	})
	PostgresCheckpoints = define(Metric{
		Name: "thorbis_postgres_checkpoints_total", Type: Counter, Across: Replica,
		Help:   "Checkpoints by kind: timed, or requested because the log grew to max_wal_size or a client asked for one.",
		Labels: []string{LabelServer, LabelKind},
	})
	PostgresCheckpointSeconds = define(Metric{
		Name: "thorbis_postgres_checkpoint_time_seconds_total", Type: Counter, Unit: "seconds", Across: Replica,
		Help:   "Time that checkpoints took, by operation: write, which is spread out on purpose, and sync.",
		Labels: []string{LabelServer, LabelOperation},
	})
	PostgresBuffersWritten = define(Metric{
		Name: "thorbis_postgres_buffers_written_total", Type: Counter, Across: Replica,
		Help: "Buffers written by kind of process: checkpointer, background writer, and before version 17 backend. " +
			"Since then pg_stat_io counts those of backends.",
		Labels: []string{LabelServer, LabelKind},
	})
	PostgresWALArchived = define(Metric{
		Name: "thorbis_postgres_wal_archives_total", Type: Counter, Across: Replica,
		Help:   "Attempts to archive a file, by result.",
		Labels: []string{LabelServer, LabelResult},
	})
	PostgresWALLastArchived = define(Metric{
		Name: "thorbis_postgres_wal_last_archive_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time of the last attempt to archive a file, by result; 0 if there was none.",
		Labels: []string{LabelServer, LabelResult},
	})
	PostgresWALFilesystem = define(Metric{
		Name: "thorbis_postgres_wal_filesystem_info", Type: Info, Across: Replica, Expected: true,
		Help:   "The filesystem on which the policy says that pg_wal lies.",
		Labels: []string{LabelServer, LabelHost, LabelMountpoint},
	})

	PostgresReplicationLag = define(Metric{
		Name: "thorbis_postgres_replication_lag_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "On a replica: age of the last transaction replayed, 0 where all that was received is replayed.",
		Labels: serverLabels,
	})
	PostgresReplicas = define(Metric{
		Name: "thorbis_postgres_replicas", Type: Gauge, Across: Replica,
		Help:   "Replicas that are connected.",
		Labels: serverLabels,
	})
	PostgresReplicaBehind = define(Metric{
		Name: "thorbis_postgres_replica_behind_bytes", Type: Gauge, Unit: "bytes", Across: Replica,
		Help:   "Bytes of write-ahead log that the slowest connected replica has not replayed.",
		Labels: serverLabels,
	})
	PostgresSlotRetained = define(Metric{
		Name: "thorbis_postgres_slot_retained_bytes", Type: Gauge, Unit: "bytes", Across: Replica,
		Help: "Bytes of write-ahead log that the laziest replication slot keeps from being removed. " +
			"A slot that is lost keeps none.",
		Labels: serverLabels,
	})
	PostgresSlots = define(Metric{
		Name: "thorbis_postgres_replication_slots", Type: Gauge, Across: Replica,
		Help: "Replication slots by wal_status: reserved, extended, " +
			"unreserved (the log they need is about to be removed), lost (it was). From PostgreSQL 13 on.",
		Labels: []string{LabelServer, LabelState},
	})
)
