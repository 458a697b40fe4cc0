package rules

import (
	"fmt"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// nearPeak is the share of the expected peak from which on somebody is told.
	nearPeak = "0.8"
	// noisyShare of a service's requests, noisyGrowth times more than a day ago and of so many tenants.
	noisyShare, noisyGrowth, noisyTenants = "0.3", "3", "10"
	// someShare is what is too much of what should not be: unknown hosts, unreadable records, refused posts.
	someShare = "0.05"
	// silentFloor is how many requests a tenant must have sent in the hour of each of the last four weeks.
	silentFloor = 20
	// sourceFloor is how many records a source must have told of in every quarter of an hour of an hour, for one without
	// any to be a fault: by chance it never happens.
	sourceFloor = 100
)

var quantiles = []string{"0.5", "0.95", "0.99"}

var tenantNames = names{
	"requests":     metric.TenantRequestsLedger.Total.Name,
	"hourly":       metric.TenantRequestsLedger.Hourly.Name,
	"tenantRate":   metric.TenantRate.Name,
	"serviceRate":  metric.ServiceRate.Name,
	"share":        metric.TenantShare.Name,
	"active":       metric.ServiceActive.Name,
	"utilization":  metric.ServiceUtilization.Name,
	"unknownShare": metric.UnknownHostShare.Name,
	"classRate":    metric.ServiceClassRate.Name,
	"silent":       metric.TenantSilent.Name,
	"peak":         metric.ServiceExpectedPeak.Name,
	"counted":      metric.TenantRequests.Name,
	"unknown":      metric.TenantRequests.Select(metric.LabelTenant + `="` + metric.TenantUnknown + `"`),
	"duration":     metric.TenantRequestDuration.Name,
	"native":       metric.RequestDurationRate.Name,
	"classic":      metric.RequestDurationBucketRate.Name,
	"budget":       metric.SLOBudget.Select(metric.LabelSLO + `="` + metric.SLOAvailability + `"`),
	"events5m":     metric.EventsIncrease["5m"].Name,
	"source":       join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelSource),
	"up":           metric.TenantSourceUp.Name,
	"info":         metric.TenantSourceInfo.Name,
	"records":      metric.SourceRecords.Name,
	"mute":         metric.SourceSilent.Name,
	"planned":      metric.Maintenance.Name,
	"outage":       metric.SLOOutage.Name,
	"bytesRead":    metric.TenantSourceBytes.Name,
	"lineMax":      "1048576",
	"sourceOne":    "environment, job, instance, source",
	"lag":          metric.TenantSourceLag.Name,
	"newest":       metric.TenantSourceNewestEvent.Name,
	"lines":        metric.TenantSourceLines.Name,
	"rejects":      metric.TenantSourceRejects.Name,
	"posts":        metric.TenantReceiverPosts.Name,
	"accepted":     metric.PostAccepted,
	"tracked":      metric.TenantTracked.Name,
	"limit":        metric.TenantLimit.Name,
	"registryRead": metric.TenantRegistryLastRead.Name,
	"nearPeak":     nearPeak, "noisyShare": noisyShare, "noisyGrowth": noisyGrowth, "noisyTenants": noisyTenants,
	"someShare": someShare, "silentFloor": fmt.Sprint(silentFloor), "sourceFloor": fmt.Sprint(sourceFloor),
	"memory":    seconds(sourceMemory),
	"anyTenant": anyTenant,
}

// tenants records and judges the traffic itself and what counts it.
func tenants(*config.Policy) []Group {
	return []Group{throughput(), silentTenants(), requestSources(), silentSources()}
}

func throughput() Group {
	rule := func(r *metric.Record, text string) Rule { return Rule{Record: r, Expr: expand(text, tenantNames)} }
	rules := []Rule{
		rule(metric.TenantRate, `($requests - $requests offset 5m >= 0) / 300`),
		rule(metric.ServiceRate, `sum by ($service) ($tenantRate)`),
		rule(metric.ServiceClassRate, `sum by ($service, code_class) (rate($counted[5m]))`),
		rule(metric.ServiceActive, `count by ($service) ($tenantRate{$anyTenant} > 0)`),
		rule(metric.TenantShare, `$tenantRate{$anyTenant} / on ($service) group_left () ($serviceRate > 0) >= $someShare`),
		rule(metric.ServiceUtilization, `$serviceRate / on ($service) (max by ($service) ($peak) > 0)`),
		rule(metric.UnknownHostShare, `sum by ($service) (rate($unknown[5m])) / on ($service) (sum by ($service) ($classRate) > 0)`),
		rule(metric.RequestDurationRate, `sum by ($service) (rate($duration[5m]))`),
		rule(metric.RequestDurationBucketRate, `sum by ($service, le) (rate(${duration}_bucket[5m]))`),
	}
	for _, q := range quantiles {
		rules = append(rules, Rule{
			Record: metric.RequestDurationQuantile, Labels: map[string]string{"quantile": q},
			Expr: expand(`
				histogram_quantile(`+q+`, $native) >= 0
				or on ($service)
				histogram_quantile(`+q+`, $classic) >= 0`, tenantNames),
		})
	}
	rules = append(rules, lasting(ofService(metric.NearPeakAlert, "P3", 2*patience, `$utilization > $nearPeak`, text{
		summary: "A service is near the throughput it is built for.",
		description: `{{ $labels.app_service }} in {{ $labels.environment }} has {{ $value | humanizePercentage }} of the requests a second that it is built for. Owner: {{ $labels.owner }}.
			First look: who sends them on the tenants dashboard, then whether the instances scale.`,
	}))...)
	rules = append(rules, ofService(metric.NoisyNeighbourAlert, "P3", 2*patience, `
		(
			$share >= $noisyShare
			unless on ($serviceTenant)
			$share < $noisyGrowth * $share offset 1d
		)
		and on ($service) $active >= $noisyTenants
		and on ($service) $serviceRate >= 1
		and on ($service) $serviceRate offset 1d`, text{
		summary: "One tenant sends far more than usual.",
		description: `Tenant {{ $labels.tenant }} sends {{ $value | humanizePercentage }} of the requests of {{ $labels.app_service }} in {{ $labels.environment }}, three times its share of yesterday or more. Owner: {{ $labels.owner }}.
			First look: what it calls, on the tenant's dashboard; a loop in a client is most likely. Limit its rate if others suffer.`,
	})...)
	rules = append(rules, single(metric.UnknownHostsAlert, expand(`$unknownShare > $someShare`, tenantNames), 15*time.Minute, text{
		summary: "Many requests have a host that no tenant owns.",
		description: `{{ $value | humanizePercentage }} of the requests of {{ $labels.app_service }} in {{ $labels.environment }} have a host that no tenant owns.
			First look: the most frequent hosts in the access log; a customer's own domain belongs into the registry.`,
	}))
	return Group{Name: "thorbis-tenant-throughput", Interval: windowInterval, Rules: rules}
}

// ofService pages at the service's priority for something of a service, and names its owner.
func ofService(a *metric.Alert, own string, wait time.Duration, expr string, t text) []Rule {
	return byPage(a, own, wait, t, func(page string) string {
		budget := tenantNames["budget"]
		if page != "" {
			budget = strings.TrimSuffix(budget, "}") + "," + page + "}"
		}
		return expand(`
			(`+expr+`)
			* on ($service) group_left (owner, page) (`+budget+` > bool 0)`, tenantNames)
	})
}

// silentTenants finds customers who stopped coming: nothing in the last hour, though there was something in the
// same hour of each of the last four weeks.
func silentTenants() Group {
	var weeks []string
	for week := 1; week <= 4; week++ {
		weeks = append(weeks, fmt.Sprintf(`label_replace(
			last_over_time($hourly[1h] offset %[1]dw) - last_over_time($hourly[1h] offset %[1]dw1h),
			"week", "%[1]d", "", "")`, week))
	}
	hours := strings.Join(weeks, "\nor\n")
	return Group{Name: "thorbis-tenant-silent", Interval: 5 * time.Minute, Rules: []Rule{
		{Record: metric.TenantSilent, Expr: expand(`
			(
				min by ($serviceTenant) (`+hours+`) >= $silentFloor
				and on ($serviceTenant)
				count by ($serviceTenant) (`+hours+`) == 4
			)
			unless on ($serviceTenant)
			$requests - $requests offset 1h > 0
			and on ($service)
			$events5m > 0`, tenantNames)},
		single(metric.TenantsSilentAlert, expand(`count by ($service) ($silent) > 0`, tenantNames), 10*time.Minute, text{
			summary: "Tenants have fallen silent.",
			description: fmt.Sprintf(`{{ $value }} tenants of {{ $labels.app_service }} in {{ $labels.environment }} have sent nothing for an hour, though they did at this hour in each of the last four weeks; the busiest of them:
				{{ range printf "topk(5, %s{environment=%%q,app_service=%%q})" $labels.environment $labels.app_service | query }} {{ .Labels.tenant }}{{ end }}.
				First look: can they sign in, do their domain and certificate still work; a public holiday is the innocent reason.`, metric.TenantSilent.Name),
		}),
	}}
}

// requestSources watches what the requests are read from.
func requestSources() Group {
	var rules []Rule
	add := func(a *metric.Alert, own string, wait time.Duration, expr string, t text) {
		rules = append(rules, ofService(a, own, wait, expr, t)...)
	}
	add(metric.SourceStoppedAlert, "P2", patience, `count by ($source) ($up == 0)`, text{
		summary: "A source of request logs cannot be read.",
		description: `{{ $labels.source }} of {{ $labels.app_service }} in {{ $labels.environment }} cannot be read or saved by {{ $value }} exporter(s); its requests are in no objective. Owner: {{ $labels.owner }}.
			First look: the exporter's log; then path, permissions and space at --storage.path.`,
	})
	for i := range rules {
		rules[i].KeepFiringFor = 2 * silence // the restart of the exporter that says so mends nothing
	}
	// Where lines have no time, what is left to read over the pace of reading stands for it, beyond a line that has not ended.
	add(metric.SourceLaggingAlert, "P3", 2*patience, `
		max by ($source) (
			min_over_time($lag[10m]) > 0
			and on ($sourceOne)
			(
				time() - ($newest > 0) > 300
				or
				($lag / on ($sourceOne) rate($bytesRead[10m]) > 300 and on ($sourceOne) $lag > $lineMax unless on ($sourceOne) $newest > 0)
			)
		)`, text{
		summary: "A source of request logs is behind.",
		description: `{{ $labels.source }} of {{ $labels.app_service }} in {{ $labels.environment }} is {{ $value | humanize1024 }}B behind, more than five minutes; what happens now does not page. Owner: {{ $labels.owner }}.
			First look: the exporter's processor time; then whether the log grew faster than usual.`,
	})
	add(metric.SourceRejectingAlert, "P3", 2*patience, `
		sum by ($source) (rate($rejects[5m])) / on ($source) (sum by ($source) (rate($lines[5m])) > 0) > $someShare`, text{
		summary: "A source of request logs yields unreadable records.",
		description: `{{ $value | humanizePercentage }} of the records of {{ $labels.source }} of {{ $labels.app_service }} in {{ $labels.environment }} cannot be read; those requests are counted nowhere. Owner: {{ $labels.owner }}.
			First look: a sample in the exporter's log, and whether the log's format was changed.`,
	})
	add(metric.ReceiverRefusingAlert, "P3", 2*patience, `
		sum by ($source) (rate($posts{result!="$accepted"}[5m])) / on ($source) (sum by ($source) (rate($posts[5m])) > 0) > $someShare`, text{
		summary: "A receiver refuses posts.",
		description: `{{ $labels.source }} of {{ $labels.app_service }} in {{ $labels.environment }} refuses {{ $value | humanizePercentage }} of the posts; the vendor gives up after some tries. Owner: {{ $labels.owner }}.
			First look: thorbis_tenant_receiver_posts_total by result: unauthorized is the secret, unavailable the disk, overloaded the concurrency.`,
	})
	for i := range rules {
		if rules[i].Alert == metric.SourceLaggingAlert {
			rules[i].KeepFiringFor = away
		}
	}
	rules = append(rules, lasting([]Rule{
		single(metric.TenantLimitAlert, expand(`
			max by ($service) ($tracked / on ($service, job, instance) $limit) > 0.9`, tenantNames), 15*time.Minute, text{
			summary: "The limit of tenants with series of their own is near.",
			description: `{{ $value | humanizePercentage }} of the tenants of {{ $labels.app_service }} in {{ $labels.environment }} that may have series of their own have them; beyond the limit only the busiest are told apart.
				First look: raise tenants.limit if these are customers; if not, write a registry.`,
		}),
		single(metric.RegistryStaleAlert, expand(`time() - max by (environment) ($registryRead > 0) > 3600`, tenantNames), patience, text{
			summary: "The registry of tenants is stale.",
			description: `The registry of tenants in {{ $labels.environment }} was last read {{ $value | humanizeDuration }} ago; new tenants count as unknown hosts.
				First look: thorbis_tenant_registry_errors_total and the exporter's log: the file, or the database behind it.`,
		}),
	})...)
	return Group{Name: "thorbis-tenant-sources", Interval: scrapeInterval, Rules: rules}
}

// silentSources finds the source that tells of nothing beside living ones of its service: its log has moved, its vendor has
// switched it off. It told of requests steadily around the clock, or at this time of the day and of the week before; a nightly
// batch, office hours, a weekend and a rare source are no such thing. The record keeps what it found, or the silent day would
// itself be the one that is compared with. That a whole service falls silent is ThorbisTrafficVanished.
func silentSources() Group {
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
			and on ($source) last_over_time($info[1h])`, tenantNames)},
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
