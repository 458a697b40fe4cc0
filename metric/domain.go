package metric

// LabelDomain is a registered domain, in lower case and ASCII.
const LabelDomain = "domain"

// LabelStatus is a status of a registration, spelled as EPP spells it (RFC 5731, RFC 3915).
const LabelStatus = "status"

// Statuses of a registration, values of LabelStatus. A domain on hold is not in the DNS; one in its redemption period
// or pending deletion is about to be lost.
const (
	DomainClientHold       = "clientHold"       // the registrar took it out of the DNS
	DomainServerHold       = "serverHold"       // the registry took it out of the DNS
	DomainRedemptionPeriod = "redemptionPeriod" // it was deleted and can be restored
	DomainPendingRestore   = "pendingRestore"   // its restoration has been asked for
	DomainPendingDelete    = "pendingDelete"    // it will be deleted and cannot be restored
	DomainInactive         = "inactive"         // it has no name servers
	DomainPendingTransfer  = "pendingTransfer"  // another registrar has asked for it
)

// DomainStatuses lists them. Other statuses are not exported: locks and grace periods are normal.
var DomainStatuses = []string{
	DomainClientHold, DomainServerHold, DomainRedemptionPeriod, DomainPendingRestore, DomainPendingDelete, DomainInactive,
	DomainPendingTransfer,
}

// DomainLostStatuses lists the statuses of a domain that does not resolve, or is about to be lost.
var DomainLostStatuses = []string{
	DomainClientHold, DomainServerHold, DomainRedemptionPeriod, DomainPendingRestore, DomainPendingDelete, DomainInactive,
}

// DomainResults lists the values of LabelResult of a look-up.
var DomainResults = []string{ResultSuccess, ResultFailure}

var (
	domainLabel      = []string{LabelDomain}
	domainOwnedLabel = []string{LabelDomain, LabelTenant, LabelAppService, LabelOwner, LabelPage}
)

// Registrations of domains as the registries last reported them. While look-ups fail, the last report remains; the
// time of the last success shows its age. What was never reported has no series.
var (
	DomainExpiry = define(Metric{
		Name: "thorbis_domain_expiry_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time at which the registration of the domain expires: as its registry reports it, else as the policy " +
			"states it; the later of the two while the report is older than three intervals or no server is known. Absent " +
			"while unknown.",
		Labels: domainLabel,
	})
	DomainStatus = define(Metric{
		Name: "thorbis_domain_status", Type: Gauge, Across: Replica,
		Help: "1 for each status that the registration has, 0 for the others. Only statuses of a domain that is lost, " +
			"may be lost or changes its registrar are exported. Absent until the registry reports statuses.",
		Labels: []string{LabelDomain, LabelStatus},
	})
	DomainLastSuccess = define(Metric{
		Name: "thorbis_domain_last_success_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time at which the registry last reported the registration. A report without statuses, " +
			"after one with them, does not count. Kept across restarts. Absent until the first report.",
		Labels: domainLabel,
	})
)

// The look-ups themselves.
var (
	DomainLookups = define(Metric{
		Name: "thorbis_domain_lookups_total", Type: Counter, Across: Sum,
		Help:   "Look-ups of registrations, by result.",
		Labels: []string{LabelResult},
	})
	DomainLookupFailures = define(Metric{
		Name: "thorbis_domain_lookup_failures_total", Type: Counter, Across: Sum,
		Help:   "Look-ups that failed, by reason.",
		Labels: []string{LabelReason},
	})
	DomainsOmitted = define(Metric{
		Name: "thorbis_domains_omitted", Type: Gauge, Across: Replica,
		Help: "Domains that are not watched because there are more than the policy's limit.",
	})
	DomainBootstrap = define(Metric{
		Name: "thorbis_domain_bootstrap_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time at which the list of RDAP servers in use was published.",
	})
)

// What is expected, exported for every domain from the start.
var (
	DomainInfo = define(Metric{
		Name: "thorbis_domain_info", Type: Info, Across: Replica, Expected: true,
		Help: "A domain that is watched: the tenant or the service that needs it, " +
			"the owner who is notified and the priority at which it pages.",
		Labels: domainOwnedLabel,
	})
	DomainExpectedWarning = define(Metric{
		Name: "thorbis_domain_expected_warning_seconds", Type: Gauge, Unit: "seconds", Across: Replica, Expected: true,
		Help:   "Time before its expiry by which the domain should have been renewed.",
		Labels: domainLabel,
	})
	DomainExpectedUrgent = define(Metric{
		Name: "thorbis_domain_expected_urgent_seconds", Type: Gauge, Unit: "seconds", Across: Replica, Expected: true,
		Help:   "Time before its expiry by which the renewal of the domain is urgent.",
		Labels: domainLabel,
	})
	DomainExpectedInterval = define(Metric{
		Name: "thorbis_domain_expected_lookup_interval_seconds",
		Type: Gauge, Unit: "seconds", Across: Replica, Expected: true,
		Help: "How often the registration is looked up. Absent for a domain of which no RDAP server is known, " +
			"unless one has reported it before.",
		Labels: domainLabel,
	})
)

// Labels of the levels at which domains are recorded.
var (
	domainLevel      = []string{LabelEnvironment, LabelDomain}
	domainOwnedLevel = append(domainLevel[:2:2], LabelTenant, LabelAppService, LabelOwner, LabelPage)
)

// Records on domains. One series a domain, whatever its exporters disagree about.
var (
	DomainExpected = record("domain:thorbis_domain:expected",
		"1 for each domain that is watched, with the most urgent priority at which an exporter says that it pages.",
		domainOwnedLevel)
	DomainLeft = record("domain:thorbis_domain_expiry:left_seconds",
		"Seconds until the registration expires; negative after that.", domainLevel)
	DomainDue = record("domain:thorbis_domain_expiry:due_seconds",
		"The same, where the domain should have been renewed by now and is not lost, with its owner and page.",
		domainOwnedLevel)
	DomainUrgent = record("domain:thorbis_domain_expiry:urgent_seconds",
		"The same, where the renewal is urgent.", domainOwnedLevel)
	DomainLost = record("domain:thorbis_domain_status:lost",
		"Number of statuses by which the domain does not resolve or is about to be lost, where there are any, "+
			"with its owner and page.", domainOwnedLevel)
	DomainAge = record("domain:thorbis_domain_report:age_seconds",
		"Seconds since the registry last reported the registration.", domainLevel)
	DomainUnknown = record("domain:thorbis_domain:unknown",
		"1 for a domain whose expiry is unknown, or whose registry has never reported or not for three intervals, "+
			"with its owner and page.", domainOwnedLevel)
)

// Alerts on domains.
var (
	DomainExpiringAlert = alert(Alert{
		Name: "ThorbisDomainExpiring", Priorities: fromP2, Page: true,
		What: "The registration of a domain expires within 30 days, within 7 days for the more urgent one, or has expired.",
		Why:  "Everything below the domain stops resolving, and somebody else may register it.",
	})
	DomainLostAlert = alert(Alert{
		Name: "ThorbisDomainLost", Priorities: everyPriority, Page: true,
		What: "The registry reports that a domain is on hold, has no name servers, " +
			"or is in its redemption period or pending deletion.",
		Why: "The domain does not resolve; after its redemption period it cannot be restored.",
	})
	DomainUnknownAlert = alert(Alert{
		Name: "ThorbisDomainUnknown", Priorities: []string{"P4"}, Page: true,
		What: "The expiry of a domain has been unknown for twelve hours, or its registry has never reported, " +
			"or not for three look-ups in a row.",
		Why: "Its expiry would not be noticed.",
	})
)

func init() {
	documentNoAlert("How look-ups fare; ThorbisDomainUnknown reports a domain whose registry does not answer.",
		DomainLookups, DomainLookupFailures, DomainBootstrap)
	documentNoAlert("A bound of the policy that the log names; "+
		"watched are first the domains that the policy names and those of health checks.", DomainsOmitted)
}
