package metric

// Labels of the access audit.
const (
	// LabelAccess is the name of a list of accounts.
	LabelAccess = "access"
	// LabelAccountKind is who has an account.
	LabelAccountKind = "account_kind"
	// LabelUse is when an account was last used.
	LabelUse = "use"
)

// Kinds of accounts, values of LabelAccountKind.
const (
	AccountHuman   = "human"
	AccountService = "service" // a program
	AccountRole    = "role"    // rights that others are given; nothing can log in with it
	AccountUnknown = "unknown" // the source does not distinguish people from programs
)

// AccountKinds is the closed set.
var AccountKinds = []string{AccountHuman, AccountService, AccountRole, AccountUnknown}

// Uses of accounts, values of LabelUse.
const (
	UseRecent  = "recent"
	UseUnused  = "unused" // for longer than the policy has as unused_after
	UseNever   = "never"
	UseUnknown = "unknown" // the source does not record it
)

// AccountUses is the closed set.
var AccountUses = []string{UseRecent, UseUnused, UseNever, UseUnknown}

// States of a list of accounts, values of LabelState. In all but the first the accounts of before stay.
const (
	AccessOK          = ScanOK
	AccessAbsent      = ScanAbsent     // a file does not exist
	AccessUnreadable  = ScanUnreadable // a file cannot be read, or is too large
	AccessEmpty       = ScanEmpty      // a file is empty, or lists no account
	AccessMalformed   = ScanMalformed  // it is cut off, or not of the form
	AccessUnreachable = "unreachable"  // the server cannot be reached, or does not answer in time
	AccessRefused     = "refused"      // the connection string, its password or a right is missing or wrong
)

// AccessStates is the closed set.
var AccessStates = []string{
	AccessOK, AccessAbsent, AccessUnreadable, AccessEmpty, AccessMalformed, AccessUnreachable, AccessRefused,
}

var accessLabel = []string{LabelAccess}

// What lists of accounts hold. No series has the name of an account.
var (
	AccessState = define(Metric{
		Name: "thorbis_access_list_state", Type: StateSet, Across: Replica,
		Help:   "1 for the state of a list of accounts, 0 for the others.",
		Labels: []string{LabelAccess, LabelState},
	})
	AccessListTime = define(Metric{
		Name: "thorbis_access_list_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time of the newest list that could be read: of its oldest file, or of the answer of the server. Absent " +
			"before the first one since the start.",
		Labels: accessLabel,
	})
	Accounts = define(Metric{
		Name: "thorbis_access_accounts", Type: Gauge, Across: Replica,
		Help: "Accounts of a list by who has them. role is what cannot log in; unknown where the source does not " +
			"distinguish people from programs. Absent until the list could be read.",
		Labels: []string{LabelAccess, LabelAccountKind},
	})
	AccountsByUse = define(Metric{
		Name: "thorbis_access_accounts_by_use", Type: Gauge, Across: Replica,
		Help: "Accounts of a list that can log in, by when they were last used. unknown where the source does not record " +
			"it, as PostgreSQL and GitHub do not.",
		Labels: []string{LabelAccess, LabelUse},
	})
	AccountsPrivileged = define(Metric{
		Name: "thorbis_access_privileged_accounts", Type: Gauge, Across: Replica,
		Help:   "Accounts that may do more than others: administrators, superusers. Absent where that is not known.",
		Labels: accessLabel,
	})
	AccountsWithoutExpiry = define(Metric{
		Name: "thorbis_access_accounts_without_expiry", Type: Gauge, Across: Replica,
		Help:   "Accounts that can log in and never expire. Absent where that is not known.",
		Labels: accessLabel,
	})
	AccountsWithoutTwoFactors = define(Metric{
		Name: "thorbis_access_accounts_without_two_factors", Type: Gauge, Across: Replica,
		Help:   "Accounts of people that need no second factor to log in. Absent where that is not known.",
		Labels: accessLabel,
	})
	AccountsOverdue = define(Metric{
		Name: "thorbis_access_overdue_accounts", Type: Gauge, Across: Replica,
		Help:   "Accounts whose last review is older than the policy permits, and those that were never reviewed.",
		Labels: accessLabel,
	})
	AccountsUnreviewed = define(Metric{
		Name: "thorbis_access_unreviewed_accounts", Type: Gauge, Across: Replica,
		Help:   "Accounts that were never reviewed. They are overdue as well.",
		Labels: accessLabel,
	})
	OldestReview = define(Metric{
		Name: "thorbis_access_oldest_review_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time of the oldest last review of an account. Absent if none was reviewed.",
		Labels: accessLabel,
	})
)

// What is expected, exported for every list from the start.
var (
	AccessInfo = define(Metric{
		Name: "thorbis_access_info", Type: Info, Across: Replica, Expected: true,
		Help:   "A list of accounts that is audited, with its service, its owner and the priority at which it pages.",
		Labels: []string{LabelAccess, LabelAppService, LabelOwner, LabelPage},
	})
	AccessExpectedInterval = define(Metric{
		Name: "thorbis_access_list_expected_interval_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Expected: true,
		Help:     "How often the list is to be made anew.",
		Labels:   accessLabel,
	})
	ReviewExpectedInterval = define(Metric{
		Name: "thorbis_access_review_expected_interval_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Expected: true,
		Help:     "How often each account of the list is to be reviewed.",
		Labels:   accessLabel,
	})
)

// Labels of the levels at which lists of accounts are recorded.
var (
	accessLevel = []string{LabelEnvironment, LabelAccess, LabelAppService, LabelOwner, LabelPage}
	accessAlone = []string{LabelEnvironment, LabelAccess}
)

// Records on access.
var (
	AccessExpected = record("access:thorbis_access:expected",
		"1 for each list of accounts that is audited, with its service, owner and page.", accessLevel)
	AccessListAge = record("access:thorbis_access_list:age_seconds",
		"How old the newest list of accounts is that could be read; of exporters that disagree, the newest.", accessAlone)
	AccessListBroken = record("access:thorbis_access_list:broken",
		"1 for a list of accounts that no exporter can read, with why not.", append(accessAlone[:2:2], LabelState))
)

// Alerts on access.
var (
	AccessReviewAlert = alert(Alert{
		Name: "ThorbisAccessReviewOverdue", Page: true, Priorities: []string{"P4"}, Dashboard: SecurityDashboard,
		What: "Accounts have not been reviewed for longer than the policy permits, or never.",
		Why:  "People who have left and programs that are gone keep their rights.",
	})
	AccessUnknownAlert = alert(Alert{
		Name: "ThorbisAccessUnknown", Page: true, Priorities: []string{"P3"}, Dashboard: SecurityDashboard,
		What: "A list of accounts has been unreadable for half an hour, or is older than two of its intervals.",
		Why:  "Who has access is not known, and no review can become overdue.",
	})
)

func init() {
	documentNoAlert("Counts for the people who review access; the alert is on what is not reviewed.",
		Accounts, AccountsByUse, AccountsPrivileged, AccountsWithoutExpiry, AccountsWithoutTwoFactors, AccountsUnreviewed,
		OldestReview, ReviewExpectedInterval)
}
