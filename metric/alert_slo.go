package metric

// Alerts on objectives of events: requests, and whatever the policy's own slos count.
var (
	SLOBurnAlert = alert(Alert{
		Name:       "ThorbisSLOBurn",
		Priorities: everyPriority, Page: true, Level: LevelService, Burn: true, Dashboard: SLODashboard,
		What: "A service burns the budget of an objective at one of four paces, over a long and a short window at once, " +
			"and not because of one tenant alone.",
		Why: "The objective of the period will be missed if this continues.",
	})
	TenantBurnAlert = alert(Alert{
		Name:       "ThorbisTenantBurn",
		Priorities: everyPriority, Page: true, Level: LevelTenant, Burn: true, Dashboard: SLODashboard,
		What: "One tenant burns the budget of an objective while its service does not.",
		Why:  "One customer gets errors or slow answers.",
	})
	TierBurnAlert = alert(Alert{
		Name: "ThorbisTierBurn", Priorities: everyPriority, Page: true, Level: LevelTier, Burn: true, Dashboard: SLODashboard,
		What: "At least as many tenants of one tier as the policy's pool.tenants says burn budget at the fast or medium " +
			"pace at once.",
		Why: "The objective of the whole tier is at risk, not that of one customer.",
	})
	ManyTenantsBurningAlert = alert(Alert{
		Name:       "ThorbisManyTenantsBurning",
		Priorities: everyPriority, Page: true, Level: LevelManyTenants, Burn: true, Dashboard: SLODashboard,
		What: "Fifty or more tenants of one service burn budget at once while the service as a whole does not.",
		Why:  "What they share is broken; one alert instead of one per tenant.",
	})
	TrafficVanishedAlert = alert(Alert{
		Name: "ThorbisTrafficVanished", Priorities: fromP2, Page: true, Dashboard: TenantsDashboard,
		What: "Events of an objective came steadily and have stopped for fifteen minutes.",
		Why:  "No request arrives, or no exporter counts them: bad events would not page.",
	})
	ObjectiveUnmeasuredAlert = alert(Alert{
		Name: "ThorbisObjectiveUnmeasured", Priorities: fromP3, Page: true, Dashboard: SLODashboard,
		What: "The series of one of the policy's own objectives have been absent, or without a result, for fifteen minutes.",
		Why:  "A misspelt or renamed series never shows a failure, so no alert would fire.",
	})
	ObjectiveImplausibleAlert = alert(Alert{
		Name: "ThorbisObjectiveImplausible", Priorities: fromP3, Page: true, Dashboard: SLODashboard,
		What: "One of the policy's own objectives counted negative events, or more bad events than events, " +
			"beyond its budget of an hour.",
		Why: "The values are corrected, but its expressions do not count the same events, so its budget is not reliable.",
	})
)
