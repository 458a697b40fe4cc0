package rules

import (
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Thresholds of databases.
const (
	// waiting files of 16 MiB: an archive that works keeps fewer.
	unarchivedFiles = "10"
	// laziness is how much log a replication slot may hold back before it counts as holding it.
	laziness = "1024 * 1024 * 1024"
	// maxLag and oldTransaction are far from what a healthy server has.
	maxLag         = 5 * time.Minute
	oldTransaction = time.Hour
)

var databaseNames = names{
	"server":       join(metric.LabelEnvironment, metric.LabelServer),
	"place":        join(metric.LabelEnvironment, metric.LabelHost, metric.LabelMountpoint),
	"up":           metric.ServerUp.Name,
	"left":         metric.ServerConnectionsLeft.Name,
	"unarchived":   metric.ServerUnarchived.Name,
	"walSize":      metric.ServerWALSize.Name,
	"space":        metric.ServerWALSpace.Name,
	"walFull":      metric.ServerWALFullIn.Name,
	"lag":          metric.ServerReplicationLag.Name,
	"maximum":      held(metric.PostgresMaxConnections.Name),
	"connections":  held(metric.PostgresConnections.Name),
	"retained":     held(metric.PostgresSlotRetained.Name),
	"slotsGoing":   held(metric.PostgresSlots.Name + `{state=~"` + metric.SlotUnreserved + "|" + metric.SlotLost + `"}`),
	"oldest":       held(metric.PostgresOldestTransaction.Name),
	"walPlace":     held(metric.PostgresWALFilesystem.Name),
	"supabaseWAL":  metric.SupabaseWALSize,
	"dataMount":    metric.SupabaseDataMount,
	"files":        unarchivedFiles,
	"laziness":     laziness,
	"maxLag":       seconds(maxLag),
	"oldAge":       seconds(oldTransaction),
	"soon":         seconds(4 * time.Hour),
	"withinADay":   seconds(24 * time.Hour),
	"anyHostIsOne": "$1",
}

func databaseExpr(text string) string { return storageExpr(text, databaseNames) }

// servers takes what ours say of servers, and what Supabase says of projects that ours do not ask.
func servers(ours, supabase string) string {
	return databaseExpr(`
		max by ($server) (` + held(ours) + `)
		or on ($server)
		max by ($server) ((` + supabase + `) * on ($target) group_left ($server) label_replace($nodeHost, "server", "$anyHostIsOne", "host", "(.+)"))`)
}

// databases records how PostgreSQL servers fare and tells of what ends badly.
func databases() Group {
	rules := []Rule{
		{Record: metric.ServerUp, Expr: servers(metric.PostgresUp.Name, held(metric.SupabaseUp))},
		{Record: metric.ServerConnectionsLeft, Expr: databaseExpr(`
			(max by ($server) ($maximum) - max by ($server) ($connections)) / max by ($server) ($maximum)`)},
		{Record: metric.ServerUnarchived, Expr: servers(metric.PostgresWALUnarchived.Name, held(metric.SupabaseUnarchived))},
		{Record: metric.ServerWALSize, Expr: servers(metric.PostgresWALSize.Name, held(metric.SupabaseWALSize)+" * 1024 * 1024")},
		{Record: metric.ServerWALSpace, Expr: databaseExpr(`
			max by ($server) (max by ($server, host, mountpoint) ($walPlace) * on ($place) group_left () $available)
			or on ($server)
			max by ($server) (
				label_replace($available{mountpoint="$dataMount"}, "server", "$anyHostIsOne", "host", "(.+)")
				and on ($host)
				` + foreign("$supabaseWAL") + `
			)`)},
		{Record: metric.ServerWALFullIn, Expr: databaseExpr(`
			$space / (deriv($walSize[30m]) > 0)
			and on ($server)
			($unarchived > $files or max by ($server) ($retained) > $laziness)`)},
		{Record: metric.ServerReplicationLag, Expr: servers(metric.PostgresReplicationLag.Name, held(metric.SupabaseLag))},
	}
	return Group{Name: "thorbis-databases", Interval: ledgerInterval, Rules: append(rules, databaseAlerts()...)}
}

func databaseAlerts() []Rule {
	at := func(priority string, r Rule) Rule {
		r.Priority = priority
		return r
	}
	connections := func(bounds string) Rule {
		return single(metric.ConnectionsAlert, databaseExpr(bounds), 5*time.Minute, text{
			summary: "A PostgreSQL server runs out of connections.",
			description: `{{ $value | humanizePercentage }} of the connections of {{ $labels.server }} in {{ $labels.environment }} are left; without one, whoever connects is refused.
				First look: SELECT state, usename, application_name, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC: idle ones belong to a pool that is too large or leaks.`,
		})
	}
	filling := func(bounds string, wait time.Duration) Rule {
		return single(metric.WALFillingAlert, databaseExpr(bounds), wait, text{
			summary: "The write-ahead log of PostgreSQL fills its disk.",
			description: `The write-ahead log of {{ $labels.server }} in {{ $labels.environment }} fills its filesystem in {{ $value | humanizeDuration }}; PostgreSQL stops then.
				First look: does the archive command fail (SELECT * FROM pg_stat_archiver), does a replication slot hold it back (SELECT slot_name, active, restart_lsn FROM pg_replication_slots). Never delete files of pg_wal by hand.`,
		})
	}
	return []Rule{
		single(metric.PostgresDownAlert, databaseExpr(`$up == 0`), 2*time.Minute, text{
			summary: "A PostgreSQL server does not answer.",
			description: `{{ $labels.server }} in {{ $labels.environment }} has not answered for two minutes; services that need it fail.
				First look: is it running, does it take connections (ThorbisConnectionsNearMaximum), then the exporter's log. A wrong password is not this alert but ThorbisCollectorFailing.`,
		}),
		at("P2", connections(`$left < 0.03`)),
		at("P3", connections(`($left < 0.1) >= 0.03`)),
		single(metric.WALNotArchivedAlert, databaseExpr(`$unarchived > $files`), 15*time.Minute, text{
			summary: "The write-ahead log is not archived.",
			description: `{{ $value }} files of the write-ahead log of {{ $labels.server }} in {{ $labels.environment }} wait for their archive; nothing since then can be restored to a point in time.
				First look: SELECT failed_count, last_failed_wal, last_failed_time FROM pg_stat_archiver, and the server's log for what the archive command says.`,
		}),
		// A server whose log is full stops and says nothing of its archive any more: not the moment to be told less.
		at("P1", filling(`
			$walFull < $soon
			or on ($server)
			(last_over_time($walFull[1h]) < $soon unless on ($server) $unarchived)`, 5*time.Minute)),
		at("P2", filling(`($walFull < $withinADay) >= $soon`, 15*time.Minute)),
		single(metric.ReplicationLagAlert, databaseExpr(`$lag > $maxLag`), 10*time.Minute, text{
			summary: "A replica is far behind.",
			description: `{{ $labels.server }} in {{ $labels.environment }} is {{ $value | humanizeDuration }} behind; reads from it are old.
				First look: does it still receive (SELECT status, latest_end_time FROM pg_stat_wal_receiver), does a long query on it hold up the replay, is its disk at the limit.`,
		}),
		// One alert for both: a slot that is lost was unreserved before, which is one cause and one page.
		single(metric.SlotLostAlert, databaseExpr(`sum by ($server) (max by ($server, state) ($slotsGoing)) > 0`), time.Minute, text{
			summary: "A replication slot has lost its write-ahead log, or is about to.",
			description: `{{ $value }} replication slots of {{ $labels.server }} in {{ $labels.environment }} are lost or unreserved; whoever reads a lost one has to be made anew, and one that is unreserved is lost with the next checkpoint.
				First look: SELECT slot_name, slot_type, active, wal_status, restart_lsn FROM pg_replication_slots WHERE wal_status IN ('unreserved', 'lost'). While it is unreserved: raise max_slot_wal_keep_size and reload, if the disk has room, and bring its reader back.`,
		}),
		single(metric.OldTransactionAlert, databaseExpr(`max by ($server) ($oldest) > $oldAge`), 15*time.Minute, text{
			summary: "A transaction has been open for too long.",
			description: `The oldest transaction of {{ $labels.server }} in {{ $labels.environment }} has been open for {{ $value | humanizeDuration }}; nothing deleted since can be cleaned up.
				First look: SELECT pid, usename, state, xact_start, left(query, 80) FROM pg_stat_activity WHERE xact_start IS NOT NULL ORDER BY xact_start LIMIT 3.`,
		}),
	}
}
