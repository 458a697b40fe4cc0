package rule

import "testing"

// TestRestrict checks that the environment is added once, however a series is selected.
func TestRestrict(t *testing.T) {
	sc := ScopeOf("production")
	for expr, want := range map[string]string{
		`thorbis_x`:                            `thorbis_x{environment="production"}`,
		`sum(rate(thorbis_x[5m]))`:             `sum(rate(thorbis_x{environment="production"}[5m]))`,
		`thorbis_x{}`:                          `thorbis_x{environment="production",}`,
		"thorbis_x # why\n{a=\"b\"} offset 5m": "thorbis_x # why\n{environment=\"production\",a=\"b\"} offset 5m",
		`{__name__="thorbis_x"}`:               `{environment="production",__name__="thorbis_x"}`,
		`{"thorbis_x",a="b"}`:                  `{environment="production","thorbis_x",a="b"}`,
		`{__name__=~"thorbis_.*"}`:             `{environment="production",__name__=~"thorbis_.*"}`,
		`thorbis_x{environment="production"}`:  `thorbis_x{environment="production"}`,
		`thorbis_x{environment!="production"}`: `thorbis_x{environment!="production"}`,
		`thorbis_x{environment=~"prod.*"}`:     `thorbis_x{environment="production",environment=~"prod.*"}`,
		`check:thorbis_health_down:quorum`:     `check:thorbis_health_down:quorum{environment="production"}`,
		`ALERTS{bundle="thorbis"}`:             `ALERTS{environment="production",bundle="thorbis"}`,
		`ALERTS{alertname="Mine"}`:             `ALERTS{alertname="Mine"}`,
		`job:thorbis_requests:mine`:            `job:thorbis_requests:mine`,
		`shop_orders_total + on () thorbis_x`:  `shop_orders_total + on () thorbis_x{environment="production"}`,
		`max_over_time(thorbis_x[1h:1m] @ end()) > 0.5`: `max_over_time(thorbis_x{environment="production"}` +
			`[1h:1m] @ end()) > 0.5`,
	} {
		got, err := sc.restrict(expr)
		if err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", expr, got, err, want)
		}
		if again, err := sc.restrict(got); err != nil || again != got {
			t.Errorf("%s: restricted again it is %s, %v", expr, again, err)
		}
	}
}
