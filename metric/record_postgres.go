package metric

var (
	serverLevel = []string{LabelEnvironment, LabelServer}
	queryLevel  = []string{LabelEnvironment, LabelServer, LabelDatabase, LabelQueryID}
)

// PostgreSQL servers, from any exporter. A project of Supabase is the server of its name.
var (
	ServerUp = record("server:thorbis_postgres_up:state",
		"1 if any exporter could query the server.", serverLevel)
	ServerConnectionsLeft = record("server:thorbis_postgres_connections_left:ratio",
		"Share of the connections permitted to clients that is left.", serverLevel)
	ServerUnarchived = record("server:thorbis_postgres_wal_unarchived:files",
		"Finished files of the write-ahead log that wait for their archive.", serverLevel)
	ServerWALSize = record("server:thorbis_postgres_wal_size:bytes",
		"Size of the write-ahead log.", serverLevel)
	ServerWALSpace = record("server:thorbis_postgres_wal_space:bytes",
		"Space left on the filesystem of the write-ahead log, where it is known.", serverLevel)
	ServerWALFullIn = record("server:thorbis_postgres_wal_full_in:seconds",
		"Seconds until that filesystem is full at the pace of the last 30 m; "+
			"absent unless something keeps the log from being removed.", serverLevel)
	ServerReplicationLag = record("server:thorbis_postgres_replication_lag:seconds",
		"How far a replica is behind.", serverLevel)
	ServerCacheHits = record("server:thorbis_postgres_cache_hits:ratio5m",
		"Share of the blocks asked for that the server had in its own cache.", serverLevel)
	ServerWraparound = record("server:thorbis_postgres_wraparound:ratio",
		"Of the database whose transactions are the oldest: the share used up between the age at which autovacuum must "+
			"freeze and the one at which the server stops taking writes.", serverLevel)
	QueryTime = record("query:thorbis_postgres_statement_seconds:rate1h",
		"Seconds of execution a second of each query that has series, and of the others.", queryLevel)
	QueryMean = record("query:thorbis_postgres_statement_mean:seconds1h",
		"Mean time of an execution within the last hour, of queries that were executed more than thirty times.", queryLevel)
	QueryMeanGrowth = record("query:thorbis_postgres_statement_mean:growth",
		"That mean as a multiple of its average in the same two hours of yesterday or of a week ago, whichever is greater.",
		queryLevel)
)
