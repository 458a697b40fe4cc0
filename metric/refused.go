package metric

// RefusalCodes are the values of LabelCode: answers to a client that did not log in, may not, or asks too often.
var RefusalCodes = []string{"401", "403", "429"}

// Refused requests and failed log-ins, as /metrics shows them.
var (
	ServiceRefusedRequests = define(Metric{
		Name: "thorbis_service_refused_requests_total", Type: Counter, Across: Sum,
		Help: "Requests that were answered with 401, 403 or 429, those of no tenant included and late ones apart. " +
			"Kept across restarts.",
		Labels: []string{LabelAppService, LabelCode},
	})
	ServiceFailedLogins = define(Metric{
		Name: "thorbis_service_failed_logins_total", Type: Counter, Across: Sum,
		Help: "Requests of a source's login_paths that were answered with 4xx, those of no tenant included and late ones " +
			"apart. Kept across restarts.",
		Labels: []string{LabelAppService},
	})
	TenantRefusedRequests = define(Metric{
		Name: "thorbis_tenant_refused_requests", Type: Gauge, Across: Sum,
		Help: "Requests of the last hour, 55 minutes of it at least, that were answered with 401, 403 or 429: of the ten " +
			"tenants of a service with the most, _unknown for no tenant. A restart begins anew.",
		Labels: append(serviceTenantLabels[:2:2], LabelCode),
	})
	TenantFailedLogins = define(Metric{
		Name: "thorbis_tenant_failed_logins", Type: Gauge, Across: Sum,
		Help: "Log-ins of the last hour, 55 minutes of it at least, that failed: of the ten tenants of a service with the " +
			"most, _unknown for no tenant. A restart begins anew.",
		Labels: serviceTenantLabels,
	})
)

// Shares of refused requests, and failed log-ins.
var (
	RefusedIncrease = record("app_service:thorbis_refused_requests:increase1h",
		"Requests of the last hour that were answered with 401, 403 or 429.", refusedLevel)
	RefusedShare = record("app_service:thorbis_refused_requests:ratio1h",
		"Share of the last hour's requests that were answered with 401, 403 or 429.", refusedLevel)
	FailedLoginsIncrease = record("app_service:thorbis_failed_logins:increase1h",
		"Log-ins of the last hour that failed.", serviceLevel)
)

var refusedLevel = append(serviceLevel[:2:2], LabelCode)

// Alerts on those that rise.
var (
	RefusedRisingAlert = alert(Alert{
		Name: "ThorbisRefusedRequestsRising", Priorities: fromP3, Page: true, Dashboard: SecurityDashboard,
		What: "In the last hour, more than 1 % of a service's requests, 100 or more, were answered with 401, 403 or 429: " +
			"more than three times the share of this time of the day before.",
		Why: "Somebody tries keys or passwords, a key was changed and its users were not, or a limit is too low.",
	})
	FailedLoginsRisingAlert = alert(Alert{
		Name: "ThorbisFailedLoginsRising", Priorities: fromP3, Page: true, Dashboard: SecurityDashboard,
		What: "In the last hour, 100 or more log-ins failed: more than three times as many as at this time of the day " +
			"before.",
		Why: "Somebody tries passwords, or users cannot log in any more.",
	})
)
