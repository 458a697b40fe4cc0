package config

import (
	"strings"
	"testing"
	"time"
)

func init() {
	examples["domains"] = example{
		valid:   "domains: {names: [{name: example.com, expires: 2027-03-01}]}",
		invalid: "domains:\n  names:\n    - {name: Example.com}",
		want:    `p.yaml:4: domains.names[0].name: invalid domain "Example.com": write it in lower case`,
	}
}

func domainsOf(t *testing.T, section string) *Policy {
	t.Helper()
	p, err := parseStream(t.Context(), "policy.yaml", strings.NewReader(`version: 1
channels: {deadman: none}
services: [{name: web, owner: sre}]
health: {checks: [{name: home, app_service: web, target: "https://www.example.com/"}]}
`+section))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Without the section nothing is watched; an empty one watches the domains of checks and tenants.
func TestDomains(t *testing.T) {
	if d := domainsOf(t, "").Domains(); d != nil {
		t.Errorf("without the section %+v", d)
	}
	if d := domainsOf(t, "domains:").Domains(); d != nil {
		t.Errorf("with an unwritten section %+v", d)
	}
	d := domainsOf(t, "domains: {}").Domains()
	if d == nil || !*d.Checks || !*d.Tenants || d.Limit != 500 || d.Interval != Duration(24*time.Hour) ||
		d.Spacing != Duration(5*time.Second) ||
		d.WarnBefore != Duration(30*24*time.Hour) || d.UrgentBefore != Duration(7*24*time.Hour) ||
		d.Bootstrap.URL != ianaBootstrap {
		t.Errorf("the defaults are %+v", d)
	}
	d = domainsOf(t, "domains: {checks: false, warn_before: 5d, bootstrap: {file: dns.json}, names: [{name: example.org, "+
		"expires: 2027-03-01}]}").Domains()
	if *d.Checks || d.UrgentBefore != d.WarnBefore || d.Bootstrap.URL != "" ||
		!strings.HasSuffix(d.Bootstrap.File, "dns.json") ||
		!d.Names[0].Expires.Equal(time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("what is written is %+v", d)
	}
}

// The date by hand is part of what the policy means, so that rules and exporters of another date differ.
func TestDomainsAreHashed(t *testing.T) {
	one := domainsOf(t, "domains: {names: [{name: example.org, expires: 2027-03-01}]}").Hash()
	if again := domainsOf(t, "domains: {names: [{name: example.org, expires: 2027-03-01}]}").Hash(); again != one {
		t.Error("the same policy has two hashes")
	}
	for _, other := range []string{"", "domains: {}", "domains: {names: [{name: example.org, expires: 2028-03-01}]}"} {
		if domainsOf(t, other).Hash() == one {
			t.Errorf("%q has the hash of another policy", other)
		}
	}
}

func TestDomainsCost(t *testing.T) {
	before := Estimate(domainsOf(t, ""), 100)
	after := Estimate(domainsOf(t, "domains: {limit: 50, interval: 1h}"), 100)
	if series, calls := after.Series-before.Series,
		after.APICallsPerHour-before.APICallsPerHour; series != 50*seriesPerDomain || calls != 50 {
		t.Errorf("50 domains cost %d series and %d calls an hour", series, calls)
	}
}

func TestDate(t *testing.T) {
	var d Date
	if err := d.UnmarshalText([]byte("2027-03-01")); err != nil || d.Format(time.RFC3339) != "2027-03-01T00:00:00Z" {
		t.Errorf("%s, %v", d, err)
	}
	for _, text := range []string{"", "soon", "2027-02-30", "2027-03-01T00:00:00Z", "01.03.2027"} {
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a date", text)
		}
	}
}
