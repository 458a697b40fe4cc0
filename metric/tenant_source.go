package metric

import "strings"

// Why a record of a source was refused: the closed set of LabelReason of TenantSourceRejects.
const (
	RejectSyntax   = "syntax"    // does not match the format
	RejectTooLong  = "too_long"  // longer than a record may be
	RejectNoStatus = "no_status" // without a status, or with one that is no number
)

// RejectReasons lists the closed set.
var RejectReasons = []string{RejectSyntax, RejectTooLong, RejectNoStatus}

// Why a record of a source was understood and left out: the closed set of LabelReason of TenantSourceIgnored.
const (
	IgnoreNotARequest  = "not_a_request" // a line of the server's own log, or of something else than a request
	IgnoreRevalidation = "revalidation"  // the platform renewed its own cache
	IgnoreSubrequest   = "subrequest"    // made by the edge itself, not by a client
	IgnoreDuplicate    = "duplicate"     // its request was counted before
	IgnoreTest         = "test"          // the vendor tries the receiver
)

// IgnoreReasons lists the closed set.
var IgnoreReasons = []string{IgnoreNotARequest, IgnoreRevalidation, IgnoreSubrequest, IgnoreDuplicate, IgnoreTest}

// Why the duration of a request could not be read: the closed set of LabelReason of TenantSourceUnreadableDurations.
const (
	UnreadableSyntax       = "syntax"        // not a number, with or without a unit
	UnreadableNegative     = "negative"      // below 0
	UnreadableWholeSeconds = "whole_seconds" // computed from two timestamps in whole seconds
)

// UnreadableReasons lists the closed set.
var UnreadableReasons = []string{UnreadableSyntax, UnreadableNegative, UnreadableWholeSeconds}

// Outcomes of a post to a receiver: the closed set of LabelResult of TenantReceiverPosts.
const (
	PostAccepted     = "accepted"     // 2xx: counted and on the disk
	PostUnauthorized = "unauthorized" // 401
	PostTooLarge     = "too_large"    // 413
	PostInvalid      = "invalid"      // 400 or 415: not one record of it could be read
	PostOverloaded   = "overloaded"   // 429: too many posts at once
	PostUnavailable  = "unavailable"  // 503: it could not be saved; the vendor sends it again
)

// PostResults lists the closed set.
var PostResults = []string{PostAccepted, PostUnauthorized, PostTooLarge, PostInvalid, PostOverloaded, PostUnavailable}

// Why a tenant has series of its own: the closed set of LabelReason of TenantSeries.
const (
	SeriesTroubled = "troubled" // requests failed, or too many were slow, in the last minutes
	SeriesBusy     = "busy"
)

// SeriesReasons lists the closed set.
var SeriesReasons = []string{SeriesTroubled, SeriesBusy}

var sourceLabels = []string{LabelSource, LabelAppService}

// Sources of request logs, as /metrics shows them. All of them count what is saved.
var (
	TenantSourceInfo = define(Metric{
		Name: "thorbis_tenant_source_info", Type: Info, Across: Sum, Expected: true,
		Help:   "A source of the policy that this exporter should read: kind is file, stdin, receive, kafka or nats.",
		Labels: append(sourceLabels[:2:2], "kind", LabelFormat),
	})
	TenantSourceUp = define(Metric{
		Name: "thorbis_tenant_source_up", Type: Gauge, Across: Sum,
		Help:   "1 if the source could be read, or a receiver save, when last tried. Absent until it is tried.",
		Labels: sourceLabels,
	})
	TenantSourceLines = define(Metric{
		Name: "thorbis_tenant_source_lines_total", Type: Counter, Across: Sum,
		Help:   "Lines or records read, whatever became of them. Kept across restarts.",
		Labels: sourceLabels,
	})
	TenantSourceBytes = define(Metric{
		Name: "thorbis_tenant_source_bytes_total", Type: Counter, Unit: "bytes", Across: Sum,
		Help:   "Bytes read, inflated. Kept across restarts.",
		Labels: sourceLabels,
	})
	TenantSourceRejects = define(Metric{
		Name: "thorbis_tenant_source_rejects_total", Type: Counter, Across: Sum,
		Help:   "Records that could not be read by reason: " + list(RejectReasons) + ". Kept across restarts.",
		Labels: append(sourceLabels[:2:2], LabelReason),
	})
	TenantSourceIgnored = define(Metric{
		Name: "thorbis_tenant_source_ignored_total", Type: Counter, Across: Sum,
		Help:   "Records understood and left out by reason: " + list(IgnoreReasons) + ". Kept across restarts.",
		Labels: append(sourceLabels[:2:2], LabelReason),
	})
	TenantSourceUnreadableDurations = define(Metric{
		Name: "thorbis_tenant_source_unreadable_durations_total", Type: Counter, Across: Sum,
		Help: "Records whose request is counted but not its duration, which could not be read, by reason: " +
			list(UnreadableReasons) + ".",
		Labels: append(sourceLabels[:2:2], LabelReason),
	})
	TenantSourceErrors = define(Metric{
		Name: "thorbis_tenant_source_errors_total", Type: Counter, Across: Sum,
		Help:   "Failures to open or read the source.",
		Labels: sourceLabels,
	})
	TenantSourceLag = define(Metric{
		Name: "thorbis_tenant_source_lag_bytes", Type: Gauge, Unit: "bytes", Across: Sum,
		Help:   "Bytes in the source's files that are not yet counted and saved; of compressed files, compressed bytes.",
		Labels: sourceLabels,
	})
	TenantSourceLastRead = define(Metric{
		Name: "thorbis_tenant_source_last_read_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Sum,
		Help:   "Unix time at which the source last yielded a record that is counted and saved, 0 if it never did.",
		Labels: sourceLabels,
	})
	TenantSourceNewestEvent = define(Metric{
		Name: "thorbis_tenant_source_newest_event_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Sum,
		Help:   "Unix time of the newest request that the source delivered, 0 if it delivered none or has no timestamps.",
		Labels: sourceLabels,
	})
	TenantReceiverPosts = define(Metric{
		Name: "thorbis_tenant_receiver_posts_total", Type: Counter, Across: Sum,
		Help:   "Posts to a receiver by result: " + list(PostResults) + ".",
		Labels: append(sourceLabels[:2:2], LabelResult),
	})
)

// Who is counted, as /metrics shows it.
var (
	TenantProbeRequests = define(Metric{
		Name: "thorbis_tenant_probe_requests_total", Type: Counter, Across: Sum,
		Help: "Requests of our own health checks, as tenants.probes proves them, by class of their status; " +
			"part of no tenant's requests. " +
			"Kept across restarts.",
		Labels: []string{LabelAppService, LabelCodeClass},
	})
	TenantTracked = define(Metric{
		Name: "thorbis_tenant_tracked", Type: Gauge, Across: Sum,
		Help:   "Tenants with series of their own, those that end within five minutes included.",
		Labels: []string{LabelAppService},
	})
	TenantLimit = define(Metric{
		Name: "thorbis_tenant_limit", Type: Gauge, Across: Sum, Expected: true,
		Help: "How many tenants of a service may have series of their own, from the policy; the rest is counted as " +
			TenantOther + ".",
		Labels: []string{LabelAppService},
	})
	TenantSeries = define(Metric{
		Name: "thorbis_tenant_series", Type: Gauge, Across: Sum,
		Help: "Tenants with series of their own by reason: " + list(SeriesReasons) + ". All are busy where every tenant " +
			"has series; the rest are the busiest, or were given places earlier.",
		Labels: []string{LabelAppService, LabelReason},
	})
	TenantTroubledWaiting = define(Metric{
		Name: "thorbis_tenant_troubled_waiting", Type: Gauge, Across: Sum,
		Help: "Tenants with failed requests or too many slow ones that have no series, because there are more of them than " +
			"places.",
		Labels: []string{LabelAppService},
	})
	TenantAdmitted = define(Metric{
		Name: "thorbis_tenant_admitted_total", Type: Counter, Across: Sum,
		Help:   "Tenants that were given series of their own since the exporter started.",
		Labels: []string{LabelAppService},
	})
	TenantDemoted = define(Metric{
		Name: "thorbis_tenant_demoted_total", Type: Counter, Across: Sum,
		Help: "Tenants whose series ended, for busier ones or because the registry dropped them, " +
			"since the exporter started.",
		Labels: []string{LabelAppService},
	})
	TenantHistoryDates = define(Metric{
		Name: "thorbis_tenant_history_dates", Type: Gauge, Across: Sum,
		Help: "Days that are over and of which the requests of each tenant are on the disk.",
	})
	TenantHistoryBytes = define(Metric{
		Name: "thorbis_tenant_history_bytes", Type: Gauge, Unit: "bytes", Across: Sum,
		Help: "Bytes of these days on the disk.",
	})
	TenantHistoryErrors = define(Metric{
		Name: "thorbis_tenant_history_errors_total", Type: Counter, Across: Sum,
		Help:   "Failures to write a day, which is tried again, and to read one, which is left out of the answer.",
		Labels: []string{LabelOperation},
	})
	TenantRegistryTenants = define(Metric{
		Name: "thorbis_tenant_registry_tenants", Type: Gauge, Across: Sum,
		Help: "Tenants in the registry as last read, 0 without a registry.",
	})
	TenantRegistryLastRead = define(Metric{
		Name: "thorbis_tenant_registry_last_read_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Sum,
		Help: "Unix time at which the registry was last read or found unchanged, 0 without a registry.",
	})
	TenantRegistryErrors = define(Metric{
		Name: "thorbis_tenant_registry_errors_total", Type: Counter, Across: Sum,
		Help: "Failures to read the registry; the last good copy stays in use.",
	})
)

func list(values []string) string { return strings.Join(values, ", ") }
