// Package database judges PostgreSQL servers.
package database

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
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

func databaseNames(p *config.Policy) rule.Names {
	ours := rule.NamedServers(p)
	return rule.Names{
		"server":       rule.Join(metric.LabelEnvironment, metric.LabelServer),
		"place":        rule.Join(metric.LabelEnvironment, metric.LabelHost, metric.LabelMountpoint),
		"available":    metric.FilesystemAvailable.Name,
		"up":           metric.ServerUp.Name,
		"left":         metric.ServerConnectionsLeft.Name,
		"unarchived":   metric.ServerUnarchived.Name,
		"walSize":      metric.ServerWALSize.Name,
		"space":        metric.ServerWALSpace.Name,
		"walFull":      metric.ServerWALFullIn.Name,
		"lag":          metric.ServerReplicationLag.Name,
		"maximum":      rule.Kept(metric.PostgresMaxConnections, "5m", ours),
		"connections":  rule.Kept(metric.PostgresConnections, "5m", ours),
		"retained":     rule.Kept(metric.PostgresSlotRetained, "5m", ours),
		"slotsGoing":   rule.Kept(metric.PostgresSlots, "5m", ours, `state=~"`+metric.SlotUnreserved+"|"+metric.SlotLost+`"`),
		"oldest":       rule.Kept(metric.PostgresOldestTransaction, "5m", ours),
		"walPlace":     rule.Kept(metric.PostgresWALFilesystem, "5m", ours),
		"supabaseWAL":  metric.SupabaseWALSize,
		"dataMount":    metric.SupabaseDataMount,
		"files":        unarchivedFiles,
		"laziness":     laziness,
		"maxLag":       rule.Seconds(maxLag),
		"oldAge":       rule.Seconds(oldTransaction),
		"soon":         rule.Seconds(4 * time.Hour),
		"withinADay":   rule.Seconds(24 * time.Hour),
		"anyHostIsOne": "$1",
		// Servers that the policy named within the hour and names no longer.
		"removed": rule.Removed(metric.PostgresUp, "$server", ours),
	}
}

// databaseKit fills the placeholders of an expression on servers.
type databaseKit struct {
	rule.Names
	named string // the servers of the policy, as a matcher
}

func (k databaseKit) expr(text string) string {
	return rule.MachineExpr(rule.MachineExpr(text, k.Names), k.Names)
}

// servers returns an expression for a value of each server: the exporter's own where it exists, otherwise Supabase's.
func (k databaseKit) servers(ours *metric.Metric, supabase string) string {
	return k.expr(`
		max by ($server) (` + rule.Kept(ours, "5m", k.named) + `)
		or on ($server)
		max by ($server) ((` + supabase + `) * on ($target) group_left ($server) ` +
		`label_replace($nodeHost, "server", "$anyHostIsOne", "host", "(.+)"))`)
}

// Subject judges PostgreSQL servers.
var Subject = rule.Subject{File: "database.rules.yaml", Groups: func(p *config.Policy) ([]rule.Group, error) {
	return []rule.Group{databases(p), work(databaseKit{databaseNames(p), rule.NamedServers(p)})}, nil
}}

// databases returns the records and alerts on PostgreSQL servers.
func databases(p *config.Policy) rule.Group {
	k := databaseKit{databaseNames(p), rule.NamedServers(p)}
	rules := []rule.Rule{
		{Record: metric.ServerUp, Expr: k.servers(metric.PostgresUp, rule.Held(metric.SupabaseUp))},
		{Record: metric.ServerConnectionsLeft, Expr: k.expr(`
			(max by ($server) ($maximum) - max by ($server) ($connections)) / max by ($server) ($maximum)`)},
		{
			Record: metric.ServerUnarchived,
			Expr:   k.servers(metric.PostgresWALUnarchived, rule.Held(metric.SupabaseUnarchived)),
		},
		{
			Record: metric.ServerWALSize,
			Expr:   k.servers(metric.PostgresWALSize, rule.Held(metric.SupabaseWALSize)+" * 1024 * 1024"),
		},
		{Record: metric.ServerWALSpace, Expr: k.expr(`
			max by ($server) ($walPlace * on ($place) group_left () $available)
			or
			max by ($server) (
				label_replace($available{mountpoint="$dataMount"}, "server", "$anyHostIsOne", "host", "(.+)")
				and on ($host)
				($nodeHost and on ($target) $supabaseWAL)
			)`)},
		{Record: metric.ServerWALFullIn, Expr: k.expr(`
			$space / (deriv($walSize[30m]) > 0)
			and on ($server)
			($unarchived > $files or max by ($server) ($retained) > $laziness)`)},
		{Record: metric.ServerReplicationLag, Expr: k.servers(metric.PostgresReplicationLag, rule.Held(metric.SupabaseLag))},
	}
	return rule.Group{Name: "thorbis-databases", Interval: rule.TotalsInterval, Rules: append(rules, databaseAlerts(k)...)}
}

func databaseAlerts(k databaseKit) []rule.Rule {
	at := func(priority string, r rule.Rule) rule.Rule {
		r.Priority = priority
		return r
	}
	connections := func(bounds string) rule.Rule {
		return rule.Single(metric.ConnectionsAlert, k.expr(bounds), 5*time.Minute, rule.Text{
			Summary: "A PostgreSQL server is running out of connections.",
			Description: `{{ $value | humanizePercentage }} of the connections of {{ $labels.server }} in
				{{ $labels.environment }} are left; without free connections, new clients are refused.
				First look: SELECT state, usename, application_name, count(*) FROM pg_stat_activity GROUP BY 1, 2,
				3 ORDER BY 4 DESC: idle connections belong to a pool that is too large or leaks.`,
		})
	}
	filling := func(bounds string, wait time.Duration) rule.Rule {
		return rule.Single(metric.WALFillingAlert, k.expr(bounds), wait, rule.Text{
			Summary: "The write-ahead log of PostgreSQL is filling its disk.",
			Description: `The write-ahead log of {{ $labels.server }} in {{ $labels.environment }} will fill its filesystem in
				{{ $value | humanizeDuration }}; PostgreSQL stops then.
				First look: does the archive command fail (SELECT * FROM pg_stat_archiver), does a replication slot hold it back
				(SELECT slot_name, active, restart_lsn FROM pg_replication_slots). Never delete files of pg_wal by hand.`,
		})
	}
	return []rule.Rule{
		rule.Single(metric.PostgresDownAlert, k.expr(`$up == 0`), 2*time.Minute, rule.Text{
			Summary: "A PostgreSQL server does not answer.",
			Description: `{{ $labels.server }} in {{ $labels.environment }} has not answered for two minutes;
				services that need it fail.
				First look: is it running, does it take connections (ThorbisConnectionsNearMaximum), then the exporter's log.
				A wrong password is not this alert but ThorbisCollectorFailing.`,
		}),
		at("P2", connections(`$left < 0.03`)),
		at("P3", connections(`($left < 0.1) >= 0.03`)),
		rule.Single(metric.WALNotArchivedAlert, k.expr(`$unarchived > $files`), 15*time.Minute, rule.Text{
			Summary: "The write-ahead log is not archived.",
			Description: `{{ $value }} files of the write-ahead log of {{ $labels.server }} in {{ $labels.environment }} are not
				archived; no later point in time can be restored.
				First look: SELECT failed_count, last_failed_wal, last_failed_time FROM pg_stat_archiver, and the server's log for
				errors of the archive command.`,
		}),
		// A server whose log disk is full stops and reports nothing. The alert must not resolve then, so the last
		// value counts for an hour.
		at("P1", filling(`
			$walFull < $soon
			or on ($server)
			(last_over_time($walFull[1h]) < $soon unless on ($server) $unarchived unless on ($server) $removed)`,
			5*time.Minute)),
		at("P2", filling(`($walFull < $withinADay) >= $soon`, 15*time.Minute)),
		rule.Single(metric.ReplicationLagAlert, k.expr(`$lag > $maxLag`), 10*time.Minute, rule.Text{
			Summary: "A replica is far behind.",
			Description: `{{ $labels.server }} in {{ $labels.environment }} is {{ $value | humanizeDuration }} behind;
				reads from it return old data.
				First look: does it still receive (SELECT status, latest_end_time FROM pg_stat_wal_receiver), does a long query on
				it hold up the replay, is its disk at the limit.`,
		}),
		// One alert for both: a slot that is lost was unreserved before, which is one cause and one page.
		rule.Single(metric.SlotLostAlert,
			k.expr(`sum by ($server) (max by ($server, state) ($slotsGoing)) > 0`), time.Minute, rule.Text{
				Summary: "A replication slot has lost its write-ahead log, or is about to.",
				Description: `{{ $value }} replication slots of {{ $labels.server }} in {{ $labels.environment }} are lost or
					unreserved; the reader of a lost slot must be rebuilt, and an unreserved slot is lost with the next checkpoint.
					First look: SELECT slot_name, slot_type, active, wal_status, restart_lsn FROM pg_replication_slots WHERE wal_status
					IN ('unreserved', 'lost'). While it is unreserved: raise max_slot_wal_keep_size and reload, if the disk has space,
					and restart its reader.`,
			}),
		rule.Single(metric.OldTransactionAlert, k.expr(`max by ($server) ($oldest) > $oldAge`), 15*time.Minute, rule.Text{
			Summary: "A transaction has been open for too long.",
			Description: `The oldest transaction of {{ $labels.server }} in {{ $labels.environment }} has been open for
				{{ $value | humanizeDuration }}; rows deleted since then cannot be vacuumed.
				First look: SELECT pid, usename, state, xact_start, left(query, 80) FROM pg_stat_activity WHERE xact_start IS NOT
				NULL ORDER BY xact_start LIMIT 3.`,
		}),
	}
}
