package rule

import (
	"strings"
	"testing"
)

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
		got, err := sc.Restrict(expr)
		if err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", expr, got, err, want)
		}
		if again, err := sc.Restrict(got); err != nil || again != got {
			t.Errorf("%s: restricted again it is %s, %v", expr, again, err)
		}
	}
}

// TestRestrictOneSide checks which selectors name the environment where sides are matched. PROD stands for the matcher.
func TestRestrictOneSide(t *testing.T) {
	sc := ScopeOf("production")
	for _, want := range []string{
		// One side is enough where the environment is matched, by name or with all labels.
		`thorbis_a{PROD} and on (environment) thorbis_b`,
		`thorbis_a{PROD} unless on (environment, check) thorbis_b`,
		`thorbis_a{PROD} unless thorbis_b`,
		`thorbis_a{PROD} / ignoring (code) thorbis_b`,
		`thorbis_a{PROD} * on (environment, tier) group_left (page) (thorbis_b > bool 0)`,
		`max by (environment, check) (thorbis_a{PROD}) - sum by (environment, check) (rate(thorbis_b[5m]))`,
		`thorbis_a{PROD} and on (environment) (thorbis_b or thorbis_c)`,
		`label_replace(thorbis_a{PROD}, "x", "y", "", "") unless max_over_time(thorbis_b[1h])`,
		// The side with fewer selectors names it.
		`(thorbis_a or thorbis_b) and on (environment) thorbis_c{PROD}`,
		`(thorbis_a{PROD} or thorbis_b{PROD}) unless on (environment) thorbis_c`,
		`min by (environment) (thorbis_a or 2 * thorbis_b) and on (environment) thorbis_c{PROD}`,
		// Both add to the result, or decide about what the other has.
		`thorbis_a{PROD} or on (environment) thorbis_b{PROD}`,
		`thorbis_a{PROD} and on () thorbis_b{PROD}`,
		`thorbis_a{PROD} unless on (app_service) thorbis_b{PROD}`,
		`thorbis_a{PROD} / ignoring (environment) thorbis_b{PROD}`,
		`(thorbis_a{PROD} or on () (thorbis_b or thorbis_c)) and on (environment) thorbis_d{PROD}`,
		// Another environment's series would be in the sum, or would hide that nothing is there.
		`thorbis_a{PROD} / on (environment) sum without (environment) (thorbis_b{PROD})`,
		`thorbis_a{PROD} and on (environment) topk by (check) (1, thorbis_b{PROD})`,
		`thorbis_a{PROD} and on (environment) absent(thorbis_b{PROD})`,
		`thorbis_a{PROD} > scalar(thorbis_b{PROD})`,
		`topk by (environment) (scalar(thorbis_a{PROD}), thorbis_b{PROD}) and on (environment) thorbis_c`,
		// The label is another one afterwards.
		`thorbis_a{PROD} and on (environment) label_replace(thorbis_b{PROD}, "environment", "x", "", "")`,
		`(up * on (job, instance) group_left (environment) thorbis_a{PROD}) and on (environment) thorbis_b{PROD}`,
		// Series of other programs have any environment, or none.
		`up unless on (environment) thorbis_a{PROD}`,
		`(up or thorbis_a) and on (environment) thorbis_b{PROD}`,
		`thorbis_a{environment!="production"} and on (environment) thorbis_b{PROD}`,
		// A regular expression that lists names is ours if one of them is.
		`{PROD,__name__=~"check:thorbis_health_down:(held|quorum)"} and on (environment) thorbis_a`,
	} {
		plain := strings.ReplaceAll(strings.ReplaceAll(want, "{PROD}", ""), "PROD,", "")
		want = strings.ReplaceAll(want, "PROD", sc.Matcher)
		if got, err := sc.Restrict(plain); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", plain, got, err, want)
		}
	}
}
