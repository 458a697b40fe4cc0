package metric

var sourceLevel = append(serviceLevel[:2:2], LabelSource)

// Throughput of services and tenants.
var (
	ServiceScraped = record("app_service:thorbis_requests_scraped:ratio5m",
		"Share of the last five minutes for which the service's counters of requests were scraped: below 1 after an install.",
		serviceLevel)
	TenantRate = record("app_service_tenant:thorbis_requests:rate5m",
		"Requests a second of the tenant over five minutes, or over what was scraped of them.", serviceTenantLevel)
	ServiceRate = record("app_service:thorbis_requests:rate5m",
		"Requests a second of the service over five minutes, or over what was scraped of them, those of hosts that no "+
			"tenant owns apart.", serviceLevel)
	ServiceClassRate = record("app_service:thorbis_requests_by_class:rate5m",
		"Requests a second of the service over five minutes, or over what was scraped of them, by class of their status, "+
			"those of hosts that no tenant owns included.",
		append(serviceLevel[:2:2], LabelCodeClass))
	TenantShare = record("app_service_tenant:thorbis_requests_share:ratio",
		"Share of the service's requests that the tenant sends, for tenants that send a twentieth or more.",
		serviceTenantLevel)
	ServiceActive = record("app_service:thorbis_tenants_active:count",
		"Tenants of the service with requests in the last five minutes.", serviceLevel)
	ServiceUtilization = record("app_service:thorbis_throughput_utilization:ratio",
		"Requests a second divided by the expected peak of the policy.", serviceLevel)
	UnknownHostShare = record("app_service:thorbis_unknown_hosts:ratio",
		"Share of the requests whose host no tenant owns.", serviceLevel)
	TenantRequestsHourly = record("app_service_tenant:thorbis_requests:hourly",
		"Requests of the tenant as an exporter counts them in one saved state, copied once an hour.",
		append(serviceTenantLevel[:3:3], LabelStore))
	TenantRequestsHour = record("app_service_tenant:thorbis_requests:increase1h",
		"Requests of the tenant in an hour, recorded once an hour.", serviceTenantLevel)
	TenantMissing = record("app_service_tenant:thorbis_requests:missing",
		"Requests in the same hour of last week of a tenant that sent at least 20 in that hour of each of the last four "+
			"weeks, and none in the last hour.", serviceTenantLevel)
	TenantSilent = record("app_service_tenant:thorbis_requests:silent",
		"The same of a registered tenant whose service is used.", serviceTenantLevel)

	SourceRecords = record("app_service_source:thorbis_source_records:increase15m",
		"Records that a source delivered in 15 minutes, to any exporter.", sourceLevel)
	SourceSteady = record("app_service_source:thorbis_source_records:steady",
		"Fewest records in 15 minutes of a source that was steady all day, or at this time of the day and the week before.",
		sourceLevel)
	SourceRemoved = record("app_service_source:thorbis_source:removed",
		"1 for a source that an exporter read within the hour and that is no longer in the policy.", sourceLevel)
	StreamShardsMissing = record("app_service_source:thorbis_stream_shards:missing",
		"Exporters that should share the partitions of a stream and do not report; all of them for an hour after the last.",
		sourceLevel)
	SourceBehind = record("app_service_source:thorbis_source_lag:bytes",
		"Unread bytes of a source that is more than five minutes behind.", sourceLevel)
	SourceSilent = record("app_service_source:thorbis_source_records:silent",
		"Unix time since when a source with steady traffic has delivered no requests. Kept until it delivers again, "+
			"for a week at most.", sourceLevel)

	RequestDurationRate = record("app_service:thorbis_request_duration_seconds:rate5m",
		"Native histogram of the duration of the service's requests.", serviceLevel)
	RequestDurationBucketRate = record("app_service:thorbis_request_duration_seconds_bucket:rate5m",
		"Classic histogram of the duration of the service's requests.", append(serviceLevel[:2:2], "le"))
	RequestDurationQuantile = record("app_service:thorbis_request_duration_seconds:quantile5m",
		"The time within which a share of the service's requests was answered: the median, 95 and 99 of 100.",
		append(serviceLevel[:2:2], "quantile"))
)
