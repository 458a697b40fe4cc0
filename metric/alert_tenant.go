package metric

// Alerts on tenants' traffic.
var (
	NearPeakAlert = alert(Alert{
		Name: "ThorbisThroughputNearPeak", Priorities: fromP3, Page: true, Dashboard: TenantsDashboard,
		What: "A service has had 80 % of the requests a second that it is built for, for ten minutes.",
		Why:  "What comes above the peak is answered slowly or not at all.",
	})
	NoisyNeighbourAlert = alert(Alert{
		Name: "ThorbisNoisyNeighbour", Priorities: fromP3, Page: true, Dashboard: TenantsDashboard,
		What: "One tenant of ten or more sends 30 % of a service's requests and three times its share of the day before, " +
			"for ten minutes.",
		Why: "It uses the capacity of other tenants. The usual cause is a loop in a client.",
	})
	TenantsSilentAlert = alert(Alert{
		Name: "ThorbisTenantsSilent", Priorities: []string{"P4"}, Dashboard: TenantsDashboard,
		What: "Tenants that sent requests in this hour of each of the last four weeks have sent none for an hour, " +
			"while their service is used.",
		Why: "A customer who has lost access causes no errors.",
	})
	UnknownHostsAlert = alert(Alert{
		Name: "ThorbisUnknownHosts", Priorities: []string{"P4"}, Dashboard: TenantsDashboard,
		What: "More than one in twenty requests of a service has had a host that no tenant owns for fifteen minutes.",
		Why:  "A customer's domain is missing in the registry, or a scanner sends requests.",
	})
	MostUnknownAlert = alert(Alert{
		Name: "ThorbisMostRequestsUnknown", Priorities: fromP2, Page: true, Dashboard: TenantsDashboard,
		What: "For ten minutes, more than half of a service's requests, and at least 100 in five minutes, " +
			"have had a host that no tenant owns.",
		Why: "The registry is wrong, or a new domain is missing in it. No tenant's objective counts these requests.",
	})
)

// Alerts on what counts the traffic.
var (
	SourceStoppedAlert = alert(Alert{
		Name: "ThorbisSourceStopped", Priorities: fromP2, Page: true, Dashboard: TenantsDashboard,
		What: "A source of request logs could not be read, or a receiver not save, for five minutes.",
		Why:  "Its requests are in no objective until it is read again.",
	})
	SourceSilentAlert = alert(Alert{
		Name: "ThorbisSourceSilent", Priorities: fromP2, Page: true, Dashboard: TenantsDashboard,
		What: "A source with steady traffic all day, or at this time yesterday and last week, " +
			"has delivered no requests for 20 minutes while other sources of its service have.",
		Why: "The source is readable, but its requests are in no objective: the log has moved, or the vendor's drain is off.",
	})
	SourceLaggingAlert = alert(Alert{
		Name: "ThorbisSourceLagging", Priorities: fromP3, Page: true, Dashboard: TenantsDashboard,
		What: "A source has had unread bytes for ten minutes, and its newest request is more than five minutes old.",
		Why:  "Current requests are judged late, and late events do not page.",
	})
	StreamLaggingAlert = alert(Alert{
		Name: "ThorbisStreamLagging", Priorities: fromP2, Page: true, Dashboard: TenantsDashboard,
		What: "The messages of a stream have been counted more than two minutes late for five minutes.",
		Why:  "Current requests are judged late; once they are older than the windows, failures do not page.",
	})
	StreamShardMissingAlert = alert(Alert{
		Name: "ThorbisStreamShardMissing", Priorities: fromP2, Page: true, Dashboard: TenantsDashboard,
		What: "For five minutes, fewer exporters have counted a stream than share its partitions.",
		Why:  "No other exporter counts the tenants of a shard that is away: their failures do not page until it is back.",
	})
	StreamMissedAlert = alert(Alert{
		Name: "ThorbisStreamMissed", Priorities: fromP2, Page: true, Dashboard: TenantsDashboard,
		What: "Within the last hour it was found that a log engine had deleted messages before they were counted.",
		Why:  "Those requests are in no objective and no report, and more are lost until the engine keeps them for longer.",
	})
	SourceRejectingAlert = alert(Alert{
		Name: "ThorbisSourceRejecting", Priorities: fromP3, Page: true, Dashboard: TenantsDashboard,
		What: "More than one in twenty records of a source could not be read for ten minutes.",
		Why:  "Those requests are not counted. The usual cause is a changed log format.",
	})
	ReceiverRefusingAlert = alert(Alert{
		Name: "ThorbisReceiverRefusing", Priorities: fromP3, Page: true, Dashboard: TenantsDashboard,
		What: "A receiver has refused more than one in twenty posts for ten minutes.",
		Why:  "The vendor gives up after some tries, and those requests are lost.",
	})
	TenantLimitAlert = alert(Alert{
		Name: "ThorbisTenantLimitNear", Priorities: []string{"P3"}, Dashboard: TenantsDashboard,
		What: "90 % of the permitted number of tenants with series of their own has been in use for fifteen minutes.",
		Why:  "Beyond the limit, only the busiest tenants have series of their own; all others are counted together.",
	})
	RegistryStaleAlert = alert(Alert{
		Name: "ThorbisTenantRegistryStale", Priorities: []string{"P3"}, Dashboard: TenantsDashboard,
		What: "The registry of tenants has not been read for an hour.",
		Why:  "New tenants count as unknown hosts, and tiers may be outdated.",
	})
)
