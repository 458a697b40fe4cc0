package rule

import "testing"

var oneEachCases = []struct{ what, expr, want string }{
	{
		"an expectation that may have two owners",
		`a * on (environment, app_service, slo) group_left (owner) app_service:thorbis_slo_budget:ratio`,
		`a * on (environment, app_service, slo) group_left (owner) ` +
			`topk by (environment, app_service, slo) (1, app_service:thorbis_slo_budget:ratio)`,
	},
	{
		"the values of the selector choose, not those of a comparison",
		`a * on (environment, tenant) group_left (tier) (tenant:thorbis_tenant_tier:expected{page="P1"} > bool 0)`,
		`a * on (environment, tenant) group_left (tier) ` +
			`(topk by (environment, tenant) (1, tenant:thorbis_tenant_tier:expected{page="P1"}) > bool 0)`,
	},
	{
		"both sides of a match of one with one",
		`app_service:thorbis_slo_budget:ratio / on (slo) app_service:thorbis_slo_budget:ratio @ end()`,
		`topk by (slo) (1, app_service:thorbis_slo_budget:ratio) / on (slo) ` +
			`topk by (slo) (1, app_service:thorbis_slo_budget:ratio @ end())`,
	},
	{
		"labels that a match does not look at",
		`a - ignoring (owner, page) group_left () app_service:thorbis_slo_budget:ratio`,
		`a - ignoring (owner, page) group_left () topk without (owner, page) (1, app_service:thorbis_slo_budget:ratio)`,
	},
	{
		"many that differ in the label they are given",
		`app_service:thorbis_slo_budget:ratio{page="P1"} * on (environment, app_service) group_left (owner) max by ` +
			`(environment, app_service, owner) (b)`,
		`topk by (app_service, environment, slo) (1, app_service:thorbis_slo_budget:ratio{page="P1"}) * on (environment, ` +
			`app_service) group_left (owner) topk by (environment, app_service) (1, ` +
			`max by (environment, app_service, owner) (b))`,
	},
	{"one by aggregation", `a * on (slo) group_left () max by (slo) (app_service:thorbis_slo_budget:ratio)`, ""},
	{"one by choice", `a * on (slo) group_left () topk by (slo) (1, app_service:thorbis_slo_budget:ratio)`, ""},
	{"a set operator needs no one", `a and on (slo) app_service:thorbis_slo_budget:ratio`, ""},
	{"series of other programs", `a * on (instance) group_left (nodename) node_uname_info`, ""},
	{"a number", `app_service:thorbis_slo_budget:ratio > 2 * time()`, ""},
	{"a value fixed by a matcher", `a * on (slo) group_left () app_service:thorbis_slo_budget:ratio` +
		`{environment="e",app_service="a",owner="o",page="p"}`, ""},
}

func TestOneEach(t *testing.T) {
	for _, c := range oneEachCases {
		if c.want == "" {
			c.want = c.expr
		}
		if got, err := OneEach(c.expr); err != nil || got != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.what, err, got, c.want)
		}
	}
	if _, err := OneEach("a * on ("); err == nil {
		t.Error("an invalid expression is changed")
	}
}

// FuzzOneEach checks that any expression stays one, as queries of a policy pass through it, too, and that nothing
// changes twice.
func FuzzOneEach(f *testing.F) {
	for _, c := range oneEachCases {
		f.Add(c.expr)
	}
	f.Add(`label_replace(up, ("a"), "$1", "b", "(.*)") - ignoring (a) max without () (thorbis_build_info)`)
	f.Fuzz(func(t *testing.T, expr string) {
		got, err := OneEach(expr)
		if err != nil {
			return
		}
		again, err := OneEach(got)
		if err != nil || again != got {
			t.Errorf("%s became %s and then %s, %v", expr, got, again, err)
		}
	})
}
