package metric

import (
	"slices"
	"strings"
)

// Record declares one recorded series. Its name is level:metric:operation, the level naming the labels
// that the series keeps beside environment.
type Record struct {
	Name   string
	Help   string
	Labels []string
}

// Select returns a PromQL selector for the series.
func (r *Record) Select(matchers ...string) string { return selector(r.Name, matchers) }

var (
	records  []*Record
	recorded = map[string]bool{} // by name
)

func record(name, help string, labels []string) *Record {
	r := &Record{Name: name, Help: help, Labels: labels}
	records = append(records, r)
	recorded[name] = true
	return r
}

// Records returns every declared record sorted by name.
func Records() []*Record {
	all := slices.Clone(records)
	slices.SortFunc(all, func(a, b *Record) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// namePrefix begins the name of every exposed metric.
const namePrefix = "thorbis_"

// Ours reports whether a series is exported by the exporter or recorded by these rules, by its name. Other records
// over our metrics are not ours.
func Ours(name string) bool {
	return strings.HasPrefix(name, namePrefix) || recorded[name]
}

// Labels of the levels at which health is recorded.
var (
	environmentLevel   = []string{LabelEnvironment}
	serviceLevel       = []string{LabelEnvironment, LabelAppService}
	serviceTierLevel   = []string{LabelEnvironment, LabelAppService, LabelTier}
	tierLevel          = []string{LabelEnvironment, LabelTier}
	placeLevel         = []string{LabelEnvironment, LabelLocation}
	exporterLevel      = []string{LabelEnvironment, "job", "instance"}
	checkLevel         = []string{LabelEnvironment, LabelAppService, LabelCheck, LabelTenant}
	checkOwnedLevel    = append(checkLevel[:4:4], LabelTier, LabelOwner, LabelPage)
	checkLocationLevel = append(checkLevel[:4:4], LabelLocation)
	checkStateLevel    = append(checkLevel[:4:4], LabelState)
)

// Objectives and names of the policy, as constant series: the right sides of joins.
var (
	ServiceExpected = record("app_service:thorbis_service:expected",
		"1 for each service that has a health check, with its owner and the priority at which it pages.",
		append(serviceLevel[:2:2], LabelOwner, LabelPage))
	PolicyErrorBudget = record("environment:thorbis_uptime_error_budget:ratio",
		"Share of the time that the policy allows a check to be down.", environmentLevel)
	ServiceErrorBudget = record("app_service:thorbis_uptime_error_budget:ratio",
		"Share of the time that a service with an objective of its own may be down.", serviceLevel)
	TierErrorBudget = record("tier:thorbis_uptime_error_budget:ratio",
		"Share of the time that checks of a tier's tenants may be down, where the tier has an objective of its own.",
		tierLevel)
	TierPool = record("tier:thorbis_pool:tenants",
		"Tenants of the tier that must be down at once for the tier itself to page.",
		append(tierLevel[:2:2], LabelPage))
	PageRank = record("page:thorbis_page:rank",
		"1 to 4 for the priorities P1 to P4 at which something pages.", []string{LabelEnvironment, LabelPage})
	LocationExpected = record("location:thorbis_health_location:expected",
		"Unix time at which the location was last expected to report: named in the policy, else seen now; "+
			"within a day where the policy names none.", placeLevel)
)

// The state of checks now.
var (
	CheckExpected = record("check:thorbis_health_check:expected",
		"Unix time at which an exporter last reported that the check exists. A check that the policy names outlives that "+
			"exporter by an hour, by a day if no exporter of the environment is left; a tenant's until an exporter states "+
			"other tenants or has read an empty registry.",
		checkOwnedLevel)
	CheckForgotten = record("check:thorbis_health_check:forgotten",
		"Unix time at which an exporter last reported that the check exists, where it is no longer expected once none does.",
		checkOwnedLevel)
	CheckLocationDownSince = record("check_location:thorbis_health_down:since_start",
		"Now, while a location whose exporter exposes no lengths of outages has seen one for at least the floor.",
		checkLocationLevel)
	CheckLocationDown = record("check_location:thorbis_health_down:now",
		"Now, while the location reports an outage of at least the floor.", checkLocationLevel)
	CheckLocationHeld = record("check_location:thorbis_health_down:held",
		"Unix time at which the location last saw the check down for at least the floor. "+
			"Kept until that location reports up or maintenance.",
		checkLocationLevel)
	CheckLocationOutageStart = record("check_location:thorbis_health_outage:start",
		"Unix time, by the clock of Prometheus, at which an outage of at least the floor began at the location. "+
			"Recorded while it lasts and for a minute after.",
		checkLocationLevel)
	CheckLocationOutageEnd = record("check_location:thorbis_health_outage:end",
		"Unix time, by the clock of Prometheus, at which that outage ended or was last seen. Now, "+
			"while the location is silent or unknown in an outage.",
		checkLocationLevel)
	CheckOutageOverlap = record("check:thorbis_health_outage:overlap",
		"Locations whose outages overlap by at least the floor, where two do. "+
			"Recorded for a minute after the first of them ended.", checkLevel)
	CheckOutage = record("check:thorbis_health_outage:quorum",
		"The same, or 1 for an outage of at least the floor at the only location that judges the check.", checkLevel)
	CheckDown = record("check:thorbis_health_down:quorum",
		"Locations that see the check down, from an outage of the quorum on while the quorum sees it. "+
			"At least two evaluations, also of an outage that had ended.", checkLevel)
	CheckDownOwned = record("check:thorbis_health_down:owned",
		"check:thorbis_health_down:quorum with the tier, owner and page of the check.", checkOwnedLevel)
	CheckStateSeen = record("check:thorbis_health_state:seen",
		"1, labelled with the best state in which a location sees the check: up, maintenance or down.", checkStateLevel)
	CheckState = record("check:thorbis_health_state:quorum",
		"1, labelled with the state in which the locations together see the check.", checkStateLevel)
	TenantsDown = record("app_service:thorbis_tenants_down:count",
		"Tenants of the service with a check that is down by quorum.", append(serviceLevel[:2:2], LabelOwner, LabelPage))
	TierTenantsDown = record("app_service_tier:thorbis_tenants_down:count",
		"Tenants of one tier of the service with a check that is down by quorum.", append(serviceTierLevel[:3:3], LabelOwner))
	ManyTenantsDown = record("app_service:thorbis_tenants_down:storm",
		"Number of tenants down, where one page replaces those of single tenants. Kept for five minutes after.",
		append(serviceLevel[:2:2], LabelOwner, LabelPage))
	TenantsDownUrgency = record("app_service:thorbis_tenants_down:urgency",
		"Priority, 1 to 4, of the one page for all tenants that are down: "+
			"that of the service or of the most urgent tier among them.", serviceLevel)
)

// UnionTotal names the records that make one counter of those of several exporters, which see the same things some
// seconds apart:
//   - Union: the most that any of them has counted,
//   - Behind: what an exporter lacks of it now,
//   - Lack: what it lacks of it for good: the least of ten minutes, or the last since its counter was reset.
type UnionTotal struct {
	Union, Behind, Lack *Record
}

func unionTotal(level, metric, what string, labels []string) UnionTotal {
	return UnionTotal{
		Union: record(level+":"+metric+":union", what+", of all that the exporters there counted. Never goes back.", labels),
		Behind: record("instance_"+level+":"+metric+":behind",
			what+" that other exporters there have counted and this one not.",
			append(slices.Clip(labels), "job", "instance")),
		Lack: record("instance_"+level+":"+metric+":lack",
			what+" that other exporters there have counted and this one will not: the least that it was behind in ten "+
				"minutes, or the last since its counter was reset.",
			append(slices.Clip(labels), "job", "instance")),
	}
}

// CumulativeTotal names the records that carry one exported counter over exporters, restarts and gaps:
//   - Location and Increase: the increase of the last five minutes, as each location and as the quorum saw it,
//   - Total: a running total that never decreases,
//   - Hourly: that total on the hour, which bridges long gaps.
//
// Except for the seconds judged, a value that was always 0 has no series: most tenants are never down.
type CumulativeTotal struct {
	Location, Increase, Total, Hourly *Record
}

func cumulativeTotal(metric, what string, perLocation bool) CumulativeTotal {
	var l CumulativeTotal
	if perLocation {
		l.Location = record("check_location:"+metric+":increase5m", what+" in the last five minutes as the location saw it.",
			checkLocationLevel)
	}
	l.Increase = record("check:"+metric+":increase5m", what+" in the last five minutes as the quorum saw it.", checkLevel)
	l.Total = record("check:"+metric+":total", what+" since the records began. Never goes back.", checkLevel)
	l.Hourly = record("check:"+metric+":total_hourly", what+" since the records began, written on the hour.", checkLevel)
	return l
}

// The totals of checks.
var (
	ObservedTotals = cumulativeTotal("thorbis_health_observed_seconds", "Seconds judged", true)
	DownTotals     = cumulativeTotal("thorbis_health_down_seconds", "Seconds down", true)
	OutagesTotals  = cumulativeTotal("thorbis_health_outages", "Outages begun", true)
	UnpagedTotals  = cumulativeTotal("thorbis_health_unpaged_seconds", "Seconds down without a page of the check", false)

	DownUnion     = unionTotal("check_location", "thorbis_health_down_seconds", "Seconds down", checkLocationLevel)
	OutagesUnion  = unionTotal("check_location", "thorbis_health_outages", "Outages begun", checkLocationLevel)
	ObservedUnion = unionTotal("check", "thorbis_health_observed_seconds", "Seconds judged", checkLevel)

	ObservedStep = record("check:thorbis_health_observed_seconds:step",
		"Seconds judged since the total was last written.", checkLevel)
	CheckWatched = record("check_location:thorbis_health_check:watched",
		"1 if the location's time counters of the check have moved in the last five minutes, whatever it saw.",
		checkLocationLevel)
)

// Maintenance is planned work on a whole service.
var Maintenance = record("app_service:thorbis_maintenance:planned",
	"1 while planned work on the service, by the policy or by a silence, excludes its time and its requests; "+
		"limited to some hours of a day.", serviceLevel)

// What is not watched though it should be.
var (
	EnvironmentUnwatched = record("environment:thorbis_health_check:unwatched",
		"Priority, 1 to 4, of the most urgent service that should be watched and is not known to be down, "+
			"while no check of any service is watched.", environmentLevel)
	LocationWatched = record("location:thorbis_health_check:watched",
		"Checks that the location watches.", placeLevel)
	CheckSilent = record("check:thorbis_health_check:silent",
		"1 for an expected check that no location watches.", checkOwnedLevel)
	CheckUnknown = record("check:thorbis_health_check:unknown",
		"1 for an expected check that some location watches and none can judge.", checkOwnedLevel)
)

// Uptime over windows. Names that end in a window come from Over.
var (
	CheckErrorBudget = record("check:thorbis_uptime_error_budget:ratio",
		"Share of the time that the check may be down: by its tier's objective, else its service's, else the policy's.",
		checkLevel)
	ObservedIncrease = over("check:thorbis_health_observed_seconds:increase", "Seconds judged",
		"1h", "1d", "3d", "_period")
	UnpagedIncrease = over("check:thorbis_health_unpaged_seconds:increase", "Seconds down without a page", "30m", "2h",
		"6h")
	DownIncrease    = over("check:thorbis_health_down_seconds:increase", "Seconds down", "1h", "1d", "_period")
	OutagesIncrease = over("check:thorbis_health_outages:increase", "Outages begun", "_period")
	UptimeBurn      = over("check:thorbis_uptime_burn:ratio",
		"How many times faster than allowed the budget burns by seconds without a page", "30m", "2h", "6h", "1d", "3d")
	UptimeBurning = map[string]*Record{
		"medium": record("check:thorbis_uptime_burning:medium",
			"Budget burnt over 6 h and 30 m at a pace that empties it within days.", checkOwnedLevel),
		"slow": record("check:thorbis_uptime_burning:slow",
			"Budget burnt over 1 d and 2 h at a pace that empties it before the period ends; quiet while medium burns.",
			checkOwnedLevel),
		"trend": record("check:thorbis_uptime_burning:trend",
			"Budget burnt over 3 d and 6 h faster than it grows back; quiet while medium or slow burns.", checkOwnedLevel),
	}
	Uptime = over("check:thorbis_uptime:ratio", "Share of the judged time that the check was not down", "5m", "1d",
		"_period")

	Coverage = record("check:thorbis_health_coverage:ratio_period",
		"Share of the policy's period in which the check was judged.", checkLevel)
	BudgetLeftSeconds = record("check:thorbis_uptime_budget_left:seconds",
		"Seconds that the check may still be down in the policy's period; negative when overspent.", checkLevel)
	BudgetLeft = record("check:thorbis_uptime_budget_left:ratio",
		"Share of the budget of the policy's period that is left; negative when overspent.", checkLevel)
	BudgetHours = record("check:thorbis_uptime_budget_empty:hours",
		"Hours until the budget is empty at the pace of the last hour; absent while nothing burns or nothing is left.",
		checkLevel)
	MTBF = record("check:thorbis_health_mtbf:seconds_period",
		"Mean time up between outages over the policy's period; absent without an outage.", checkLevel)
	MTTR = record("check:thorbis_health_mttr:seconds_period",
		"Mean length of an outage over the policy's period; absent without an outage.", checkLevel)
	ServiceUptime = record("app_service:thorbis_uptime:ratio_period",
		"Uptime over the policy's period of the service's worst check that is not a tenant's.", serviceLevel)
	ServiceBudgetLeft = record("app_service:thorbis_uptime_budget_left:ratio",
		"Budget left of the service's worst check that is not a tenant's.", serviceLevel)
)

// Over is one series recorded over several windows, by window. The window "_period" is the policy's period.
type Over map[string]*Record

func over(prefix, what string, windows ...string) Over {
	o := make(Over, len(windows))
	for _, w := range windows {
		o[w] = record(prefix+w, what+" over "+windowText(w)+".", checkLevel)
	}
	return o
}

func windowText(w string) string {
	if w == "_period" {
		return "the policy's period"
	}
	return w
}

// The exporters themselves.
var (
	ExporterSeen = record("instance:thorbis_exporter:last_seen",
		"Unix time at which the exporter last reported. Outlives it by an hour, "+
			"and for as long as its target fails to be scraped.",
		exporterLevel)
	LabelConflictService = record("instance_label:thorbis_scrape_label_conflict:of_services",
		"1 for each target whose series have lost app_service, backup or tenant to their scrape job.",
		append(exporterLevel[:3:3], "label"))
	LabelConflictCheck = record("instance_label:thorbis_scrape_label_conflict:of_checks",
		"1 for each target whose series have lost check, host or location to their scrape job.",
		append(exporterLevel[:3:3], "label"))
	LabelConflictOwner = record("instance_label:thorbis_scrape_label_conflict:of_owners",
		"1 for each target whose series have lost owner, page or tier to their scrape job.",
		append(exporterLevel[:3:3], "label"))
	LabelConflict = record("label:thorbis_scrape_label_conflict:targets",
		"Targets whose series have lost the label to their scrape job, "+
			"which has a label of that name and does not set honor_labels.",
		[]string{LabelEnvironment, "label"})
	CertificateLeft = record("check:thorbis_health_certificate:seconds_left",
		"Seconds until the first certificate among the targets of the check expires, by the priority of the check.",
		[]string{LabelEnvironment, LabelAppService, LabelCheck, LabelOwner, LabelPage})
	CertificateDue = record("check:thorbis_health_certificate_due:seconds_left",
		"The same of targets whose certificate should have been renewed by now.",
		[]string{LabelEnvironment, LabelAppService, LabelCheck, LabelOwner, LabelPage})
	CertificateUrgent = record("check:thorbis_health_certificate_urgent:seconds_left",
		"The same of targets whose certificate must be renewed now.",
		[]string{LabelEnvironment, LabelAppService, LabelCheck, LabelOwner, LabelPage})
)
