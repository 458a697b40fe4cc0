package metric

// The SLA by calendar month, in UTC, of checks without a tenant. Maintenance counts as neither up nor down. The SLA is
// separate from the objectives and pages no one.
var (
	SLAMonth = record("environment:thorbis_sla_month:number",
		"Number of the calendar month that the records below cover.", environmentLevel)
	SLAObjective = record("environment:thorbis_sla:ratio",
		"Share of the judged time of a month for which a service must be up by contract.", environmentLevel)
	SLADownStart = record("check:thorbis_health_down_seconds:month_start",
		"Seconds down since the records began, as the month began; absent in the month in which the records began.",
		checkLevel)
	SLAObservedStart = record("check:thorbis_health_observed_seconds:month_start",
		"Seconds judged since the records began, as the month began; absent in the month in which the records began.",
		checkLevel)
	SLADown = record("app_service:thorbis_sla_down_seconds:month",
		"Seconds down in the month so far of the service's worst check.", serviceLevel)
	SLAUptime = record("app_service:thorbis_sla_uptime:ratio_month",
		"Share of the judged time of the month so far for which the service's worst check was not down.", serviceLevel)
)
