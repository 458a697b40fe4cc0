package metric

import "slices"

// Levels at which requests and other events are recorded.
var (
	sloLevel            = []string{LabelEnvironment, LabelAppService, LabelSLO}
	sloOwnedLevel       = append(sloLevel[:3:3], LabelOwner, LabelPage)
	sloReasonLevel      = append(sloLevel[:3:3], LabelReason)
	sloTierLevel        = append(sloLevel[:3:3], LabelTier)
	serviceTenantLevel  = []string{LabelEnvironment, LabelAppService, LabelTenant}
	tenantSLOLevel      = append(sloLevel[:3:3], LabelTenant)
	tenantSLOOwnedLevel = append(tenantSLOLevel[:4:4], LabelTier, LabelOwner, LabelPage)
	tenantTierLevel     = []string{LabelEnvironment, LabelTenant, LabelTier, LabelPage}
)

// Objectives that every service with requests has; a latency objective adds its threshold: latency-300ms. The
// policy's own slos have names of their own.
const (
	SLOAvailability  = "availability"
	SLOLatencyPrefix = "latency-"
)

// Objectives of the policy that count events.
var (
	SLOBudget = record("app_service:thorbis_slo_budget:ratio",
		"Share of the events that the policy allows to be bad, with the owner and the priority of the service.",
		sloOwnedLevel)
	SLOFloor = record("app_service:thorbis_slo_floor:bad",
		"Bad events in the short window below which no burn alert fires.", sloLevel)
	TierSLOBudget = record("tier:thorbis_slo_budget:ratio",
		"Share of the requests of a tier's tenants that may be bad, where the tier has an objective of its own.",
		[]string{LabelEnvironment, LabelTier, LabelSLO})
	TierRank = record("tier:thorbis_tenant_page:rank",
		"How demanding a tier is, with the priority at which one tenant of it pages.",
		[]string{LabelEnvironment, LabelTier, LabelPage})
	TenantSeen = record("instance_tenant:thorbis_tenant:seen",
		"Unix time at which the exporter last stated a tenant that had bad requests within three days.",
		[]string{LabelEnvironment, LabelTenant, "job", "instance"})
	TenantGone = record("tenant:thorbis_tenant:gone",
		"Unix time at which a tenant that left the registry was last stated by its exporters, which still report.",
		[]string{LabelEnvironment, LabelTenant})
	TenantTier = record("tenant:thorbis_tenant_tier:expected",
		"1 for each registered tenant with its tier: the most demanding one, if exporters disagree. "+
			"Outlives its exporter by an hour.", tenantTierLevel)
)

// EventTotal names the records that add up one kind of events exactly:
//   - Step: what was added since the total was last written,
//   - Total: a running total that never decreases,
//   - Hourly: that total on the hour, which bridges long gaps.
type EventTotal struct {
	Step, Total, Hourly *Record
}

func eventTotal(level, name, what string, labels []string) EventTotal {
	l := onlySteps(level, name, what, labels)
	l.Total = record(level+":"+name+":total", what+" since the records began. Never goes back.", labels)
	l.Hourly = record(level+":"+name+":total_hourly", what+" since the records began, written on the hour.", labels)
	return l
}

// onlySteps names steps that other records add up.
func onlySteps(level, name, what string, labels []string) EventTotal {
	return EventTotal{Step: record(level+":"+name+":step", what+" since the total was last written.", labels)}
}

// CounterTotal is a total whose steps are those of a counter:
//   - Scraped: the counter as it is now, for each saved state,
//   - Seen: a copy of it that never goes back a little; a step is what the copy has gained since the copy before it.
type CounterTotal struct {
	EventTotal
	Scraped, Seen *Record
}

type totalNames func(level, name, what string, labels []string) EventTotal

func counterTotal(total totalNames, level, name, what string, labels []string) CounterTotal {
	return CounterTotal{
		EventTotal: total(level, name, what, labels),
		Scraped: record(level+":"+name+":scraped", what+", as an exporter counts them in one saved state.",
			append(slices.Clip(labels), LabelStore)),
		Seen: record(level+":"+name+":seen",
			what+", as they were last seen in one saved state. Goes back only when the counter is reset.",
			append(slices.Clip(labels), LabelStore)),
	}
}

// The totals of events.
var (
	EventsTotals     = eventTotal("app_service", "thorbis_slo_events", "Events judged, late ones apart", sloLevel)
	BadTotals        = eventTotal("app_service", "thorbis_slo_bad", "Bad events, late ones apart", sloLevel)
	LateEventsTotals = eventTotal("app_service", "thorbis_slo_late_events", "Events that arrived too late to page",
		sloLevel)
	LateBadTotals = eventTotal("app_service", "thorbis_slo_late_bad", "Bad events that arrived too late to page",
		sloLevel)
	SeenTotals = eventTotal("app_service", "thorbis_slo_observed_seconds", "Seconds in which events were measured",
		sloLevel)
	// LastObserved dates the steps of SeenTotals.
	LastObserved = record("app_service:thorbis_slo_observed:last",
		"Unix time at which events were last measured.", sloLevel)

	TierRequestsTotals = counterTotal(eventTotal, "app_service_tier", "thorbis_requests", "Requests, late ones apart",
		serviceTierLevel)
	TierBadTotals = counterTotal(eventTotal, "app_service_tier", "thorbis_slo_bad", "Bad requests, late ones apart",
		sloTierLevel)
	TierLateTotals = counterTotal(onlySteps, "app_service_tier", "thorbis_late_requests", "Late requests",
		serviceTierLevel)
	TierLateBadTotals = counterTotal(onlySteps, "app_service_tier", "thorbis_slo_late_bad", "Bad late requests",
		sloTierLevel)
)

// UnknownMost is while requests whose host no tenant owns count.
var UnknownMost = record("app_service:thorbis_unknown_requests:most",
	"Share of the service's requests of five minutes whose host no tenant owns, "+
		"while they are most of them and at least 100. "+
		"Meanwhile they count in the service's objectives.", serviceLevel)

// What is wrong with the policy's own objectives.
var (
	SLOCorrected = record("app_service:thorbis_slo_corrected:step",
		"Events by which a step of one of the policy's own objectives was corrected: "+
			"bad events were negative or more than all, or all were negative.", sloReasonLevel)
	OwnSeen = record("copy:thorbis_slo_counter:seen",
		"What an objective of the policy's own reads, as it was last seen, with all of its labels.",
		[]string{LabelCopy})
	OwnStep = record("copy:thorbis_slo_counter:step",
		"What that has gained since it was copied before, with all of its labels.", []string{LabelCopy})
	SLOUnmeasured = record("app_service:thorbis_slo:unmeasured",
		"1 while the series of an expression (total or bad) of one of the policy's own objectives are absent or give no "+
			"result.", sloReasonLevel)
)

// WindowPeriod is the LabelWindow of the policy's period.
const WindowPeriod = "period"

// BurnWindows are the windows over which burns look, the shortest first.
func BurnWindows() []string { return slices.Clone(burnWindows) }

var burnWindows = []string{"5m", "30m", "1h", "2h", "6h", "1d", "3d"}

func overAt(prefix, what string, labels []string, windows ...string) Over {
	o := make(Over, len(windows))
	for _, w := range windows {
		o[w] = record(prefix+w, what+" over "+windowText(w)+".", labels)
	}
	return o
}

// Events over windows.
var (
	EventsIncrease = overAt("app_service:thorbis_slo_events:increase", "Events judged", sloLevel,
		append(burnWindows[:7:7], "_period")...)
	BadIncrease = overAt("app_service:thorbis_slo_bad:increase", "Bad events", sloLevel,
		append(burnWindows[:7:7], "_period")...)
	LateEventsIncrease = overAt("app_service:thorbis_slo_late_events:increase", "Late events", sloLevel, "_period")
	LateBadIncrease    = overAt("app_service:thorbis_slo_late_bad:increase", "Bad late events", sloLevel, "_period")
	SeenIncrease       = overAt("app_service:thorbis_slo_observed_seconds:increase",
		"Seconds in which events were measured", sloLevel, "_period")
	SLOYoung = record("app_service:thorbis_slo_observed_seconds:young",
		"Seconds in which events were measured, while an exporter has counted those of a tenant with bad ones for at least "+
			"ten minutes longer, as after Prometheus lost its data.", sloLevel)

	TenantBadIncrease = overAt("app_service_tenant:thorbis_slo_bad:increase", "Bad requests of a tenant that has some",
		tenantSLOLevel, append(burnWindows[:7:7], "_period")...)
	TenantError = overAt("app_service_tenant:thorbis_slo_error:ratio", "Share of bad requests of a tenant that has some",
		tenantSLOLevel, append(burnWindows[:7:7], "_period")...)
	TenantWholeError = overAt("app_service_tenant:thorbis_slo_whole_error:ratio",
		"Share of bad requests of a tenant that has some in the whole window: what exporters did not count of it is taken "+
			"to have the traffic of what they did, and nothing bad,", tenantSLOLevel,
		append(burnWindows[:7:7], "_period")...)

	WorstEvents = overAt("app_service:thorbis_slo_worst_events:increase",
		"Requests of the tenant that has most of the bad ones, unless it carries half of the traffic", sloLevel,
		burnWindows...)
	SLOBurn = overAt("app_service:thorbis_slo_burn:ratio",
		"How many times faster than allowed the budget burns without the worst tenant", sloLevel, burnWindows...)
)

// BurnTiers are the paces at which budget burns, the fastest first. Values of LabelBurnTier.
var BurnTiers = []string{"fast", "medium", "slow", "trend"}

func burning(level, what string, labels []string) map[string]*Record {
	m := map[string]*Record{}
	for _, tier := range BurnTiers {
		m[tier] = record(level+":thorbis_slo_burning:"+tier,
			"Burn over the tier's long window, while "+what+" burns at the pace of the "+tier+" tier and no faster tier fires.",
			labels)
	}
	return m
}

func quiet(level string, labels []string) map[string]*Record {
	m := map[string]*Record{}
	for _, tier := range BurnTiers[1:] {
		m[tier] = record(level+":thorbis_slo_quiet:"+tier,
			"1 while the "+tier+" tier does not report what a faster tier, or the page of a check that is down, has reported.",
			labels)
	}
	return m
}

// Who burns.
var (
	SLOBurning    = burning("app_service", "a service", sloOwnedLevel)
	TenantBurning = burning("app_service_tenant", "a tenant", tenantSLOOwnedLevel)
	SLOQuiet      = quiet("app_service", sloLevel)
	TenantQuiet   = quiet("app_service_tenant", tenantSLOLevel)

	TenantBurningKept = record("app_service_tenant:thorbis_slo_burning:kept", "The burn of a tenant at the fast and "+
		"the medium pace, labelled with its tier of burns. Kept for five minutes after, while its alert fires.",
		append(tenantSLOOwnedLevel[:7:7], LabelBurnTier))
	TenantBurningKeptSlow = record("app_service_tenant:thorbis_slo_burning:kept_slow", "The same at the slow and the "+
		"trend pace.", append(tenantSLOOwnedLevel[:7:7], LabelBurnTier))

	SLOOutage = record("app_service:thorbis_slo_burning:outage",
		"1 while a check of the service is down and pages at P1, which replaces burn alerts.", sloLevel)
	TenantHadBad = record("app_service_tenant:thorbis_slo_bad:any",
		"1 for each objective of a tenant that has had bad requests within three days.", tenantSLOLevel)
	TenantSLOOwned = record("app_service_tenant:thorbis_slo:owned",
		"1 for each objective of a tenant that has had bad requests, with the tier, the owner and the priority.",
		tenantSLOOwnedLevel)
	TenantSLOBudget = record("app_service_tenant:thorbis_slo_budget:ratio",
		"Share of the requests of a tenant that may be bad, for tenants that have bad ones.", tenantSLOOwnedLevel)
	TenantsBurning = record("app_service:thorbis_tenants_burning:count",
		"Tenants of the service that burn at any pace.", sloOwnedLevel)
	TierTenantsBurning = record("app_service_tier:thorbis_tenants_burning:count",
		"Tenants of one tier that burn at the fast or medium pace.", append(sloTierLevel[:4:4], LabelOwner))
	ManyTenantsBurning = record("app_service:thorbis_tenants_burning:storm",
		"Number of tenants that burn, where one alert replaces those of single tenants. Kept for five minutes after.",
		sloOwnedLevel)
	TenantsBurningUrgency = record("app_service:thorbis_tenants_burning:urgency",
		"Priority, 1 to 4, of the one alert for all tenants that burn: P2, that of the service if less urgent, "+
			"or that of the most urgent tier among them.", sloLevel)
	SLOSteady = record("app_service:thorbis_slo_events:steady",
		"Events of the last hour, where they are a steady stream: requests of unknown hosts alone are none.", sloLevel)
	TrafficVanished = record("app_service:thorbis_slo_events:vanished",
		"Unix time since when a steady stream of events has been missing. Kept until events come again, for a day at most.",
		sloLevel)
)

// What is left of the budgets.
var (
	SLOError = overAt("app_service:thorbis_slo_error:ratio", "Share of bad events", sloLevel, "5m", "1h", "1d", "_period")
	SLOGood  = record("app_service:thorbis_slo_good:ratio_period",
		"Share of good events over the policy's period.", sloLevel)
	SLOCoverage = record("app_service:thorbis_slo_coverage:ratio_period",
		"Share of the policy's period in which events were measured.", sloLevel)
	SLOBudgetLeft = record("app_service:thorbis_slo_budget_left:ratio",
		"Share of the budget of the policy's whole period that is left, at the traffic of what was measured of it; "+
			"negative when overspent.", sloLevel)
	SLOBudgetLeftEvents = record("app_service:thorbis_slo_budget_left:events",
		"Events of the policy's whole period that may still be bad, at the traffic of what was measured of it; "+
			"negative when overspent.", sloLevel)
	SLOBudgetHours = record("app_service:thorbis_slo_budget_empty:hours",
		"Hours until the budget is empty at the pace of the last hour; absent while nothing burns or nothing is left.",
		sloLevel)
	TenantBudgetLeft = record("app_service_tenant:thorbis_slo_budget_left:ratio",
		"Share of the tenant's budget of the policy's whole period that is left, at the traffic of what exporters counted "+
			"of it, for tenants that had bad requests; negative when overspent.",
		tenantSLOLevel)
	TenantBudgetHours = record("app_service_tenant:thorbis_slo_budget_empty:hours",
		"Hours until the tenant's budget is empty at the pace of the last hour; "+
			"absent while nothing burns or nothing is left.", tenantSLOLevel)
	TenantCoverage = record("app_service_tenant:thorbis_slo_coverage:ratio_period",
		"Share of the policy's period in which exporters counted the tenant's requests, for tenants that had bad ones.",
		tenantSLOLevel)

	TierError = overAt("app_service_tier:thorbis_slo_error:ratio", "Share of bad requests of the tier's tenants",
		sloTierLevel, "1h", "1d", "_period")
	TierBurn = overAt("app_service_tier:thorbis_slo_burn:ratio",
		"How many times faster than allowed the tenants of the tier together burn their budget", sloTierLevel, "1h", "1d",
		"_period")
	TierBudgetLeft = record("app_service_tier:thorbis_slo_budget_left:ratio",
		"Share of the tier's budget of the policy's period that is left; negative when overspent.", sloTierLevel)
	TierBudgetHours = record("app_service_tier:thorbis_slo_budget_empty:hours",
		"Hours until the tier's budget is empty at the pace of the last hour; absent while nothing burns or nothing is left.",
		sloTierLevel)
	TierCoverage = record("app_service_tier:thorbis_slo_coverage:ratio_period",
		"Share of the policy's period in which the tier's requests were measured: that of the service.", sloTierLevel)
)
