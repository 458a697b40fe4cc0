package rules

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
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

func databaseNames(p *config.Policy) names {
	ours := namedServers(p)
	return names{
		"server":       join(metric.LabelEnvironment, metric.LabelServer),
		"place":        join(metric.LabelEnvironment, metric.LabelHost, metric.LabelMountpoint),
		"up":           metric.ServerUp.Name,
		"left":         metric.ServerConnectionsLeft.Name,
		"unarchived":   metric.ServerUnarchived.Name,
		"walSize":      metric.ServerWALSize.Name,
		"space":        metric.ServerWALSpace.Name,
		"walFull":      metric.ServerWALFullIn.Name,
		"lag":          metric.ServerReplicationLag.Name,
		"maximum":      kept(metric.PostgresMaxConnections, "5m", ours),
		"connections":  kept(metric.PostgresConnections, "5m", ours),
		"retained":     kept(metric.PostgresSlotRetained, "5m", ours),
		"slotsGoing":   kept(metric.PostgresSlots, "5m", ours, `state=~"`+metric.SlotUnreserved+"|"+metric.SlotLost+`"`),
		"oldest":       kept(metric.PostgresOldestTransaction, "5m", ours),
		"walPlace":     kept(metric.PostgresWALFilesystem, "5m", ours),
		"supabaseWAL":  metric.SupabaseWALSize,
		"dataMount":    metric.SupabaseDataMount,
		"files":        unarchivedFiles,
		"laziness":     laziness,
		"maxLag":       seconds(maxLag),
		"oldAge":       seconds(oldTransaction),
		"soon":         seconds(4 * time.Hour),
		"withinADay":   seconds(24 * time.Hour),
		"anyHostIsOne": "$1",
		// Servers that the policy named within the hour and names no longer.
		"removed": removed(metric.PostgresUp, "$server", ours),
	}
}

// databaseKit fills the placeholders of an expression on servers.
type databaseKit struct {
	names
	named string // the servers of the policy, as a matcher
}

func (k databaseKit) expr(text string) string {
	return storageExpr(storageExpr(text, k.names), k.names)
}

// servers returns an expression for a value of each server: the exporter's own where it exists, otherwise Supabase's.
func (k databaseKit) servers(ours *metric.Metric, supabase string) string {
	return k.expr(`
		max by ($server) (` + kept(ours, "5m", k.named) + `)
		or on ($server)
		max by ($server) ((` + supabase + `) * on ($target) group_left ($server) label_replace($nodeHost, "server", "$anyHostIsOne", "host", "(.+)"))`)
}

// databases returns the records and alerts on PostgreSQL servers.
func databases(p *config.Policy) Group {
	k := databaseKit{databaseNames(p), namedServers(p)}
	rules := []Rule{
		{Record: metric.ServerUp, Expr: k.servers(metric.PostgresUp, held(metric.SupabaseUp))},
		{Record: metric.ServerConnectionsLeft, Expr: k.expr(`
			(max by ($server) ($maximum) - max by ($server) ($connections)) / max by ($server) ($maximum)`)},
		{Record: metric.ServerUnarchived, Expr: k.servers(metric.PostgresWALUnarchived, held(metric.SupabaseUnarchived))},
		{Record: metric.ServerWALSize, Expr: k.servers(metric.PostgresWALSize, held(metric.SupabaseWALSize)+" * 1024 * 1024")},
		{Record: metric.ServerWALSpace, Expr: k.expr(`
			max by ($server) (max by ($server, host, mountpoint) ($walPlace) * on ($place) group_left () $available)
			or on ($server)
			max by ($server) (
				label_replace($available{mountpoint="$dataMount"}, "server", "$anyHostIsOne", "host", "(.+)")
				and on ($host)
				` + foreign("$supabaseWAL") + `
			)`)},
		{Record: metric.ServerWALFullIn, Expr: k.expr(`
			$space / (deriv($walSize[30m]) > 0)
			and on ($server)
			($unarchived > $files or max by ($server) ($retained) > $laziness)`)},
		{Record: metric.ServerReplicationLag, Expr: k.servers(metric.PostgresReplicationLag, held(metric.SupabaseLag))},
	}
	return Group{Name: "thorbis-databases", Interval: ledgerInterval, Rules: append(rules, databaseAlerts(k)...)}
}

func databaseAlerts(k databaseKit) []Rule {
	at := func(priority string, r Rule) Rule {
		r.Priority = priority
		return r
	}
	connections := func(bounds string) Rule {
		return single(metric.ConnectionsAlert, k.expr(bounds), 5*time.Minute, text{
			summary: "A PostgreSQL server runs out of connections.",
			description: `{{ $value | humanizePercentage }} of the connections of {{ $labels.server }} in {{ $labels.environment }} are left; without one, whoever connects is refused.
				First look: SELECT state, usename, application_name, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC: idle ones belong to a pool that is too large or leaks.`,
		})
	}
	filling := func(bounds string, wait time.Duration) Rule {
		return single(metric.WALFillingAlert, k.expr(bounds), wait, text{
			summary: "The write-ahead log of PostgreSQL fills its disk.",
			description: `The write-ahead log of {{ $labels.server }} in {{ $labels.environment }} fills its filesystem in {{ $value | humanizeDuration }}; PostgreSQL stops then.
				First look: does the archive command fail (SELECT * FROM pg_stat_archiver), does a replication slot hold it back (SELECT slot_name, active, restart_lsn FROM pg_replication_slots). Never delete files of pg_wal by hand.`,
		})
	}
	return []Rule{
		single(metric.PostgresDownAlert, k.expr(`$up == 0`), 2*time.Minute, text{
			summary: "A PostgreSQL server does not answer.",
			description: `{{ $labels.server }} in {{ $labels.environment }} has not answered for two minutes; services that need it fail.
				First look: is it running, does it take connections (ThorbisConnectionsNearMaximum), then the exporter's log. A wrong password is not this alert but ThorbisCollectorFailing.`,
		}),
		at("P2", connections(`$left < 0.03`)),
		at("P3", connections(`($left < 0.1) >= 0.03`)),
		single(metric.WALNotArchivedAlert, k.expr(`$unarchived > $files`), 15*time.Minute, text{
			summary: "The write-ahead log is not archived.",
			description: `{{ $value }} files of the write-ahead log of {{ $labels.server }} in {{ $labels.environment }} wait for their archive; nothing since then can be restored to a point in time.
				First look: SELECT failed_count, last_failed_wal, last_failed_time FROM pg_stat_archiver, and the server's log for what the archive command says.`,
		}),
		// A server whose log disk is full stops and reports nothing. The alert must not resolve then, so the last
		// value counts for an hour.
		at("P1", filling(`
			$walFull < $soon
			or on ($server)
			(last_over_time($walFull[1h]) < $soon unless on ($server) $unarchived unless on ($server) $removed)`, 5*time.Minute)),
		at("P2", filling(`($walFull < $withinADay) >= $soon`, 15*time.Minute)),
		single(metric.ReplicationLagAlert, k.expr(`$lag > $maxLag`), 10*time.Minute, text{
			summary: "A replica is far behind.",
			description: `{{ $labels.server }} in {{ $labels.environment }} is {{ $value | humanizeDuration }} behind; reads from it are old.
				First look: does it still receive (SELECT status, latest_end_time FROM pg_stat_wal_receiver), does a long query on it hold up the replay, is its disk at the limit.`,
		}),
		// One alert for both: a slot that is lost was unreserved before, which is one cause and one page.
		single(metric.SlotLostAlert, k.expr(`sum by ($server) (max by ($server, state) ($slotsGoing)) > 0`), time.Minute, text{
			summary: "A replication slot has lost its write-ahead log, or is about to.",
			description: `{{ $value }} replication slots of {{ $labels.server }} in {{ $labels.environment }} are lost or unreserved; whoever reads a lost one has to be made anew, and one that is unreserved is lost with the next checkpoint.
				First look: SELECT slot_name, slot_type, active, wal_status, restart_lsn FROM pg_replication_slots WHERE wal_status IN ('unreserved', 'lost'). While it is unreserved: raise max_slot_wal_keep_size and reload, if the disk has room, and bring its reader back.`,
		}),
		single(metric.OldTransactionAlert, k.expr(`max by ($server) ($oldest) > $oldAge`), 15*time.Minute, text{
			summary: "A transaction has been open for too long.",
			description: `The oldest transaction of {{ $labels.server }} in {{ $labels.environment }} has been open for {{ $value | humanizeDuration }}; nothing deleted since can be cleaned up.
				First look: SELECT pid, usename, state, xact_start, left(query, 80) FROM pg_stat_activity WHERE xact_start IS NOT NULL ORDER BY xact_start LIMIT 3.`,
		}),
	}
}
