package config

import (
	"strings"
	"testing"
	"time"
)

func init() {
	examples["vendors"] = example{
		valid:   "vendors: [{name: supabase, promise: 99.9%}]",
		invalid: "vendors:\n  - {name: acme}",
		want:    `p.yaml:3: vendors[0].status_page: missing address: write it like https://status.example.com/`,
	}
}

func vendorsOf(t *testing.T, section string) (*Policy, error) {
	t.Helper()
	return parseStream(t.Context(), "policy.yaml", strings.NewReader(`version: 1
channels: {deadman: none}
services: [{name: web, owner: sre}, {name: docs, owner: writers, page: P3}]
`+section))
}

func TestVendors(t *testing.T) {
	p, err := vendorsOf(t, `vendors:
  - {name: github}
  - {name: acme, status_page: "https://status.acme.example/feed.xml", format: feed, affects: [docs], interval: 5m}
`)
	if err != nil {
		t.Fatal(err)
	}
	all := p.Vendors()
	if v := all[0]; v.StatusPage != "https://www.githubstatus.com/" || v.Format != VendorStatuspage ||
		v.Interval != Duration(time.Minute) || v.Owner != "" || !v.Promise.IsZero() {
		t.Errorf("the defaults are %+v", v)
	}
	if v := all[1]; v.Owner != "writers" || v.Format != VendorFeed || v.Interval != Duration(5*time.Minute) {
		t.Errorf("what is written is %+v", v)
	}
	without, err := vendorsOf(t, "")
	if err != nil || without.Vendors() != nil || without.Hash() == p.Hash() {
		t.Errorf("%v, %v", without.Vendors(), err)
	}
	if cost := Estimate(p, 0).APICallsPerHour - Estimate(without, 0).APICallsPerHour; cost != 72 {
		t.Errorf("%d calls an hour", cost)
	}
}

func TestInvalidVendors(t *testing.T) {
	for _, x := range []struct{ section, want string }{
		{"[null]", "vendors[0].name: missing name"},
		{"[{name: a b}]", "vendors[0].name: "},
		{"[{name: github}, {name: github}]", "vendors[1].name: "},
		{`[{name: x, status_page: "ftp://x"}]`, "vendors[0].status_page: invalid address"},
		{`[{name: x, status_page: "https://u:p@x/"}]`, "vendors[0].status_page: invalid address"},
		{"[{name: github, format: json}]", `vendors[0].format: `},
		{`[{name: x, status_page: "https://x/", format: feed, components: [API]}]`, "vendors[0].components: a feed has none"},
		{`[{name: github, components: [""]}]`, "vendors[0].components[0]: invalid component"},
		{`[{name: github, components: [API, API]}]`, "vendors[0].components[1]: "},
		{"[{name: github, affects: [wbe]}]", `vendors[0].affects[0]: `},
		{"[{name: github, promise: 100%}]", "invalid ratio"},
		{"[{name: github, interval: 10s}]", "vendors[0].interval: "},
		{"[" + strings.Repeat("{name: github}, ", maxVendors) + "{name: github}]", "vendors: too many vendors (51)"},
	} {
		if _, err := vendorsOf(t, "vendors: "+x.section); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%.80s: %v, want %q", x.section, err, x.want)
		}
	}
}
