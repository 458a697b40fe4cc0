package rules

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// sourceFloor is how many records a source must deliver in every quarter of an hour before a quarter without records
// is a fault. At that rate, it never happens by chance.
const sourceFloor = 100

// refusedFloor is how many records or posts must be refused in an hour before their share is a fault. In a source with
// little traffic, a few odd lines or a scanner's posts are a large share.
const refusedFloor = "20"

// requestSources returns the alerts on the sources of request logs.
func requestSources(p *config.Policy) Group {
	var rules []Rule
	add := func(a *metric.Alert, own string, wait time.Duration, expr string, t text) {
		rules = append(rules, ofService(a, own, wait, "("+expr+`
		)
		unless on ($source) `+removed(metric.TenantSourceInfo, "$source", namedSources(p)), t)...)
	}
	last := func(m *metric.Metric, within string) string { return kept(m, within, namedSources(p)) }
	// A restart of the exporter does not mend this, so the alert fires through it.
	add(metric.SourceStoppedAlert, "P2", patience, `count by ($source) (`+last(metric.TenantSourceUp, "10m")+` == 0)`, text{
		summary: "A source of request logs cannot be read.",
		description: `{{ $labels.source }} of {{ $labels.app_service }} in {{ $labels.environment }} cannot be read or saved by {{ $value }} exporter(s); its requests are in no objective. Owner: {{ $labels.owner }}.
			First look: the exporter's log; then path, permissions and space at --storage.path.`,
	})
	// For lines without times, the unread bytes divided by the reading rate stand for the lag. Unread bytes that do
	// not change and fit into a line are an unfinished line, as of a server that writes whole blocks.
	add(metric.SourceLaggingAlert, "P3", 2*patience, `
		max by ($source) (
			min_over_time($lag[10m]) > 0
			and on ($sourceOne)
			(
				time() - (`+last(metric.TenantSourceNewestEvent, "5m")+` > 0) > 300
				or
				(
					`+last(metric.TenantSourceLag, "5m")+` / on ($sourceOne) rate($bytesRead[10m]) > 300
					unless on ($sourceOne) `+last(metric.TenantSourceNewestEvent, "5m")+` > 0
				)
			)
			unless on ($sourceOne) (max_over_time($lag[10m]) == min_over_time($lag[10m])) <= $lineMax
		)`, text{
		summary: "A source of request logs is behind.",
		description: `{{ $labels.source }} of {{ $labels.app_service }} in {{ $labels.environment }} is {{ $value | humanize1024 }}B behind, more than five minutes; what happens now does not page. Owner: {{ $labels.owner }}.
			First look: the exporter's processor time; then whether the log grew faster than usual.`,
	})
	add(metric.SourceRejectingAlert, "P3", 2*patience, `
		sum by ($source) (rate($rejects[5m])) / on ($source) (sum by ($source) (rate($lines[5m])) > 0) > $someShare
		and on ($source) sum by ($source) (increase($rejects[1h])) >= `+refusedFloor, text{
		summary: "A source of request logs yields unreadable records.",
		description: `{{ $value | humanizePercentage }} of the records of {{ $labels.source }} of {{ $labels.app_service }} in {{ $labels.environment }} cannot be read; those requests are counted nowhere. Owner: {{ $labels.owner }}.
			First look: a sample in the exporter's log, and whether the log's format was changed.`,
	})
	add(metric.ReceiverRefusingAlert, "P3", 2*patience, `
		sum by ($source) (rate($posts{result!="$accepted"}[5m])) / on ($source) (sum by ($source) (rate($posts[5m])) > 0) > $someShare
		and on ($source) sum by ($source) (increase($posts{result!="$accepted"}[1h])) >= `+refusedFloor, text{
		summary: "A receiver refuses posts.",
		description: `{{ $labels.source }} of {{ $labels.app_service }} in {{ $labels.environment }} refuses {{ $value | humanizePercentage }} of the posts; the vendor gives up after some tries. Owner: {{ $labels.owner }}.
			First look: thorbis_tenant_receiver_posts_total by result: unauthorized is the secret, unavailable the disk, overloaded the concurrency.`,
	})
	rules = append(rules, []Rule{
		single(metric.TenantLimitAlert, expand(`
			max by ($service) (
				`+kept(metric.TenantTracked, "5m", namedServices(p))+`
				/ on ($service, job, instance)
				`+kept(metric.TenantLimit, "5m", namedServices(p))+`
			) > 0.9`, tenantNames), 15*time.Minute, text{
			summary: "The limit of tenants with series of their own is near.",
			description: `{{ $value | humanizePercentage }} of the tenants of {{ $labels.app_service }} in {{ $labels.environment }} that may have series of their own have them; beyond the limit only the busiest are told apart.
				First look: raise tenants.limit if these are customers; if not, write a registry.`,
		}),
		single(metric.RegistryStaleAlert, expand(`time() - max by (environment) (last_over_time($registryRead[5m]) > 0) > 3600`, tenantNames), patience, text{
			summary: "The registry of tenants is stale.",
			description: `The registry of tenants in {{ $labels.environment }} was last read {{ $value | humanizeDuration }} ago; new tenants count as unknown hosts.
				First look: thorbis_tenant_registry_errors_total and the exporter's log: the file, or the database behind it.`,
		}),
	}...)
	return Group{Name: "thorbis-tenant-sources", Interval: scrapeInterval, Rules: rules}
}

// silentSources returns the alert on a source that delivers no records while others of its service do. Its log has
// moved, or its vendor has switched it off. The source must have been steady all day, or at this time of the day
// before and the week before. Nightly batches, office hours, weekends and rare sources are therefore no faults. The
// record keeps a silent source, because the silent day would otherwise become the day to compare with. A service of
// which all sources are silent is ThorbisTrafficVanished.
func silentSources(p *config.Policy) Group {
	rules := []Rule{
		{Record: metric.SourceRecords, Expr: expand(`sum by ($source) (increase($lines[15m]))`, tenantNames)},
		{Record: metric.SourceSilent, Expr: expand(`
			(
				($mute > time() - $memory)
				or on ($source)
				time() - 900 + 0 * (
					($records == 0)
					and on ($source) (
						min_over_time($records[1d] offset 30m) >= $sourceFloor and on ($source) $records offset 1470m
						or on ($source)
						min_over_time($records[1h] offset 1410m) >= $sourceFloor
						and on ($source) min_over_time($records[1h] offset 10050m) >= $sourceFloor
					)
					and on ($service) $events5m > 0
				)
			)
			unless on ($source) $records > 0
			unless on ($service) $planned
			and on ($source) `+kept(metric.TenantSourceInfo, "1h", namedSources(p)), tenantNames)},
	}
	rules = append(rules, ofService(metric.SourceSilentAlert, "P2", patience, `
		(time() - $mute)
		unless on ($source) $up == 0
		unless on ($service) $outage`, text{
		summary: "A source of request logs tells of nothing, while its service is used.",
		description: `{{ $labels.source }} of {{ $labels.app_service }} in {{ $labels.environment }} has told of nothing for {{ $value | humanizeDuration }}, though it did steadily at this time before and other sources still do; its requests are in no objective. Owner: {{ $labels.owner }}.
			First look: is its log still written where the policy says, or its drain still switched on at the vendor.`,
	})...)
	return Group{Name: "thorbis-tenant-sources-silent", Interval: windowInterval, Rules: rules}
}
