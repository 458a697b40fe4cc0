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
		What: "One tenant of ten or more sends 30 % of a service's requests and three times its share of the day before, for ten minutes.",
		Why:  "It takes the others' capacity; most often a loop in a client.",
	})
	TenantsSilentAlert = alert(Alert{
		Name: "ThorbisTenantsSilent", Priorities: []string{"P4"}, Dashboard: TenantsDashboard,
		What: "Tenants that sent requests in this hour of each of the last four weeks have sent none for an hour, while their service is used.",
		Why:  "A customer who has lost access does not show up in errors.",
	})
	UnknownHostsAlert = alert(Alert{
		Name: "ThorbisUnknownHosts", Priorities: []string{"P4"}, Dashboard: TenantsDashboard,
		What: "More than one in twenty requests of a service has had a host that no tenant owns for fifteen minutes.",
		Why:  "A customer's domain is missing in the registry, or somebody scans.",
	})
	MostUnknownAlert = alert(Alert{
		Name: "ThorbisMostRequestsUnknown", Priorities: fromP2, Page: true, Dashboard: TenantsDashboard,
		What: "For ten minutes, more than half of a service's requests, and at least 100 in five minutes, have had a host that no tenant owns.",
		Why:  "The registry is wrong, or a new domain is missing in it: no tenant's objective sees these requests.",
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
		What: "A source that told of requests steadily, all day or at this time of yesterday and of last week, has told of none for twenty minutes, while others of its service do.",
		Why:  "It can be read, and its requests are in no objective: the log has moved, or the vendor's drain is off.",
	})
	SourceLaggingAlert = alert(Alert{
		Name: "ThorbisSourceLagging", Priorities: fromP3, Page: true, Dashboard: TenantsDashboard,
		What: "A source has had unread bytes for ten minutes, and its newest request is more than five minutes old.",
		Why:  "What happens now is judged late; late events do not page.",
	})
	SourceRejectingAlert = alert(Alert{
		Name: "ThorbisSourceRejecting", Priorities: fromP3, Page: true, Dashboard: TenantsDashboard,
		What: "More than one in twenty records of a source could not be read for ten minutes.",
		Why:  "Those requests are counted nowhere; most often the log's format was changed.",
	})
	ReceiverRefusingAlert = alert(Alert{
		Name: "ThorbisReceiverRefusing", Priorities: fromP3, Page: true, Dashboard: TenantsDashboard,
		What: "A receiver has refused more than one in twenty posts for ten minutes.",
		Why:  "The vendor gives up after some tries, and those requests are lost.",
	})
	TenantLimitAlert = alert(Alert{
		Name: "ThorbisTenantLimitNear", Priorities: []string{"P3"}, Dashboard: TenantsDashboard,
		What: "Nine tenths of the tenants that may have series of their own have them, for fifteen minutes.",
		Why:  "Beyond the limit only the busiest are told apart; the rest is counted together.",
	})
	RegistryStaleAlert = alert(Alert{
		Name: "ThorbisTenantRegistryStale", Priorities: []string{"P3"}, Dashboard: TenantsDashboard,
		What: "The registry of tenants has not been read for an hour.",
		Why:  "New tenants count as unknown hosts, and tiers are of yesterday.",
	})
)
