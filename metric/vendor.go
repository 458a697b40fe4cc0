package metric

// Labels of vendors.
const (
	LabelVendor    = "vendor"
	LabelComponent = "component"
	// LabelImpact is how bad an incident is, as its vendor states it.
	LabelImpact = "impact"
)

// States of a vendor, a component or a page: those of Statuspage's components, and unknown. Vendors write their pages
// by hand, minutes after the trouble began.
const (
	VendorOperational = "operational"
	VendorMaintained  = "under_maintenance"
	VendorDegraded    = "degraded_performance"
	VendorPartial     = "partial_outage"
	VendorMajor       = "major_outage"
	VendorUnknown     = "unknown" // never read, not for three intervals, or not a state that is known
)

// VendorStates lists them, the worst last: what is unknown may be worse than what is maintained.
var VendorStates = []string{
	VendorOperational, VendorMaintained, VendorUnknown, VendorDegraded, VendorPartial, VendorMajor,
}

// VendorTroubles are the states that alerts on our services name, VendorOutages those in which a vendor is down.
var (
	VendorTroubles = []string{VendorDegraded, VendorPartial, VendorMajor}
	VendorOutages  = []string{VendorPartial, VendorMajor}
)

// Impacts of a vendor's incident, values of LabelImpact.
const (
	VendorImpactNone     = "none"
	VendorImpactMinor    = "minor"
	VendorImpactMajor    = "major"
	VendorImpactCritical = "critical"
	VendorImpactUnknown  = "unknown" // a feed does not say
)

// VendorImpacts is the closed set.
var VendorImpacts = []string{
	VendorImpactNone, VendorImpactMinor, VendorImpactMajor, VendorImpactCritical, VendorImpactUnknown,
}

var (
	vendorLabel      = []string{LabelVendor}
	vendorStateLabel = []string{LabelVendor, LabelState}
)

// What the status pages of vendors report.
var (
	VendorState = define(Metric{
		Name: "thorbis_vendor_state", Type: StateSet, Across: Replica,
		Help: "1 for the state of the vendor as its status page reports it, 0 for the others: the worst of the policy's " +
			"components, else that of the whole page.",
		Labels: vendorStateLabel,
	})
	VendorPageState = define(Metric{
		Name: "thorbis_vendor_page_state", Type: StateSet, Across: Replica,
		Help:   "1 for the state of the whole page, 0 for the others.",
		Labels: vendorStateLabel,
	})
	VendorComponentState = define(Metric{
		Name: "thorbis_vendor_component_state", Type: StateSet, Across: Replica,
		Help: "1 for the state of a component that the policy names, 0 for the others; unknown if the page does not " +
			"have it.",
		Labels: []string{LabelVendor, LabelComponent, LabelState},
	})
	VendorSince = define(Metric{
		Name: "thorbis_vendor_state_since_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which an exporter first saw the present state of the vendor. Kept across restarts.",
		Labels: vendorStateLabel,
	})
	VendorOutageSince = define(Metric{
		Name: "thorbis_vendor_outage_since_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time at which an exporter first saw the present outage of the vendor, partial or major. It lasts while " +
			"the page cannot be read, for a day at most. Absent without an outage.",
		Labels: vendorLabel,
	})
	VendorIncidents = define(Metric{
		Name: "thorbis_vendor_open_incidents", Type: Gauge, Across: Replica,
		Help:   "Incidents that the page has open, by impact.",
		Labels: []string{LabelVendor, LabelImpact},
	})
	VendorOldestIncident = define(Metric{
		Name: "thorbis_vendor_oldest_open_incident_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which the oldest open incident of an impact began, by the page. Absent without one.",
		Labels: []string{LabelVendor, LabelImpact},
	})
	VendorMaintenanceBegin = define(Metric{
		Name: "thorbis_vendor_maintenance_begin_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which the present or next maintenance of the vendor begins, by its page. Absent without one.",
		Labels: vendorLabel,
	})
	VendorMaintenanceEnd = define(Metric{
		Name: "thorbis_vendor_maintenance_end_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which that maintenance ends. Absent without one, and where the page has no end of it.",
		Labels: vendorLabel,
	})
	VendorPageUpdated = define(Metric{
		Name: "thorbis_vendor_page_updated_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which the vendor last changed its page, by the page. Absent where it does not say.",
		Labels: vendorLabel,
	})
	VendorLastSuccess = define(Metric{
		Name: "thorbis_vendor_last_success_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which the page was last read. Kept across restarts. Absent until the first time.",
		Labels: vendorLabel,
	})
	VendorStateSeconds = define(Metric{
		Name: "thorbis_vendor_state_seconds_total", Type: Counter, Unit: "seconds", Across: Replica,
		Help: "Seconds that the exporter has seen the vendor in a state, since the page was first read. Kept across " +
			"restarts; what lies between two reads that are further apart than three intervals is unknown.",
		Labels: vendorStateLabel,
	})
	VendorMonthSeconds = define(Metric{
		Name: "thorbis_vendor_month_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "The same of the present calendar month in sla.time_zone.",
		Labels: vendorStateLabel,
	})
)

// The reads themselves.
var (
	VendorReads = define(Metric{
		Name: "thorbis_vendor_reads_total", Type: Counter, Across: Sum,
		Help:   "Reads of the vendor's page, by result.",
		Labels: []string{LabelVendor, LabelResult},
	})
	VendorReadFailures = define(Metric{
		Name: "thorbis_vendor_read_failures_total", Type: Counter, Across: Sum,
		Help:   "Reads of vendors' pages that failed, by reason.",
		Labels: []string{LabelReason},
	})
)

// What is expected, exported for every vendor from the start.
var (
	VendorInfo = define(Metric{
		Name: "thorbis_vendor_info", Type: Info, Across: Replica, Expected: true,
		Help:   "A vendor whose status page is watched, and who is notified of its outages.",
		Labels: []string{LabelVendor, LabelOwner},
	})
	VendorServiceInfo = define(Metric{
		Name: "thorbis_vendor_service_info", Type: Info, Across: Replica, Expected: true,
		Help:   "A service that depends on the vendor, with the priority at which the service pages.",
		Labels: []string{LabelVendor, LabelAppService, LabelPage},
	})
	VendorExpectedMonthDown = define(Metric{
		Name: "thorbis_vendor_expected_month_down_seconds", Type: Gauge, Unit: "seconds", Across: Replica, Expected: true,
		Help: "Seconds of the present calendar month in which the vendor may be down by its promise. Absent without a " +
			"promise.",
		Labels: vendorLabel,
	})
)

// Labels of the levels at which vendors are recorded.
var (
	vendorLevel      = []string{LabelEnvironment, LabelVendor}
	vendorOwnedLevel = append(vendorLevel[:2:2], LabelOwner)
	vendorStateLevel = append(vendorLevel[:2:2], LabelState)
)

// Records on vendors.
var (
	VendorExpected = record("vendor:thorbis_vendor:expected",
		"1 for each vendor whose status page is watched, with its owner.", vendorOwnedLevel)
	VendorTroubleSince = record("vendor:thorbis_vendor_trouble:since_seconds",
		"Unix time since which the page reports the vendor degraded, or partly or wholly down, with the state; "+
			"of exporters that disagree, the one whose state is newer.", vendorStateLevel)
	VendorServiceTrouble = record("app_service_vendor:thorbis_vendor_trouble:since_seconds",
		"The same for each service that depends on the vendor.",
		[]string{LabelEnvironment, LabelAppService, LabelVendor, LabelPage, LabelState})
	VendorOutage = record("vendor:thorbis_vendor_outage:since_seconds",
		"Unix time since which the vendor is partly or wholly down, with its owner.", vendorOwnedLevel)
	VendorMonthDown = record("vendor:thorbis_vendor_month_down:seconds",
		"Seconds of the present calendar month in which the vendor was partly or wholly down.", vendorLevel)
)

// Alerts on vendors.
var (
	VendorOutageAlert = alert(Alert{
		Name: "ThorbisVendorOutage", Page: true, Priorities: []string{"P2", "P3"}, Dashboard: VendorsDashboard,
		What: "The status page of a vendor has reported a partial or major outage for five minutes; " +
			"P2 when a service that pages at P1 has depended on it for fifteen minutes of outage.",
		Why: "What is slow or down may not be ours to mend; it is ours to say so, and to move away from it.",
	})
	VendorUnknownAlert = alert(Alert{
		Name: "ThorbisVendorUnknown", Page: true, Priorities: []string{"P4"}, Dashboard: VendorsDashboard,
		What: "The state of a vendor has been unknown for an hour: its page cannot be read, has another format, " +
			"or does not have one of the policy's components.",
		Why: "Its outages would not be seen, and no alert on a service would name them.",
	})
	VendorPromiseAlert = alert(Alert{
		Name: "ThorbisVendorPromiseBroken", Page: true, Priorities: []string{"P4"}, Dashboard: VendorsDashboard,
		What: "A vendor was down for longer in this calendar month than it promises.",
		Why:  "Credits are due, and most contracts want them claimed within a month.",
	})
)

func init() {
	documentNoAlert("What the page reports beside the state, for people to look at and alerts to name.",
		VendorPageState, VendorComponentState, VendorSince, VendorIncidents, VendorOldestIncident, VendorMaintenanceBegin,
		VendorMaintenanceEnd, VendorPageUpdated, VendorStateSeconds)
	documentNoAlert("How reads fare; ThorbisVendorUnknown reports a page that cannot be read.",
		VendorReads, VendorReadFailures, VendorLastSuccess)
}
