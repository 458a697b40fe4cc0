// Package tenant judges the traffic of tenants and the sources that count it.
package tenant

import (
	"fmt"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

const (
	// nearPeak is the share of the expected peak at which an alert fires.
	nearPeak = "0.8"
	// A noisy tenant has noisyShare of its service's requests, noisyGrowth times its share of a day ago. The service
	// has at least noisyTenants.
	noisyShare, noisyGrowth, noisyTenants = "0.3", "3", "10"
	// someShare is the share from which unknown hosts, unreadable records or refused posts are a fault.
	someShare = "0.05"
	// silentFloor is how many requests a tenant must have sent in the hour of each of the last four weeks.
	silentFloor = 20
	// sourceMemory is how long a silent source is reported. Its owner mends it or removes it from the policy.
	sourceMemory = 7 * 24 * time.Hour
)

var quantiles = []string{"0.5", "0.95", "0.99"}

var exprNames = rule.Names{
	"requests":     metric.TenantRequests.Select(rule.OwnTenants),
	"hourly":       metric.TenantRequestsHourly.Name,
	"hour":         metric.TenantRequestsHour.Name,
	"tenantRate":   metric.TenantRate.Name,
	"serviceRate":  metric.ServiceRate.Name,
	"share":        metric.TenantShare.Name,
	"active":       metric.ServiceActive.Name,
	"utilization":  metric.ServiceUtilization.Name,
	"unknownShare": metric.UnknownHostShare.Name,
	"mostUnknown":  metric.UnknownMost.Name,
	"scraped":      metric.ServiceScraped.Name,
	"missing":      metric.TenantMissing.Name,
	"silent":       metric.TenantSilent.Name,
	"peak":         metric.ServiceExpectedPeak.Name,
	"counted":      metric.ServiceRequests.Name,
	"known":        metric.ServiceRequests.Select(rule.KnownTiers),
	"unknown":      metric.ServiceRequests.Select(rule.UnknownTier),
	"duration":     metric.ServiceRequestDuration.Name,
	"native":       metric.RequestDurationRate.Name,
	"classic":      metric.RequestDurationBucketRate.Name,
	"budget":       metric.SLOBudget.Select(metric.LabelSLO + `="` + metric.SLOAvailability + `"`),
	"events5m":     metric.EventsIncrease["5m"].Name,
	"source":       rule.Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelSource),
	"up":           metric.TenantSourceUp.Name,
	"records":      metric.SourceRecords.Name,
	"steadily":     metric.SourceSteady.Name,
	"behind":       metric.SourceBehind.Name,
	"newestEvent":  rule.Held(metric.TenantSourceNewestEvent.Name),
	"sourceInfo":   metric.TenantSourceInfo.Name,
	"streamLag":    rule.Held(metric.TenantStreamLag.Name),
	"streamMissed": "last_over_time(" + metric.TenantStreamLastMissed.Name + "[10m])",
	"removed":      metric.SourceRemoved.Name,
	"shards":       metric.TenantStreamShards.Name,
	"shard":        metric.LabelShard,
	"absentShards": metric.StreamShardsMissing.Name,
	"mute":         metric.SourceSilent.Name,
	"planned":      metric.Maintenance.Name,
	"outage":       metric.SLOOutage.Name,
	"bytesRead":    metric.TenantSourceBytes.Name,
	"lineMax":      "1048576",
	"lag":          metric.TenantSourceLag.Name,
	"lines":        metric.TenantSourceLines.Name,
	"rejects":      metric.TenantSourceRejects.Name,
	"posts":        metric.TenantReceiverPosts.Name,
	"accepted":     metric.PostAccepted,
	"stated":       metric.TenantInfo.Name,
	"registryRead": metric.TenantRegistryLastRead.Name,
	"nearPeak":     nearPeak, "noisyShare": noisyShare, "noisyGrowth": noisyGrowth, "noisyTenants": noisyTenants,
	"someShare": someShare, "silentFloor": fmt.Sprint(silentFloor), "sourceFloor": fmt.Sprint(sourceFloor),
	"memory":       rule.Seconds(sourceMemory),
	"anyTenant":    rule.AnyTenant,
	"refusals":     metric.ServiceRefusedRequests.Name,
	"refused":      metric.RefusedIncrease.Name,
	"refusedShare": metric.RefusedShare.Name,
	"failures":     metric.ServiceFailedLogins.Name,
	"logins":       metric.FailedLoginsIncrease.Name,
}

// Subject judges the traffic of tenants and its sources.
var Subject = rule.Subject{File: "tenant.rules.yaml", Groups: func(p *config.Policy) ([]rule.Group, error) {
	return []rule.Group{
		throughput(), durations(), refused(), silentTenants(), requestSources(p), streams(), silentSources(),
	}, nil
}}

func record(r *metric.Record, text string) rule.Rule {
	return rule.Rule{Record: r, Expr: rule.Expand(text, exprNames)}
}

// durations records how long requests take.
func durations() rule.Group {
	rules := []rule.Rule{
		record(metric.RequestDurationRate, `sum by ($service) (rate($duration[5m]))`),
		record(metric.RequestDurationBucketRate, `sum by ($service, le) (rate(${duration}_bucket[5m]))`),
	}
	for _, q := range quantiles {
		rules = append(rules, rule.Rule{
			Record: metric.RequestDurationQuantile, Labels: map[string]string{"quantile": q},
			Expr: rule.Expand(`
				histogram_quantile(`+q+`, $native) >= 0
				or on ($service)
				histogram_quantile(`+q+`, $classic) >= 0`, exprNames),
		})
	}
	return rule.Group{Name: "thorbis-tenant-durations", Interval: rule.WindowInterval, Rules: rules}
}

// throughput records how many requests there are, and judges their number.
func throughput() rule.Group {
	rules := []rule.Rule{
		// Six minutes, so that five that are scraped in full are 1 whatever the interval of scrapes. Steps of 5 s find the
		// first scrape; longer ones than an interval find a later one. 7.5 s are half of an interval, by which rate()
		// extrapolates beyond the first sample.
		record(metric.ServiceScraped, `
			clamp_max((time() + 7.5 - min by ($service) (min_over_time(timestamp($counted)[6m:5s]))) / 300, 1)`),
		record(metric.TenantRate, `sum by ($serviceTenant) (rate($requests[5m])) / on ($service) group_left () $scraped`),
		record(metric.ServiceRate, `sum by ($service) (rate($known[5m])) / on ($service) $scraped`),
		record(metric.ServiceClassRate,
			`sum by ($service, code_class) (rate($counted[5m])) / on ($service) group_left () $scraped`),
		record(metric.ServiceActive, `count by ($service) ($tenantRate{$anyTenant} > 0)`),
		record(metric.TenantShare, `$tenantRate{$anyTenant} / on ($service) group_left () ($serviceRate > 0) >= $someShare`),
		record(metric.ServiceUtilization, `$serviceRate / on ($service) (max by ($service) ($peak) > 0)`),
		record(metric.UnknownHostShare,
			`sum by ($service) (rate($unknown[5m])) / on ($service) (sum by ($service) (rate($counted[5m])) > 0)`),
	}
	rules = append(rules,
		rule.Lasting(ofService(metric.NearPeakAlert, "P3", 2*rule.Patience, `$utilization > $nearPeak`, rule.Text{
			Summary: "A service is near its expected peak throughput.",
			Description: `{{ $labels.app_service }} in {{ $labels.environment }} has reached {{ $value | humanizePercentage }} of
				its expected peak of requests a second. Owner: {{ $labels.owner }}.
				First look: which tenants send them, on the tenants dashboard; then whether the instances scale.`,
		}))...)
	rules = append(rules, ofService(metric.NoisyNeighbourAlert, "P3", 2*rule.Patience, `
		(
			$share >= $noisyShare
			unless
			$share < $noisyGrowth * $share offset 1d
		)
		and on ($service) $active >= $noisyTenants
		and on ($service) $serviceRate >= 1
		and on ($service) $serviceRate offset 1d`, rule.Text{
		Summary: "One tenant sends far more than usual.",
		Description: `Tenant {{ $labels.tenant }} sends {{ $value | humanizePercentage }} of the requests of
			{{ $labels.app_service }} in {{ $labels.environment }}, at least three times its share of yesterday.
			Owner: {{ $labels.owner }}.
			First look: what it calls, on the tenant's dashboard; the usual cause is a loop in a client.
			Limit its rate if other tenants are affected.`,
	})...)
	rules = append(rules,
		rule.Single(metric.UnknownHostsAlert, rule.Expand(`$unknownShare > $someShare`, exprNames), 15*time.Minute, rule.Text{
			Summary: "Many requests have a host that no tenant owns.",
			Description: `{{ $value | humanizePercentage }} of the requests of {{ $labels.app_service }} in
				{{ $labels.environment }} have a host that no tenant owns.
				First look: the most frequent hosts in the access log; add a customer's own domain to the registry.`,
		}))
	rules = append(rules, ofService(metric.MostUnknownAlert, "P2", 2*rule.Patience, `$mostUnknown`, rule.Text{
		Summary: "Most requests of a service have a host that no tenant owns.",
		Description: `{{ $value | humanizePercentage }} of the requests of {{ $labels.app_service }} in
			{{ $labels.environment }} have a host that no tenant owns;
			no tenant's objective counts them. Until this is fixed, they count in the objectives of {{ $labels.app_service }}.
			Owner: {{ $labels.owner }}.
			First look: thorbis_tenant_registry_tenants and what changed in the registry; then the most frequent hosts in the
			access log.`,
	})...)
	return rule.Group{Name: "thorbis-tenant-throughput", Interval: rule.WindowInterval, Rules: rules}
}

// ofService pages at the service's priority for something of a service, and names its owner.
func ofService(a *metric.Alert, own string, wait time.Duration, expr string, t rule.Text) []rule.Rule {
	return rule.ByPage(a, own, wait, t, func(page string) string {
		budget := exprNames["budget"]
		if page != "" {
			budget = strings.TrimSuffix(budget, "}") + "," + page + "}"
		}
		return rule.Expand(`
			(`+expr+`)
			* on ($service) group_left (owner, page) (`+budget+` > bool 0)`, exprNames)
	})
}

// hourly copies the counters of every tenant once an hour, for the alert on silent ones: what they sent in an hour is
// read again after weeks. A counter that was not there an hour ago began at 0: the tenant is new, its partition has
// moved to another exporter, or the state was lost. It must be evaluated once in five minutes.
func hourly() []rule.Rule {
	return []rule.Rule{
		{Record: metric.TenantRequestsHourly, Expr: rule.Expand(`
			max by ($serviceTenant, store) (sum by ($serviceTenant, store, job, instance) ($requests))
			and on () minute() < 5`, exprNames)},
		{Record: metric.TenantRequestsHour, Expr: rule.Expand(`
			sum by ($serviceTenant) ($hourly - (last_over_time($hourly[65m] offset 1h) or 0 * $hourly))`, exprNames)},
	}
}

// silentTenants returns the alert on customers who stopped coming. They sent nothing in the last hour, but something
// in the same hour of each of the last four weeks.
func silentTenants() rule.Group {
	var weeks []string
	for week := 1; week <= 4; week++ {
		weeks = append(weeks, fmt.Sprintf(`last_over_time($hour[65m] offset %dw) >= $silentFloor`, week))
	}
	return rule.Group{Name: "thorbis-tenant-silent", Interval: 5 * time.Minute, Rules: append(hourly(), []rule.Rule{
		{Record: metric.TenantMissing, Expr: rule.Expand(
			strings.Join(weeks, "\n\t\tand ")+"\n\t\tunless sum by ($serviceTenant) (increase($requests[1h])) > 0", exprNames)},
		{Record: metric.TenantSilent, Expr: rule.Expand(`
			$missing
			and on ($service)
			$events5m > 0
			and on ($oneTenant)
			($stated or last_over_time($stated[15m]) unless on (environment, job, instance) $stated)`, exprNames)},
		rule.Single(metric.TenantsSilentAlert, rule.Expand(`count by ($service) ($silent) > 0`,
			exprNames), 10*time.Minute, rule.Text{
			Summary: "Tenants have stopped sending requests.",
			Description: fmt.Sprintf(`{{ $value }} tenants of {{ $labels.app_service }} in {{ $labels.environment }} have sent no
				requests for an hour, but did at this hour in each of the last four weeks; the busiest of them:
				{{ range printf "topk(5, %s{environment=%%q,app_service=%%q})" $labels.environment $labels.app_service | query }}
				{{ .Labels.tenant }}{{ end }}.
				First look: can they sign in, do their domain and certificate still work.
				A public holiday is a harmless reason.`, metric.TenantSilent.Name),
		}),
	}...)}
}
