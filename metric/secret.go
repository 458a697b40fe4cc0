package metric

// LabelSecret is the name of a key, token or password in the policy; what it is is not in any series.
const LabelSecret = "secret"

var (
	secretLabel      = []string{LabelSecret}
	secretLevel      = []string{LabelEnvironment, LabelSecret}
	secretOwnedLevel = append(secretLevel[:2:2], LabelAppService, LabelOwner, LabelPage)
)

// Secrets that end, as the policy states it.
var (
	SecretExpiry = define(Metric{
		Name: "thorbis_security_secret_expiry_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which the secret ends: midnight UTC of a day.",
		Labels: secretLabel,
	})
	SecretInfo = define(Metric{
		Name: "thorbis_security_secret_info", Type: Info, Across: Replica, Expected: true,
		Help:   "A secret that ends, with its service, owner and priority.",
		Labels: []string{LabelSecret, LabelAppService, LabelOwner, LabelPage},
	})
	SecretExpectedWarning = define(Metric{
		Name: "thorbis_security_secret_expected_warning_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Expected: true,
		Help:     "Time before its end by which the secret is to be replaced.",
		Labels:   secretLabel,
	})
	SecretExpectedUrgent = define(Metric{
		Name: "thorbis_security_secret_expected_urgent_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Expected: true,
		Help:     "Time before its end by which it is urgent to replace the secret.",
		Labels:   secretLabel,
	})
)

// Records on secrets.
var (
	SecretExpected = record("secret:thorbis_security_secret:expected",
		"1 for each secret whose end is watched, with its service, owner and page.", secretOwnedLevel)
	SecretLeft = record("secret:thorbis_security_secret_expiry:left_seconds",
		"Seconds until the secret ends; negative after that. Of exporters that disagree, the latest date.", secretLevel)
	SecretDue = record("secret:thorbis_security_secret_expiry:due_seconds",
		"The same, where the secret should have been replaced by now, with its owner and page.", secretOwnedLevel)
	SecretUrgent = record("secret:thorbis_security_secret_expiry:urgent_seconds",
		"The same, where the replacement is urgent.", secretOwnedLevel)
)

// SecretExpiringAlert is about secrets that end.
var SecretExpiringAlert = alert(Alert{
	Name: "ThorbisSecretExpiring", Priorities: fromP2, Page: true, Dashboard: SecurityDashboard,
	What: "A key, token or password ends within 30 days, within 7 days for the more urgent one, or has ended.",
	Why:  "Whatever uses it is refused from then on, often at night and all at once.",
})
