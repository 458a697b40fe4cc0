package config

import (
	"strings"
	"testing"
	"time"
)

func init() {
	examples["business"] = example{
		valid: "business: {databases: [{name: shop, dsn_env: SHOP}], transactions: [{name: orders, app_service: web, " +
			"query: 'SELECT $1 AS minute, 1 AS transactions WHERE $2 > $1'}], " +
			"figures: [{name: tickets, query: SELECT 1 AS value}]}",
		invalid: "business:\n  databases: [{name: shop, dsn_env: SHOP}]\n" +
			"  figures: [{name: tickets, database: shp, query: SELECT 1 AS value}]",
		want: `p.yaml:4: business.figures[0].database: unknown database "shp": did you mean shop`,
	}
}

func TestBusiness(t *testing.T) {
	p, err := vendorsOf(t, `business:
  databases: [{name: shop, dsn_file: /etc/thorbis/shop, replica: {dsn_env: SHOP_REPLICA}}]
  transactions:
    - name: orders
      app_service: docs
      query: SELECT m AS minute, count(*) AS transactions FROM o WHERE t >= $1 AND t < $2 GROUP BY 1
      results: {success: [paid], failure: [declined]}
    - {name: signups, app_service: docs, page: P1, total: 'sum(increase(signups_total[$window]))', drop: 20%}
  figures:
    - {name: tickets, kind: open_tickets, query: SELECT count(*) AS value FROM tickets, maximum: 100}
`)
	if err != nil {
		t.Fatal(err)
	}
	b := p.Business()
	if b.Currency != "EUR" || b.TimeZone != "UTC" || b.Databases[0].Timeout.Std() != 5*time.Second ||
		b.Databases[0].Replica.IsZero() {
		t.Errorf("the defaults are %+v", b)
	}
	orders, signups, tickets := b.Transactions[0], b.Transactions[1], b.Figures[0]
	if !orders.Asked() || orders.Database != "shop" || orders.Form != TransactionMinutes || orders.Page != "P3" ||
		orders.Owner != "writers" || orders.Recount.Std() != 15*time.Minute || orders.Drop.Percent() != "50%" {
		t.Errorf("orders are %+v", orders)
	}
	if signups.Asked() || signups.Database != "" || signups.Page != "P2" || signups.Drop.Percent() != "20%" {
		t.Errorf("signups are %+v", signups)
	}
	if tickets.Page != "P3" || tickets.Interval.Std() != 5*time.Minute || tickets.MinimumValue != nil ||
		*tickets.MaximumValue != 100 {
		t.Errorf("tickets are %+v", tickets)
	}
	without, err := vendorsOf(t, "")
	if err != nil || without.Business() != nil || without.Hash() == p.Hash() {
		t.Errorf("%v, %v", without.Business(), err)
	}
	if cost := Estimate(p, 0).Series - Estimate(without, 0).Series; cost != 2*seriesPerTransaction+seriesPerFigure {
		t.Errorf("%d series", cost)
	}
}

// Everything that would be measured wrongly is refused.
func TestBusinessRefused(t *testing.T) {
	const begin = "business: {databases: [{name: shop, dsn_env: SHOP}], "
	const orders = begin + "transactions: [{name: a, app_service: docs, "
	for text, want := range map[string]string{
		begin + "currency: euro}":                                                  "invalid currency",
		begin + "time_zone: Here}":                                                 "invalid time zone",
		"business: {databases: [{name: shop}]}":                                    "dsn_file or dsn_env",
		"business: {figures: [{name: a, query: x}]}":                               "needs a database",
		orders + "query: SELECT 1}]}":                                              "from $1 on",
		orders + "form: totals, query: SELECT $1}]}":                               "must have no $1",
		orders + "total: 'up'}]}":                                                  "$window",
		orders + "total: 'x[$window]', query: SELECT 1}]}":                         "leave out",
		orders + "value: 'x[$window]', query: '$1 $2'}]}":                          "must have total",
		begin + "transactions: [{name: a, app_service: nothing, query: '$1 $2'}]}": "unknown service",
		orders + "query: '$1 $2', results: {paid: [x]}}]}":                         "unknown value",
		orders + "query: '$1 $2', results: {success: [x, x]}}]}":                   "duplicate",
		orders + "query: '$1 $2'}, {name: b, app_service: docs, " +
			"currency: USD, query: '$1 $2'}]}": "one currency for each service",
		orders + "query: '$1 $2', interval: 1h}]}":                           "invalid duration",
		begin + "figures: [{name: a}]}":                                      "missing query",
		begin + "figures: [{name: a, query: x, kind: y}]}":                   "unknown value",
		begin + "figures: [{name: a, query: x, kind: counter, maximum: 3}]}": "is a counter",
		begin + "figures: [{name: a, query: x, minimum: 4, maximum: 3}]}":    "must not exceed",
		begin + "figures: [{name: a, query: x, interval: 1s}]}":              "invalid duration",
		begin + "figures: [{name: a, query: x, classes: [b, b]}]}":           "duplicate",
		begin + "figures: [{name: a, query: x}, {name: a, query: x}]}":       "duplicate",
	} {
		if _, err := vendorsOf(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n\tis refused with %v, want %s", text, err, want)
		}
	}
}
