package metric

var serverLevel = []string{LabelEnvironment, LabelServer}

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
)
