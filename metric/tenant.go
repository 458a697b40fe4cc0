package metric

// Reserved tenants: for requests of hosts that no tenant owns, and for those of tenants beyond the limit. A registered
// name cannot begin with an underscore.
const (
	TenantUnknown = "_unknown"
	TenantOther   = "_other"
)

// CodeClasses are the values of LabelCodeClass: the first digit of the status. An invalid status counts as 5xx,
// because a missing answer is a failure.
var CodeClasses = []string{"1xx", "2xx", "3xx", "4xx", "5xx"}

var (
	serviceTenantLabels = []string{LabelAppService, LabelTenant}
	serviceTierLabels   = []string{LabelAppService, LabelTier}
)

// Requests by tenant, as reported by the sources of request logs. They are exported at /metrics/tenants.
var (
	TenantRequests = define(Metric{
		Name: "thorbis_tenant_requests_total", Type: Counter, Across: Sum,
		Help:   "Requests by class of their status. Our own probes and late events are counted apart.",
		Labels: append(serviceTenantLabels[:2:2], LabelStore, LabelCodeClass),
	})
	TenantSlowRequests = define(Metric{
		Name: "thorbis_tenant_slow_requests_total", Type: Counter, Across: Sum,
		Help:   "Requests that took longer than a threshold of the policy, in seconds; exact.",
		Labels: append(serviceTenantLabels[:2:2], LabelStore, LabelThreshold),
	})
	TenantLateRequests = define(Metric{
		Name: "thorbis_tenant_late_requests_total", Type: Counter, Across: Sum,
		Help: "Requests whose event arrived later than the policy's late_after: part of budgets and reports, " +
			"not of paging windows.",
		Labels: append(serviceTenantLabels[:2:2], LabelStore, LabelCodeClass),
	})
	TenantWindowRequests = define(Metric{
		Name: "thorbis_tenant_window_requests", Type: Gauge, Across: Sum,
		Help: "Requests of a tenant over a window that ends now, late ones apart: of the tenants with most bad ones, and " +
			"of the busiest while there is room.",
		Labels: append(serviceTenantLabels[:2:2], LabelStore, LabelWindow),
	})
	TenantWindowBadRequests = define(Metric{
		Name: "thorbis_tenant_window_bad_requests", Type: Gauge, Across: Sum,
		Help: "Bad requests of such a tenant over a window that ends now, late ones apart. " +
			"Without series while none was bad for the objective in any of the windows.",
		Labels: append(serviceTenantLabels[:2:2], LabelStore, LabelSLO, LabelWindow),
	})
	TenantWindowCounted = define(Metric{
		Name: "thorbis_tenant_window_counted_ratio", Type: Gauge, Unit: "ratio", Across: Sum,
		Help: "Share of a window that ends now in which the requests of a service were counted in a saved state: below 1 " +
			"until the state is as old as the window, and after an absence of more than two hours.",
		Labels: []string{LabelAppService, LabelStore, LabelWindow},
	})
	TenantResponseBytes = define(Metric{
		Name: "thorbis_tenant_response_bytes_total", Type: Counter, Unit: "bytes", Across: Sum,
		Help:   "Bytes of the answers.",
		Labels: serviceTenantLabels,
	})
	TenantRequestDuration = define(Metric{
		Name: "thorbis_tenant_request_duration_seconds", Type: Histogram, Unit: "seconds", Across: Sum,
		Help:   "Duration of requests: a native histogram, classic on request. Empty for sources without durations.",
		Labels: serviceTenantLabels,
	})
	ServiceRequests = define(Metric{
		Name: "thorbis_service_requests_total", Type: Counter, Across: Sum,
		Help: "Requests of all tenants of a tier, with series of their own or not, by class of their status; those of no " +
			"tenant have the tier _unknown.",
		Labels: append(serviceTierLabels[:2:2], LabelStore, LabelCodeClass),
	})
	ServiceSlowRequests = define(Metric{
		Name: "thorbis_service_slow_requests_total", Type: Counter, Across: Sum,
		Help:   "Requests of all tenants of a tier that took longer than a threshold of the policy, in seconds; exact.",
		Labels: append(serviceTierLabels[:2:2], LabelStore, LabelThreshold),
	})
	ServiceLateRequests = define(Metric{
		Name: "thorbis_service_late_requests_total", Type: Counter, Across: Sum,
		Help:   "Requests of all tenants of a tier whose event arrived later than the policy's late_after.",
		Labels: append(serviceTierLabels[:2:2], LabelStore, LabelCodeClass),
	})
	ServiceRequestsOff = define(Metric{
		Name: "thorbis_service_requests_off", Type: Gauge, Across: Sum,
		Help: "Requests that the counters of a service's tiers have more than those of its tenants, since the start; " +
			"what is " +
			"not 0 is a defect of the exporter.",
		Labels: []string{LabelAppService},
	})
	ServiceRequestDuration = define(Metric{
		Name: "thorbis_service_request_duration_seconds", Type: Histogram, Unit: "seconds", Across: Sum,
		Help:   "Duration of the requests of all tenants of a tier: a native histogram, classic on request.",
		Labels: serviceTierLabels,
	})
	TenantInfo = define(Metric{
		Name: "thorbis_tenant_info", Type: Info, Across: Replica, Expected: true,
		Help:   "A tenant of the registry with its tier.",
		Labels: []string{LabelTenant, LabelTier},
	})
	ServiceExpectedPeak = define(Metric{
		Name: "thorbis_service_expected_peak_requests_per_second", Type: Gauge, Across: Replica, Expected: true,
		Help:   "Requests a second that the service is built for, from the policy.",
		Labels: []string{LabelAppService},
	})
)
