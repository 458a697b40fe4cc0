package tenant

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// sourceFloor is how many records a source must deliver in every quarter of an hour before a quarter without records
// is a fault. At that rate, it never happens by chance.
const sourceFloor = 100

// refusedFloor is how many records or posts must be refused in an hour before their share is a fault. In a source with
// little traffic, a few odd lines or a scanner's posts are a large share.
const refusedFloor = "20"

// requestSources returns the alerts on the sources of request logs.
func requestSources(p *config.Policy) rule.Group {
	rules := []rule.Rule{
		{Record: metric.SourceRemoved, Expr: rule.Expand(
			`group by ($source) `+rule.Removed(metric.TenantSourceInfo, "$source", rule.NamedSources(p)), exprNames)},
		sourceLag(),
	}
	add := func(a *metric.Alert, own string, wait time.Duration, expr string, t rule.Text) {
		rules = append(rules, ofService(a, own, wait, "("+expr+") unless on ($source) $removed", t)...)
	}
	// A restart of the exporter does not mend this, so the alert fires through it.
	add(metric.SourceStoppedAlert,
		"P2", rule.Patience, `count by ($source) (last_over_time(`+metric.TenantSourceUp.Name+`[10m]) == 0)`, rule.Text{
			Summary: "A source of request logs cannot be read.",
			Description: `{{ $labels.source }} of {{ $labels.app_service }} in {{ $labels.environment }} cannot be read or saved
				by {{ $value }} exporter(s); its requests are in no objective. Owner: {{ $labels.owner }}.
				First look: the exporter's log; then path, permissions and space at --storage.path.`,
		})
	add(metric.SourceLaggingAlert, "P3", 2*rule.Patience, `$behind`, rule.Text{
		Summary: "A source of request logs is behind.",
		Description: `{{ $labels.source }} of {{ $labels.app_service }} in {{ $labels.environment }} is
			{{ $value | humanize1024 }}B behind, more than five minutes; current failures do not page.
			Owner: {{ $labels.owner }}.
			First look: the CPU usage of the exporter; then whether the log grew faster than usual.`,
	})
	add(metric.SourceRejectingAlert, "P3", 2*rule.Patience, `
		sum by ($source) (rate($rejects[5m])) / (sum by ($source) (rate($lines[5m])) > 0) > $someShare
		and sum by ($source) (increase($rejects[1h])) >= `+refusedFloor, rule.Text{
		Summary: "A source of request logs delivers unreadable records.",
		Description: `{{ $value | humanizePercentage }} of the records of {{ $labels.source }} of {{ $labels.app_service }} in
			{{ $labels.environment }} cannot be read; those requests are not counted. Owner: {{ $labels.owner }}.
			First look: a sample in the exporter's log, and whether the log's format was changed.`,
	})
	add(metric.ReceiverRefusingAlert, "P3", 2*rule.Patience, `
		sum by ($source) (rate($posts{result!="$accepted"}[5m])) / (sum by ($source) (rate($posts[5m])) > 0) > $someShare
		and sum by ($source) (increase($posts{result!="$accepted"}[1h])) >= `+refusedFloor, rule.Text{
		Summary: "A receiver refuses posts.",
		Description: `{{ $labels.source }} of {{ $labels.app_service }} in {{ $labels.environment }} refuses
			{{ $value | humanizePercentage }} of the posts; the vendor drops them after some retries. Owner: {{ $labels.owner }}.
			First look: thorbis_tenant_receiver_posts_total by result: unauthorized points to the secret,
			unavailable to the disk, overloaded to the concurrency.`,
	})
	rules = append(rules, []rule.Rule{
		rule.Single(metric.TenantLimitAlert, rule.Expand(`
			max by ($service) (
				`+rule.Kept(metric.TenantTracked, "5m", rule.NamedServices(p))+`
				/ on ($service, job, instance)
				`+rule.Kept(metric.TenantLimit, "5m", rule.NamedServices(p))+`
			) >= 0.9`, exprNames), 15*time.Minute, rule.Text{
			Summary: "The limit of tenants with series of their own is nearly reached.",
			Description: `{{ $value | humanizePercentage }} of the limit of tenants of {{ $labels.app_service }} in
				{{ $labels.environment }} with series of their own is used; a tenth is kept for tenants in trouble, and of the
				others only the busiest have series of their own.
				First look: raise tenants.limit if these are customers; if not, configure a registry.`,
		}),
		rule.Single(metric.RegistryStaleAlert, rule.Expand(`time() - max by (environment) `+
			`(last_over_time($registryRead[5m]) > 0) > 3600`, exprNames), rule.Patience, rule.Text{
			Summary: "The registry of tenants is stale.",
			Description: `The registry of tenants in {{ $labels.environment }} was last read {{ $value | humanizeDuration }} ago;
				new tenants count as unknown hosts.
				First look: thorbis_tenant_registry_errors_total and the exporter's log: the file, or the database behind it.`,
		}),
	}...)
	return rule.Group{Name: "thorbis-tenant-sources", Interval: rule.ScrapeInterval, Rules: rules}
}

// sourceLag records the unread bytes of the sources that are behind. For lines without times, the unread bytes divided
// by the reading rate stand for the lag. Unread bytes that do not change and fit into a line are an unfinished line, as
// of a server that writes whole blocks.
func sourceLag() rule.Rule {
	return rule.Rule{Record: metric.SourceBehind, Expr: rule.Expand(rule.Expand(`
		max by ($source) (
			min_over_time($lag[10m]) > 0
			and (
				time() - ($newestEvent > 0) > 300
				or
				`+rule.Held("$lag")+` / rate($bytesRead[10m]) > 300 unless $newestEvent > 0
			)
			unless max_over_time($lag[10m]) == min_over_time($lag[10m]) <= $lineMax
		)`, exprNames), exprNames)}
}

// silentSources returns the alert on a source that delivers no records while others of its service do. Its log has
// moved, or its vendor has switched it off. The source must have been steady all day, or at this time of the day
// before and the week before. Nightly batches, office hours, weekends and rare sources are therefore no faults. The
// record keeps a silent source, because the silent day would otherwise become the day to compare with. A service of
// which all sources are silent is ThorbisTrafficVanished.
func silentSources() rule.Group {
	rules := []rule.Rule{
		{Record: metric.SourceRecords, Expr: rule.Expand(`sum by ($source) (increase($lines[15m]))`, exprNames)},
		{Record: metric.SourceSteady, Expr: rule.Expand(`
			min_over_time($records[1d] offset 30m) >= $sourceFloor and $records offset 1470m
			or
			min_over_time($records[1h] offset 1410m) >= $sourceFloor
			and min_over_time($records[1h] offset 10050m) >= $sourceFloor`, exprNames)},
		{Record: metric.SourceSilent, Expr: rule.Expand(`
			(
				($mute > time() - $memory)
				or
				time() - 900 + 0 * ($records == 0 and $steadily and on ($service) $events5m > 0)
			)
			unless $records > 0
			unless on ($service) $planned
			unless $removed
			and on ($source) last_over_time($sourceInfo[1h])`, exprNames)},
	}
	rules = append(rules, ofService(metric.SourceSilentAlert, "P2", rule.Patience, `
		(time() - $mute)
		unless on ($source) $up == 0
		unless on ($service) $outage`, rule.Text{
		Summary: "A source of request logs delivers no requests, while its service is used.",
		Description: `{{ $labels.source }} of {{ $labels.app_service }} in {{ $labels.environment }} has delivered no requests
			for {{ $value | humanizeDuration }}, though it has steady traffic at this time and other sources deliver;
			its requests are in no objective. Owner: {{ $labels.owner }}.
			First look: is its log still written where the policy says, or its drain still switched on at the vendor.`,
	})...)
	return rule.Group{Name: "thorbis-tenant-sources-silent", Interval: rule.WindowInterval, Rules: rules}
}
