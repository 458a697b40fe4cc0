package metric

// Labels of scans for vulnerabilities.
const (
	LabelScan = "scan"
	// LabelReport is the name of a scanner's report.
	LabelReport = "report"
	// LabelFindingSeverity is how severe a finding is; LabelSeverity is the severity of alerts.
	LabelFindingSeverity = "finding_severity"
	// LabelFixable is whether a version without the finding exists: true or false.
	LabelFixable = "fixable"
)

// Severities of findings, values of LabelFindingSeverity: the qualitative ratings of CVSS.
const (
	FindingCritical = "critical"
	FindingHigh     = "high"
	FindingMedium   = "medium"
	FindingLow      = "low"
	FindingUnknown  = "unknown" // the scanner does not rate it
)

// FindingSeverities lists them, the worst first.
var FindingSeverities = []string{FindingCritical, FindingHigh, FindingMedium, FindingLow, FindingUnknown}

// States of a scanner's report, values of LabelState. All but the first are failed scans: what was found before stays.
const (
	ScanOK           = "ok"
	ScanAbsent       = "absent"          // the file does not exist
	ScanUnreadable   = "unreadable"      // the file cannot be read, or is too large
	ScanEmpty        = "empty"           // the file is empty: the scanner died before it wrote
	ScanMalformed    = "malformed"       // it is cut off, or not a report of the format
	ScanUnsuccessful = "unsuccessful"    // the scanner reports that it failed
	ScanOfNothing    = "nothing_scanned" // the scanner found nothing that it could scan
)

// ScanStates is the closed set.
var ScanStates = []string{
	ScanOK, ScanAbsent, ScanUnreadable, ScanEmpty, ScanMalformed, ScanUnsuccessful, ScanOfNothing,
}

var (
	scanLabel    = []string{LabelScan}
	findingLabel = []string{LabelScan, LabelFindingSeverity, LabelFixable}
)

// What scanners report.
var (
	ScanReportState = define(Metric{
		Name: "thorbis_security_report_state", Type: StateSet, Across: Replica,
		Help:   "1 for the state of a scanner's newest report, 0 for the others.",
		Labels: []string{LabelScan, LabelReport, LabelState},
	})
	ScanReportTime = define(Metric{
		Name: "thorbis_security_report_scanned_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time of the newest scan that succeeded, by the report, else by its file. Kept across restarts. Absent " +
			"before the first one.",
		Labels: []string{LabelScan, LabelReport},
	})
	Findings = define(Metric{
		Name: "thorbis_security_findings", Type: Gauge, Across: Replica,
		Help: "Findings of the newest reports of a scan, by severity and by whether they can be fixed: vulnerabilities by " +
			"ID, package and version, once whichever scanners report them. Suppressed ones are left out. Absent until a " +
			"scan has succeeded.",
		Labels: findingLabel,
	})
	FindingOldest = define(Metric{
		Name: "thorbis_security_oldest_finding_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time at which the oldest of these findings was first reported here. Kept across restarts. Absent " +
			"without a finding.",
		Labels: findingLabel,
	})
	FindingsExploited = define(Metric{
		Name: "thorbis_security_exploited_findings", Type: Gauge, Across: Replica,
		Help: "Findings that are known to be exploited, by the scanner or by CISA's catalogue, by whether they can be " +
			"fixed.",
		Labels: []string{LabelScan, LabelFixable},
	})
	FindingExploitedOldest = define(Metric{
		Name: "thorbis_security_oldest_exploited_finding_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which the oldest of these was first reported here. Absent without one.",
		Labels: []string{LabelScan, LabelFixable},
	})
	FindingsSuppressed = define(Metric{
		Name: "thorbis_security_suppressed_findings", Type: Gauge, Across: Replica,
		Help: "Findings that are left out: by a VEX document, by the scanner's own list, or because the vulnerable code is " +
			"not called.",
		Labels: scanLabel,
	})
	KnownExploitedTime = define(Metric{
		Name: "thorbis_security_known_exploited_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time at which the catalogue of known exploited vulnerabilities was last changed, by its file. Absent " +
			"without one that can be read.",
	})
)

// What is expected, exported for every scan from the start.
var (
	ScanInfo = define(Metric{
		Name: "thorbis_security_scan_info", Type: Info, Across: Replica, Expected: true,
		Help:   "An artefact that is scanned, with its service, its owner and the priority at which it pages.",
		Labels: []string{LabelScan, LabelAppService, LabelOwner, LabelPage},
	})
	ScanExpectedInterval = define(Metric{
		Name: "thorbis_security_scan_expected_interval_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Expected: true,
		Help:     "How often each report of the scan is to be made anew.",
		Labels:   scanLabel,
	})
	FindingExpectedMaxAge = define(Metric{
		Name: "thorbis_security_finding_expected_max_age_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Expected: true,
		Help:     "How old a finding that can be fixed may become. Absent for severities without a limit.",
		Labels:   []string{LabelFindingSeverity},
	})
	FindingExploitedExpectedMaxAge = define(Metric{
		Name: "thorbis_security_exploited_finding_expected_max_age_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Expected: true,
		Help:     "How old a finding may become that can be fixed and is known to be exploited.",
	})
)

// Labels of the levels at which scans are recorded.
var (
	scanLevel      = []string{LabelEnvironment, LabelScan, LabelAppService, LabelOwner, LabelPage}
	scanAlone      = []string{LabelEnvironment, LabelScan}
	scanReports    = append(scanAlone[:2:2], LabelReport)
	scanSeverities = append(scanAlone[:2:2], LabelFindingSeverity)
)

// Records on scans.
var (
	ScanExpected = record("scan:thorbis_security_scan:expected",
		"1 for each artefact that is scanned, with its service, owner and page.", scanLevel)
	ScanReportAge = record("scan_report:thorbis_security_report:age_seconds",
		"How long ago the newest scan that succeeded was made; of exporters that disagree, the newest.", scanReports)
	ScanReportBroken = record("scan_report:thorbis_security_report:broken",
		"1 for a report that no exporter can use, with why not.", append(scanReports[:3:3], LabelState))
	FindingAge = record("scan_finding_severity:thorbis_security_finding:age_seconds",
		"Age of the oldest finding that can be fixed, by severity.", scanSeverities)
	FindingExploitedAge = record("scan:thorbis_security_exploited_finding:age_seconds",
		"Age of the oldest finding that can be fixed and is known to be exploited.", scanAlone)
)

// Alerts on scans.
var (
	ScanMissedAlert = alert(Alert{
		Name: "ThorbisScanMissed", Page: true, Priorities: []string{"P3"}, Dashboard: SecurityDashboard,
		What: "The newest scan of an artefact that succeeded is older than two of its intervals.",
		Why:  "What was published since is not looked for.",
	})
	ScanFailedAlert = alert(Alert{
		Name: "ThorbisScanFailed", Page: true, Priorities: []string{"P3"}, Dashboard: SecurityDashboard,
		What: "The report of a scanner has been absent, empty or broken for half an hour, or says that the scan failed.",
		Why:  "It would look as if there were no findings.",
	})
	FindingExploitedAlert = alert(Alert{
		Name: "ThorbisFindingExploited", Page: true, Priorities: everyPriority, Dashboard: SecurityDashboard,
		What: "A finding that can be fixed and is known to be exploited is older than the policy permits; at the priority " +
			"of the service.",
		Why: "Somebody uses it against others already.",
	})
	FindingOverdueAlert = alert(Alert{
		Name: "ThorbisFindingOverdue", Page: true, Priorities: []string{"P3", "P4"}, Dashboard: SecurityDashboard,
		What: "A finding that can be fixed is older than the policy permits for its severity; P3 for critical and high ones.",
		Why:  "The time to fix is promised, in contracts and to auditors.",
	})
)

func init() {
	documentNoAlert("Counts for people to look at; alerts judge the age of what can be fixed.",
		Findings, FindingsExploited, FindingsSuppressed)
	documentNoAlert("When; a catalogue that cannot be read is an error of the collector.", KnownExploitedTime)
}
