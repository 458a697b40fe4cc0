package config

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Bounds of what is asked of business databases.
const (
	maxBusinessDatabases = 10
	maxTransactions      = 20
	maxFigures           = 50
	maxResults           = 20
	maxClasses           = 50
	maxQuery             = 10_000
)

// Results of transactions, the keys of Transaction.Results.
const (
	TransactionSuccess = "success"
	TransactionFailure = "failure"
)

// Forms of what the query of transactions returns.
const (
	// TransactionMinutes are counts by minute between $1 and $2, asked again until late rows are in.
	TransactionMinutes = "minutes"
	// TransactionTotals are running totals.
	TransactionTotals = "totals"
)

// Kinds of figures.
const (
	FigureActiveUsers  = "active_users"
	FigureSatisfaction = "satisfaction"
	FigureOpenTickets  = "open_tickets"
	FigureGauge        = "gauge"
	FigureCounter      = "counter" // a running total
)

// FigureKinds is the closed set.
var FigureKinds = []string{FigureActiveUsers, FigureSatisfaction, FigureOpenTickets, FigureGauge, FigureCounter}

// Business is what the business does, asked of its own databases. Without the section nothing is asked.
type Business struct {
	// Currency of values that name no other, as ISO 4217 writes it.
	Currency string `yaml:"currency"`
	// TimeZone is that of the hours of the week by which transactions are expected; that of the SLA if empty.
	TimeZone     string              `yaml:"time_zone"`
	Databases    []*BusinessDatabase `yaml:"databases"`
	Transactions []*Transaction      `yaml:"transactions"`
	Figures      []*Figure           `yaml:"figures"`
}

// BusinessDatabase is a PostgreSQL database, with a role of its own that may read what the queries need.
type BusinessDatabase struct {
	Name    string `yaml:"name"`
	DSNFile string `yaml:"dsn_file" secret:"exporter"`
	DSNEnv  string `yaml:"dsn_env" secret:"exporter"`
	// Replica is asked first, the database itself only while the replica cannot be.
	Replica Replica `yaml:"replica"`
	// Timeout of each query.
	Timeout Duration `yaml:"timeout"`
}

// Replica is how to reach a replica of a database.
type Replica struct {
	DSNFile string `yaml:"dsn_file" secret:"exporter"`
	DSNEnv  string `yaml:"dsn_env" secret:"exporter"`
}

// IsZero reports whether no replica is named.
func (r Replica) IsZero() bool { return r == Replica{} }

// Transaction is a kind of transaction that customers make, such as an order.
type Transaction struct {
	Name       string `yaml:"name"`
	AppService string `yaml:"app_service"`
	Owner      string `yaml:"owner"`
	// Page is the priority of the service, at most urgent P2: that few buy may have other reasons than an outage.
	Page     string   `yaml:"page"`
	Currency string   `yaml:"currency"`
	Database string   `yaml:"database"`
	Interval Duration `yaml:"interval"`
	Query    string   `yaml:"query"`
	Form     string   `yaml:"form"`
	// Recount is for how long a minute is counted again, for rows that are committed late.
	Recount Duration `yaml:"recount"`
	// Results maps what the query returns as result to success or failure. What it does not list is counted as other.
	Results map[string][]string `yaml:"results"`

	// Total and Value are PromQL in place of a query: what was added in $window.
	Total string `yaml:"total"`
	Value string `yaml:"value"`

	// Drop is the share of the expected transactions below which they have dropped.
	Drop Share `yaml:"drop"`
}

// Asked reports whether a database is asked, rather than series that exist.
func (t *Transaction) Asked() bool { return t.Total == "" }

// Figure is a number that a query returns: how many users are active, how many tickets are open.
type Figure struct {
	Name       string   `yaml:"name"`
	Kind       string   `yaml:"kind"`
	AppService string   `yaml:"app_service"`
	Owner      string   `yaml:"owner"`
	Page       string   `yaml:"page"`
	Database   string   `yaml:"database"`
	Interval   Duration `yaml:"interval"`
	Query      string   `yaml:"query"`
	// Classes are the values that the query may return as class; others are counted as _other.
	Classes []string `yaml:"classes"`
	// MinimumValue and MaximumValue are what is expected, absent without them.
	MinimumValue *float64 `yaml:"minimum"`
	MaximumValue *float64 `yaml:"maximum"`
}

// Business returns what is asked of business databases, nil without the section.
func (p *Policy) Business() *Business { return *businessSection.of(p) }

var businessSection = &section[*Business]{
	key:      "business",
	inherit:  func(p *Policy, b **Business) { (*b).inherit(p) },
	validate: validateBusiness,
	cost:     func(_ *Policy, b *Business, _ int) Cost { return b.cost() },
}

// mostUrgentOfBusiness is the priority at which what the business does may page.
const mostUrgentOfBusiness = "P2"

func (b *Business) inherit(p *Policy) {
	b.Currency = cmp.Or(b.Currency, "EUR")
	b.TimeZone = cmp.Or(b.TimeZone, p.SLA.TimeZone, "UTC")
	for _, d := range b.Databases {
		d.Timeout = cmp.Or(d.Timeout, Duration(5*time.Second))
	}
	only := ""
	if len(b.Databases) == 1 {
		only = b.Databases[0].Name
	}
	for _, t := range b.Transactions {
		t.Owner, t.Page = p.ownership(t.Owner, t.Page, t.AppService)
		if rank := PriorityRank(t.Page); t.Page == "" || rank > 0 && rank < PriorityRank(mostUrgentOfBusiness) {
			t.Page = mostUrgentOfBusiness
		}
		t.Currency = cmp.Or(t.Currency, b.Currency)
		t.Interval = cmp.Or(t.Interval, Duration(time.Minute))
		if t.Drop.IsZero() {
			t.Drop = Share{mustRatio("50%")}
		}
		if t.Asked() {
			t.Database, t.Form = cmp.Or(t.Database, only), cmp.Or(t.Form, TransactionMinutes)
			t.Recount = cmp.Or(t.Recount, Duration(15*time.Minute))
		}
	}
	for _, f := range b.Figures {
		f.Owner, f.Page = p.ownership(f.Owner, cmp.Or(f.Page, "P3"), f.AppService)
		f.Interval = cmp.Or(f.Interval, Duration(5*time.Minute))
		f.Database, f.Kind = cmp.Or(f.Database, only), cmp.Or(f.Kind, FigureGauge)
	}
}

// Series of a transaction, and of a figure of which nothing is known before it is asked.
const (
	seriesPerTransaction = 14
	seriesPerFigure      = 8
)

func (b *Business) cost() Cost {
	n := seriesPerTransaction * len(b.Transactions)
	for _, f := range b.Figures {
		n += seriesPerFigure + len(f.Classes)
	}
	return Cost{Series: n}
}

var currencyRE = regexp.MustCompile(`^[A-Z]{3}$`)

func validateBusiness(v *validator, b *Business) {
	v.currency("business.currency", b.Currency)
	v.zone("business.time_zone", b.TimeZone)
	v.tooMany("business.databases", "databases", len(b.Databases), maxBusinessDatabases)
	v.tooMany("business.transactions", "transactions", len(b.Transactions), maxTransactions)
	v.tooMany("business.figures", "figures", len(b.Figures), maxFigures)
	databases := map[string]bool{}
	for i, d := range b.Databases {
		v.businessDatabase(fmt.Sprintf("business.databases[%d]", i), d, databases)
	}
	seen, currencies := map[string]bool{}, map[string]string{}
	for i, t := range b.Transactions {
		v.transaction(fmt.Sprintf("business.transactions[%d]", i), t, databases, seen, currencies)
	}
	for i, f := range b.Figures {
		v.figure(fmt.Sprintf("business.figures[%d]", i), f, databases, seen)
	}
}

func (v *validator) currency(path, code string) {
	if !currencyRE.MatchString(code) {
		v.failAt(path, "invalid currency %q: write its three letters, like EUR", code)
	}
}

func (v *validator) businessDatabase(path string, d *BusinessDatabase, seen map[string]bool) {
	v.name(path+".name", d.Name)
	v.unique(path+".name", d.Name, seen)
	if (d.DSNFile == "") == (d.DSNEnv == "") {
		v.failAt(path, "must have either dsn_file or dsn_env, which say where the connection string is")
	}
	if d.Replica.DSNFile != "" && d.Replica.DSNEnv != "" {
		v.failAt(path+".replica", "must have either dsn_file or dsn_env")
	}
	v.between(path+".timeout", d.Timeout, Duration(100*time.Millisecond), Duration(time.Minute))
}

func (v *validator) transaction(path string, t *Transaction, databases, seen map[string]bool,
	currencies map[string]string,
) {
	v.name(path+".name", t.Name)
	v.unique(path+".name", t.Name, seen)
	v.appService(path+".app_service", t.AppService)
	v.page(path+".page", t.Page)
	v.currency(path+".currency", t.Currency)
	if of := currencies[t.AppService]; of != "" && of != t.Currency {
		v.failAt(path+".currency", "another transaction of %s is in %s: write one currency for each service",
			t.AppService, of)
	}
	currencies[t.AppService] = t.Currency
	v.between(path+".interval", t.Interval, Duration(10*time.Second), Duration(5*time.Minute))
	if !t.Asked() {
		if t.Query != "" || t.Database != "" || t.Form != "" || t.Recount != 0 || len(t.Results) > 0 {
			v.failAt(path, "has total, which needs no database: leave out database, query, form, recount and results")
		}
		v.overWindow(path+".total", t.Total)
		if t.Value != "" {
			v.overWindow(path+".value", t.Value)
		}
		return
	}
	if t.Value != "" {
		v.failAt(path+".value", "must have total too: value is PromQL, and a query returns a column of this name")
	}
	v.oneOf(path+".form", t.Form, []string{TransactionMinutes, TransactionTotals})
	v.asked(path, t.Database, t.Query, t.Interval, databases)
	v.between(path+".recount", t.Recount, Duration(time.Minute), Duration(6*time.Hour))
	from, to := strings.Contains(t.Query, "$1"), strings.Contains(t.Query, "$2")
	switch {
	case t.Form == TransactionMinutes && (!from || !to):
		v.failAt(path+".query", "must read what is from $1 on and before $2, or have the form totals")
	case t.Form == TransactionTotals && (from || to):
		v.failAt(path+".query", "must have no $1 and $2: running totals are of all time")
	}
	of := map[string]bool{}
	for _, result := range sortedKeys(t.Results) {
		at := path + ".results." + result
		v.oneOf(at, result, []string{TransactionSuccess, TransactionFailure})
		v.tooMany(at, "results", len(t.Results[result]), maxResults)
		for i, name := range t.Results[result] {
			v.unique(fmt.Sprintf("%s[%d]", at, i), name, of)
		}
	}
}

// asked checks what a query of a database has in common.
func (v *validator) asked(path, database, query string, interval Duration, databases map[string]bool) {
	switch {
	case len(databases) == 0:
		v.failAt(path, "needs a database: write one under business.databases")
	case !databases[database]:
		v.failAt(path+".database", "unknown database %q: %s", database, Suggest(database, sortedKeys(databases)))
	}
	switch text := strings.TrimSpace(query); {
	case text == "":
		v.failAt(path+".query", "missing query: docs/business.md has some to begin with")
	case len(text) > maxQuery:
		v.failAt(path+".query", "invalid query of %d characters: write at most %d", len(text), maxQuery)
	}
	v.between(path+".interval", interval, Duration(10*time.Second), Duration(24*time.Hour))
}

func (v *validator) figure(path string, f *Figure, databases, seen map[string]bool) {
	v.name(path+".name", f.Name)
	v.unique(path+".name", f.Name, seen)
	v.oneOf(path+".kind", f.Kind, FigureKinds)
	if f.AppService != "" {
		v.appService(path+".app_service", f.AppService)
	}
	v.page(path+".page", f.Page)
	v.asked(path, f.Database, f.Query, f.Interval, databases)
	v.tooMany(path+".classes", "classes", len(f.Classes), maxClasses)
	of := map[string]bool{}
	for i, class := range f.Classes {
		at := fmt.Sprintf("%s.classes[%d]", path, i)
		v.name(at, class)
		v.unique(at, class, of)
	}
	if f.MinimumValue != nil && f.MaximumValue != nil && *f.MinimumValue > *f.MaximumValue {
		v.failAt(path+".minimum", "must not exceed maximum")
	}
	if f.Kind == FigureCounter && (f.MinimumValue != nil || f.MaximumValue != nil) {
		v.failAt(path, "is a counter, which grows: leave out minimum and maximum")
	}
}
