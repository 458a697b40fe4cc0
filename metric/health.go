package metric

// States of a health check, values of LabelState.
const (
	StateUp          = "up"
	StateDown        = "down"
	StateUnknown     = "unknown"
	StateMaintenance = "maintenance"
)

// HealthStates is the state set in the order shown to people.
var HealthStates = []string{StateUp, StateDown, StateUnknown, StateMaintenance}

// Results of a single probe, values of LabelResult.
const (
	ResultSuccess = "success"
	ResultFailure = "failure"
	ResultUnknown = "unknown"
)

// ProbeResults lists every value of LabelResult.
var ProbeResults = []string{ResultSuccess, ResultFailure, ResultUnknown}

var (
	healthLabels = []string{LabelCheck, LabelAppService, LabelTenant, LabelLocation}
	probeLabels  = []string{LabelCheck, LabelAppService, LabelLocation}
)

// Health checks: one series per check, tenant (empty for a check that is not per tenant) and location.
var (
	HealthCheckState = define(Metric{
		Name: "thorbis_health_check_state", Type: StateSet, Across: Location,
		Help: "State of the check as judged now: 1 for the current state, 0 for the others. " +
			"Down is confirmed by re-probes.",
		Labels: append(healthLabels[:4:4], LabelState),
	})
	HealthCheckObservedSeconds = define(Metric{
		Name: "thorbis_health_check_observed_seconds_total", Type: Counter, Unit: "seconds", Across: Location,
		Help: "Time for which the check was judged up or down. Kept across restarts; " +
			"time while the exporter was off counts nowhere.",
		Labels: healthLabels,
	})
	HealthCheckDownSeconds = define(Metric{
		Name: "thorbis_health_check_down_seconds_total", Type: Counter, Unit: "seconds", Across: Location,
		Help: "Time for which the check was down, from the first failed probe of a confirmed outage. " +
			"Part of the observed time. Kept across restarts.",
		Labels: healthLabels,
	})
	HealthCheckUnknownSeconds = define(Metric{
		Name: "thorbis_health_check_unknown_seconds_total", Type: Counter, Unit: "seconds", Across: Location,
		Help:   "Time for which the exporter could not judge the check. Kept across restarts.",
		Labels: healthLabels,
	})
	HealthCheckMaintenanceSeconds = define(Metric{
		Name: "thorbis_health_check_maintenance_seconds_total", Type: Counter, Unit: "seconds", Across: Location,
		Help:   "Time for which the check was in a maintenance window. Kept across restarts.",
		Labels: healthLabels,
	})
	HealthCheckOutages = define(Metric{
		Name: "thorbis_health_check_outages_total", Type: Counter, Across: Location,
		Help: "Confirmed outages begun. A restart or a spell of unknown during an outage begins no new one. " +
			"Kept across restarts.",
		Labels: healthLabels,
	})
	HealthCheckOutageStart = define(Metric{
		Name: "thorbis_health_check_outage_start_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Location,
		Help:   "Unix time of the first failed probe of the outage that is open now, 0 if none is.",
		Labels: healthLabels,
	})
	HealthCheckOutageDuration = define(Metric{
		Name: "thorbis_health_check_outage_duration_seconds", Type: Gauge, Unit: "seconds", Across: Location,
		Help: "Time for which the check was seen down in the outage that is open, " +
			"or in the last one until two minutes after its end. " +
			"It counts from the first failed probe to the first good one, by the monotonic clock. " +
			"Absent without such an outage, and while an open outage is unknown.",
		Labels: healthLabels,
	})
	HealthCheckOutageEndAge = define(Metric{
		Name: "thorbis_health_check_outage_end_age_seconds", Type: Gauge, Unit: "seconds", Across: Location,
		Help: "Time since the first good probe after the outage of thorbis_health_check_outage_duration_seconds, " +
			"0 while the check is down. " +
			"Absent where that is.",
		Labels: healthLabels,
	})
	HealthCheckProbes = define(Metric{
		Name: "thorbis_health_check_probes_total", Type: Counter, Across: Location,
		Help:   "Probes finished, by result. Confirmation and recovery probes count too.",
		Labels: append(healthLabels[:4:4], LabelResult),
	})
	HealthCheckProbeFailures = define(Metric{
		Name: "thorbis_health_check_probe_failures_total", Type: Counter, Across: Location,
		Help:   "Failed probes by reason, over all tenants of a per-tenant check.",
		Labels: append(probeLabels[:3:3], LabelReason),
	})
	HealthCheckProbeUnknowns = define(Metric{
		Name: "thorbis_health_check_probe_unknowns_total", Type: Counter, Across: Location,
		Help:   "Probes that could not be judged, by reason, over all tenants of a per-tenant check.",
		Labels: append(probeLabels[:3:3], LabelReason),
	})
	HealthCheckDuration = define(Metric{
		Name: "thorbis_health_check_duration_seconds", Type: Histogram, Unit: "seconds", Across: Location,
		Help:   "Duration of successful probes, over all tenants of a per-tenant check. Native and classic buckets.",
		Labels: probeLabels,
	})
	HealthCheckPhaseSeconds = define(Metric{
		Name: "thorbis_health_check_phase_seconds_total", Type: Counter, Unit: "seconds", Across: Location,
		Help: "Time that successful probes spent in each phase (resolve, connect, tls, processing, " +
			"transfer and the like). Divide by the rate of successful probes for the mean.",
		Labels: append(probeLabels[:3:3], LabelPhase),
	})
	HealthCheckCertificateExpiry = define(Metric{
		Name: "thorbis_health_check_certificate_expiry_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Location,
		Help: "Unix time at which the chain of certificates that was verified last expires: of the first of its " +
			"certificates to do so, of several chains the one that lasts longest. Absent for targets without TLS.",
		Labels: healthLabels,
	})
	HealthCheckExpectedCertificateWarning = define(Metric{
		Name: "thorbis_health_check_expected_certificate_warning_seconds",
		Type: Gauge, Unit: "seconds", Across: Location, Expected: true,
		Help: "Time before the expiry of the target's certificate by which it should have been renewed: 14 d, or a sixth " +
			"of the certificate's life if that is less, unless the policy says otherwise. Absent for targets without TLS.",
		Labels: healthLabels,
	})
	HealthCheckExpectedCertificateUrgent = define(Metric{
		Name: "thorbis_health_check_expected_certificate_urgent_seconds",
		Type: Gauge, Unit: "seconds", Across: Location, Expected: true,
		Help: "Time before the expiry of the target's certificate by which its renewal is urgent: 3 d, or a twelfth of " +
			"the certificate's life if that is less, unless the policy says otherwise. Absent for targets without TLS.",
		Labels: healthLabels,
	})
	HealthCheckInfo = define(Metric{
		Name: "thorbis_health_check_info", Type: Info, Across: Location, Expected: true,
		Help: "A configured check: its tier (none without a tenant), " +
			"the owner who is notified and the priority at which it pages. Exposed in every state.",
		Labels: append(healthLabels[:4:4], LabelTier, LabelOwner, LabelPage),
	})
	HealthCheckExpectedInterval = define(Metric{
		Name: "thorbis_health_check_expected_interval_seconds",
		Type: Gauge, Unit: "seconds", Across: Location, Expected: true,
		Help:   "Interval at which the check is configured to be probed while it is up.",
		Labels: healthLabels,
	})
	HealthProbesInFlight = define(Metric{
		Name: "thorbis_health_probes_in_flight", Type: Gauge, Across: Sum,
		Help:   "Probes running now.",
		Labels: nil,
	})
	HealthProbesDelayed = define(Metric{
		Name: "thorbis_health_probes_delayed_total", Type: Counter, Across: Sum,
		Help:   "Probes that started late because the concurrency or the per-tenant rate was used up.",
		Labels: nil,
	})
	HealthReferenceUp = define(Metric{
		Name: "thorbis_health_reference_up", Type: Gauge, Across: Location,
		Help: "1 if at least one reference target answered when last asked or none is configured, " +
			"0 if the prober counts itself offline.",
		Labels: []string{LabelLocation},
	})
	HealthResolverUp = define(Metric{
		Name: "thorbis_health_resolver_up", Type: Gauge, Across: Location,
		Help: "1 if at least one reference name resolved when last asked or none is configured, " +
			"0 if the prober counts its own resolver as failed.",
		Labels: []string{LabelLocation},
	})
	HealthReferencesDead = define(Metric{
		Name: "thorbis_health_references_dead", Type: Gauge, Across: Location,
		Help: "Reference targets and names of the policy that have never answered, or do not answer though checks do. " +
			"Their silence makes no result unknown.",
		Labels: []string{LabelLocation},
	})
)
