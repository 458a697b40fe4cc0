package metric

// Labels of what the business does.
const (
	// LabelTransaction is the configured name of a kind of transaction.
	LabelTransaction = "transaction"
	// LabelClass divides a figure: one of the policy's classes, _other, or empty.
	LabelClass = "class"
	// LabelCurrency is a code of ISO 4217.
	LabelCurrency = "currency"
	// LabelQuery is the configured name of a transaction or figure that a database is asked for.
	LabelQuery = "query"
)

// TransactionOther is what the policy does not list of what a query returned as result: a value of LabelResult beside
// ResultSuccess and ResultFailure.
const TransactionOther = "other"

// TransactionResults lists every value.
var TransactionResults = []string{ResultSuccess, ResultFailure, TransactionOther}

// ClassOther stands for what the policy does not list.
const ClassOther = "_other"

// Why a query has failed, values of LabelReason.
const (
	QueryUnreachable = "unreachable"    // neither the replica nor the database can be asked
	QueryRefused     = "refused"        // it may not be asked: a right is missing, or it writes
	QueryTimeout     = "timeout"        // it took longer than the policy permits, or waited for a lock
	QueryTooManyRows = "too_many_rows"  // it returned more rows than are read
	QueryTooLarge    = "too_large"      // it returned more bytes than are read
	QueryShape       = "unusable_shape" // it lacks columns, or has values of another type
	QueryInvalid     = "invalid"        // the database does not understand it
)

// QueryFailureReasons is the closed set.
var QueryFailureReasons = []string{
	QueryUnreachable, QueryRefused, QueryTimeout, QueryTooManyRows, QueryTooLarge, QueryShape, QueryInvalid,
}

var (
	transactionLabels = []string{LabelTransaction, LabelAppService}
	figureLabels      = []string{LabelFigure, LabelAppService, LabelTenant, LabelClass}
)

// Transactions, as a database counts them.
var (
	Transactions = define(Metric{
		Name: "thorbis_business_transactions_total", Type: Counter, Across: Replica,
		Help: "Transactions of complete minutes by result. Those that are committed late are added while their minute is " +
			"counted again. Kept across restarts; what happened meanwhile is added.",
		Labels: append(transactionLabels[:2:2], LabelResult),
	})
	TransactionValue = define(Metric{
		Name: "thorbis_business_transaction_value_total", Type: Counter, Across: Replica,
		Help:   "Value of the transactions that succeeded, in whole units of the currency.",
		Labels: append(transactionLabels[:2:2], LabelCurrency),
	})
	TransactionsUsual = define(Metric{
		Name: "thorbis_business_usual_transactions_total", Type: Counter, Across: Replica,
		Help: "Transactions that would have succeeded in the same minutes by the median of the same time of the week in " +
			"the last four weeks. It stands still while no week is known.",
		Labels: transactionLabels,
	})
	TransactionAverage = define(Metric{
		Name: "thorbis_business_usual_value", Type: Gauge, Across: Replica,
		Help:   "Average value of a transaction that succeeded, of the last four weeks. Absent before the first.",
		Labels: append(transactionLabels[:2:2], LabelCurrency),
	})
	TransactionWeeks = define(Metric{
		Name: "thorbis_business_usual_observations", Type: Gauge, Across: Replica,
		Help:   "In how many of the last four weeks the transactions of this hour of the week are known.",
		Labels: transactionLabels,
	})
	TransactionShortfall = define(Metric{
		Name: "thorbis_business_shortfall_value", Type: Gauge, Across: Replica,
		Help: "Value of the usual transactions less those that succeeded, by the usual value of one, since counting began. " +
			"It rises while customers cannot buy, and falls where more buy than usual. Kept across restarts; store is new " +
			"where they are not.",
		Labels: append(transactionLabels[:2:2], LabelCurrency, LabelStore),
	})
	TransactionsCounted = define(Metric{
		Name: "thorbis_business_counted_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time up to which transactions are counted. Absent before the first time.",
		Labels: transactionLabels,
	})
)

// Figures, as queries return them. A tenant that the registry does not know, and a class that the policy does not list,
// are added up as _other, or left out where a sum means nothing.
var (
	ActiveUsers = define(Metric{
		Name: "thorbis_business_active_users", Type: Gauge, Across: Replica,
		Help:   "Users that are active, as the policy's query defines it. Absent while the query fails.",
		Labels: figureLabels,
	})
	SatisfactionScore = define(Metric{
		Name: "thorbis_business_satisfaction_score", Type: Gauge, Across: Replica,
		Help:   "Satisfaction of users on the scale of the policy's query. Absent while the query fails.",
		Labels: figureLabels,
	})
	OpenTickets = define(Metric{
		Name: "thorbis_business_open_tickets", Type: Gauge, Across: Replica,
		Help:   "Tickets that are open. Absent while the query fails.",
		Labels: figureLabels,
	})
	FigureValue = define(Metric{
		Name: "thorbis_business_figure_value", Type: Gauge, Across: Replica,
		Help:   "What another query of the policy returned. Absent while the query fails.",
		Labels: figureLabels,
	})
	FigureEvents = define(Metric{
		Name: "thorbis_business_figure_events_total", Type: Counter, Across: Replica,
		Help: "What was added to a running total that a query returns. A total that falls counts nothing and goes on from " +
			"there. Kept across restarts.",
		Labels: figureLabels,
	})
)

// What the policy expects.
var (
	TransactionInfo = define(Metric{
		Name: "thorbis_business_transaction_info", Type: Info, Across: Replica, Expected: true,
		Help:   "A kind of transaction, with its service, its owner and the priority at which it pages.",
		Labels: append(transactionLabels[:2:2], LabelOwner, LabelPage, LabelCurrency),
	})
	TransactionExpectedRatio = define(Metric{
		Name: "thorbis_business_transactions_expected_ratio", Type: Gauge, Unit: "ratio", Across: Replica, Expected: true,
		Help:   "Share of the usual transactions below which they have dropped.",
		Labels: transactionLabels,
	})
	FigureInfo = define(Metric{
		Name: "thorbis_business_figure_info", Type: Info, Across: Replica, Expected: true,
		Help:   "A figure, with its service, its owner and the priority at which it pages.",
		Labels: []string{LabelFigure, LabelKind, LabelAppService, LabelOwner, LabelPage},
	})
	FigureExpectedMinimum = define(Metric{
		Name: "thorbis_business_figure_expected_minimum", Type: Gauge, Across: Replica, Expected: true,
		Help:   "The least that is expected of a figure. Absent without one.",
		Labels: []string{LabelFigure},
	})
	FigureExpectedMaximum = define(Metric{
		Name: "thorbis_business_figure_expected_maximum", Type: Gauge, Across: Replica, Expected: true,
		Help:   "The most that is expected of a figure. Absent without one.",
		Labels: []string{LabelFigure},
	})
	QueryExpectedInterval = define(Metric{
		Name: "thorbis_business_query_expected_interval_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Expected: true,
		Help:     "How often the query is asked.",
		Labels:   []string{LabelQuery},
	})
)

// How queries fare.
var (
	QueryLastSuccess = define(Metric{
		Name: "thorbis_business_query_last_success_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which the query last succeeded; that of the start before it has. Kept across restarts.",
		Labels: []string{LabelQuery},
	})
	QueryFailures = define(Metric{
		Name: "thorbis_business_query_failures_total", Type: Counter, Across: Sum,
		Help: "Times that the query was asked and failed, by reason. After three in a row it is asked at a tenth of its " +
			"pace.",
		Labels: []string{LabelQuery, LabelReason},
	})
	QueryFolded = define(Metric{
		Name: "thorbis_business_query_folded_rows_total", Type: Counter, Across: Sum,
		Help:   "Rows of the query whose tenant or class is not known: added up as _other, or left out.",
		Labels: []string{LabelQuery},
	})
)

// Labels of the levels at which the business is recorded.
var (
	transactionLevel = []string{LabelEnvironment, LabelTransaction, LabelAppService}
	figureLevel      = []string{LabelEnvironment, LabelFigure, LabelAppService}
)

// Records on the business.
var (
	TransactionExpected = record("transaction:thorbis_business_transaction:expected",
		"1 for each kind of transaction, with its owner, its page and its currency.",
		append(transactionLevel[:3:3], LabelOwner, LabelPage, LabelCurrency))
	TransactionResultRate = record("transaction_result:thorbis_business_transactions:rate5m",
		"Transactions by result, per second; only of those that a database counts.",
		append(transactionLevel[:3:3], LabelResult))
	TransactionRate = record("transaction:thorbis_business_transactions:rate5m",
		"Transactions that succeed, per second.", transactionLevel)
	TransactionUsualRate = record("transaction:thorbis_business_usual_transactions:rate5m",
		"Transactions per second that are usual at this time of the week.", transactionLevel)
	TransactionValueRate = record("transaction:thorbis_business_transaction_value:rate5m",
		"Value of the transactions that succeed, per second, in the currency of the transaction.", transactionLevel)
	TransactionMeanValue = record("transaction:thorbis_business_transaction_value:mean1h",
		"Average value of a transaction of the last hour.", transactionLevel)
	TransactionUsualValue = record("transaction:thorbis_business_usual_value:mean",
		"Average value of a transaction of the last weeks.", transactionLevel)
	TransactionFreshness = record("transaction:thorbis_business_counted:age_seconds",
		"How long ago the minute was that was counted last.", transactionLevel)
	TransactionShare = record("transaction:thorbis_business_transactions:ratio15m",
		"Transactions of fifteen minutes as a share of the usual ones, where at least twenty are usual.", transactionLevel)
	TransactionShortfalls = record("transaction:thorbis_business_shortfall:value",
		"Value of the usual transactions less those that succeeded, since counting began.",
		append(transactionLevel[:3:3], LabelCurrency, LabelStore))
	ShortfallSeen = record("transaction:thorbis_business_shortfall:seen",
		"The shortfall as it was five minutes before an urgent incident of the service was seen; kept while one is open.",
		append(transactionLevel[:3:3], LabelCurrency, LabelStore))
	ServiceImpact = record("app_service:thorbis_revenue_impact:value",
		"Revenue that the open urgent incidents of a service have cost so far: the transactions that are missing since the "+
			"first of them, by their usual value.",
		append(serviceLevel[:2:2], LabelCurrency))
	IncidentImpact = record("incident:thorbis_revenue_impact:value",
		"Revenue that an urgent incident has cost so far. Incidents of a service at the same time share it.",
		[]string{LabelEnvironment, LabelIncident, LabelAlert, LabelAppService, LabelPriority, LabelCurrency})
	FigureExpected = record("figure:thorbis_business_figure:expected",
		"1 for each figure, with its kind, its owner and its page.",
		append(figureLevel[:3:3], LabelKind, LabelOwner, LabelPage))
	FigureTotal = record("figure:thorbis_business_figure:value",
		"A figure of all its tenants and classes: their sum, and of scores their average.", figureLevel)
	FigureDay = record("figure:thorbis_business_figure:mean1d", "A figure as the average of a day.", figureLevel)
	QueryAge  = record("query:thorbis_business_query:age_seconds",
		"How long ago some exporter last got an answer to the query.", []string{LabelEnvironment, LabelQuery})
)

// Alerts on the business.
var (
	TransactionsDroppedAlert = alert(Alert{
		Name: "ThorbisTransactionsDropped", Page: true, Priorities: []string{"P2", "P3", "P4"},
		Dashboard: BusinessDashboard,
		What: "Fewer transactions succeed than the policy's share of what is usual at this time of the week; at the " +
			"priority of the service, at most P2.",
		Why: "Customers cannot buy, whatever the checks show.",
	})
	TicketsRisingAlert = alert(Alert{
		Name: "ThorbisTicketsRising", Page: true, Priorities: []string{"P3"}, Dashboard: BusinessDashboard,
		What: "More tickets are open than the policy permits, or half again as many as a week ago and at least ten more.",
		Why:  "Customers notice what no check does.",
	})
	SatisfactionFallingAlert = alert(Alert{
		Name: "ThorbisSatisfactionFalling", Page: true, Priorities: []string{"P4"}, Dashboard: BusinessDashboard,
		What: "The satisfaction score is below the policy's minimum, or a tenth lower than a week ago; both as averages of " +
			"a day.",
		Why: "It precedes cancellations.",
	})
	FigureUnexpectedAlert = alert(Alert{
		Name: "ThorbisFigureUnexpected", Page: true, Priorities: []string{"P2", "P3", "P4"}, Dashboard: BusinessDashboard,
		What: "Another figure of the policy has been below its minimum or above its maximum for ten minutes; at its own " +
			"page, at most P2.",
		Why: "The policy calls it out of the ordinary.",
	})
	BusinessQueryFailingAlert = alert(Alert{
		Name: "ThorbisBusinessQueryFailing", Page: true, Priorities: []string{"P3"}, Dashboard: BusinessDashboard,
		What: "A query of business figures has had no answer for five of its intervals and at least fifteen minutes.",
		Why:  "What it counts is not watched, and a drop is not noticed.",
	})
)

func init() {
	documentNoAlert("Of each query; one that goes on failing has an alert.", QueryFailures, QueryFolded)
	documentNoAlert("For people to look at; an alert over its rate is the policy's to write, as an objective.",
		FigureEvents)
	documentNoAlert("What an outage costs; the outage pages, and its page states it.", TransactionShortfall,
		TransactionValue, TransactionAverage)
	documentNoAlert("How well what is usual is known; where it is not, nothing is compared.", TransactionWeeks)
}
