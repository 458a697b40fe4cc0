package metric

// Labels of metrics. Environment is put on every series of the exporter by its registry and kept by
// every record.
const (
	LabelEnvironment = "environment"
	LabelAppService  = "app_service"
	LabelCheck       = "check"
	LabelTenant      = "tenant"
	LabelTier        = "tier"
	LabelLocation    = "location"
	LabelState       = "state"
	LabelShard       = "shard"
	LabelResult      = "result"
	LabelReason      = "reason"
	LabelPhase       = "phase"
	LabelOwner       = "owner"
	LabelPage        = "page"
	LabelCollector   = "collector"
	LabelSHA256      = "sha256"
	LabelCodeClass   = "code_class"
	// LabelCode is a status, as Prometheus' own metrics of HTTP have it.
	LabelCode      = "code"
	LabelThreshold = "threshold"
	LabelSource    = "source"
	LabelFormat    = "format"
	LabelIncident  = "incident"
	LabelAlert     = "alert"
	LabelShift     = "shift"
	LabelLength    = "length"
	// LabelRecipient is whom a page notified: the owner of what it is about, or a layer of its escalation.
	LabelRecipient = "recipient"
	LabelBy        = "by"
	LabelBackup    = "backup"
	LabelKind      = "kind"
	// LabelFigure is which of the five figures of delivery a trend is of, or the configured name of a figure of business.
	LabelFigure     = "figure"
	LabelRepository = "repository"
	LabelProgram    = "program"
	LabelTest       = "test"
	// LabelStore is the identity of the saved state that a counter continues in. It stays the same where that state is
	// moved to another exporter, and is new where counters begin at 0.
	LabelStore = "store"
	// LabelCopy is which of the selectors of an objective of the policy's own a copy is of.
	LabelCopy = "thorbis_copy"
	// LabelSubject is what an incident is about that concerns no service; see Subject.
	LabelSubject = "subject"
)

// Labels of alerts. Priority routes; severity is what mixtool and dashboards of others understand.
const (
	LabelAlertname = "alertname"
	LabelBundle    = "bundle"
	LabelPriority  = "priority"
	LabelSeverity  = "severity"
	LabelBurnTier  = "burn_tier"
	LabelSLO       = "slo"
	LabelLayer     = "layer"
	LabelShadow    = "shadow"
	LabelDrill     = "drill"
	// LabelIntegration is how Alertmanager names the kind of a receiver in its own metrics.
	LabelIntegration = "integration"
	// LabelFingerprint names the incident that an escalation is about. It is not LabelIncident: a silence of that is
	// an acknowledgement, which must match no alert, or Alertmanager would never send the escalation's resolve.
	LabelFingerprint = "fingerprint"
)

// DrillAlertName is the alert of a drill, which no rule has, and DrillTrue the value of LabelDrill on it.
const (
	DrillAlertName = "ThorbisDrill"
	DrillTrue      = "true"
)

// ShadowTrue is the value of LabelShadow on alerts that only show what they would do.
const ShadowTrue = "true"

// Reserved are label names that the Prometheus Operator, service discovery or Prometheus itself set
// on targets. A metric with one of them would be renamed to exported_<name> on scrape.
var Reserved = []string{
	"job", "instance", "service", "namespace", "pod", "container",
	"endpoint", "node", "cluster", "prometheus",
}

// TierNone is the tier of a thing without a tenant. It is spelled out because a join on a missing
// label silently drops the series.
const TierNone = "none"
