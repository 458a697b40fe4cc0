package metric

// Alerts on PostgreSQL servers.
var (
	PostgresDownAlert = alert(Alert{
		Name: "ThorbisPostgresDown", Priorities: []string{"P2"}, Dashboard: DatabasesDashboard,
		What: "No exporter has been able to ask a PostgreSQL server for two minutes.",
		Why:  "Services that need it fail, and its write-ahead log, connections and lag are not watched.",
	})
	ConnectionsAlert = alert(Alert{
		Name: "ThorbisConnectionsNearMaximum", Priorities: []string{"P2", "P3"}, Dashboard: DatabasesDashboard,
		What: "Less than 10 %, or less than 3 %, of a PostgreSQL server's connections have been left for five minutes.",
		Why:  "Without one, new clients are refused.",
	})
	WALNotArchivedAlert = alert(Alert{
		Name: "ThorbisWalNotArchived", Priorities: []string{"P3"}, Dashboard: DatabasesDashboard,
		What: "More than ten files of the write-ahead log have waited for their archive for fifteen minutes.",
		Why:  "No later point in time can be restored, and pg_wal grows.",
	})
	WALFillingAlert = alert(Alert{
		Name: "ThorbisWalFilling", Priorities: []string{"P1", "P2"}, Dashboard: DatabasesDashboard,
		What: "The write-ahead log is kept from being removed and fills its filesystem within 4 h, or within a day.",
		Why:  "PostgreSQL stops when it cannot write its log.",
	})
	ReplicationLagAlert = alert(Alert{
		Name: "ThorbisReplicationLag", Priorities: []string{"P3"}, Dashboard: DatabasesDashboard,
		What: "A replica has been more than five minutes behind for ten minutes.",
		Why:  "Reads from it return old data, and a failover would lose what it has not replayed.",
	})
	SlotLostAlert = alert(Alert{
		Name: "ThorbisReplicationSlotLost", Priorities: []string{"P2"}, Dashboard: DatabasesDashboard,
		What: "For a minute, a replication slot has been lost or unreserved: the log that it needs is removed, " +
			"or with the next checkpoint.",
		Why: "A replica or subscriber that reads it must be rebuilt, and misses all changes until then.",
	})
	OldTransactionAlert = alert(Alert{
		Name: "ThorbisOldTransaction", Priorities: []string{"P4"}, Dashboard: DatabasesDashboard,
		What: "A transaction has been open for more than an hour for fifteen minutes.",
		Why:  "Rows deleted since then cannot be vacuumed: tables grow and get slower.",
	})
	WraparoundAlert = alert(Alert{
		Name: "ThorbisWraparoundNear", Priorities: []string{"P2", "P3"}, Dashboard: DatabasesDashboard,
		What: "The oldest transaction of a database that is not frozen is past the age at which autovacuum must freeze it " +
			"by a fifth, or by half, of what is left until the server stops.",
		Why: "At the end the server takes no writes until a vacuum has gone through the whole database.",
	})
	QuerySlowerAlert = alert(Alert{
		Name: "ThorbisQuerySlower", Priorities: []string{"P4"}, Dashboard: DatabasesDashboard,
		What: "For half an hour, a query that takes more than a tenth of its server's time has taken more than twice as " +
			"long as in the same hours of yesterday and of a week ago.",
		Why: "All else on the server waits for it, and it rarely gets better by itself.",
	})
)
