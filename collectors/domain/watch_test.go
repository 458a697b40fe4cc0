package domain

import (
	"fmt"
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
)

// policy loads a policy with a section on domains and more.
func policy(t *testing.T, text string) *config.Policy {
	t.Helper()
	return policytest.Load(t, t.TempDir(), `version: 1
channels: {deadman: none}
services:
  - {name: web, owner: sre, page: P1}
  - {name: reports, owner: data, page: P3}
tiers:
  enterprise: {tenant_page: P2}
  free: {}
`+text)
}

func names(list []watched) []string {
	var all []string
	for _, w := range list {
		all = append(all, w.name)
	}
	return all
}

const checks = `
health:
  checks:
    - {name: home, app_service: web, target: "https://www.thorbis.com/healthz"}
    - {name: reports, app_service: reports, target: "https://reports.thorbis.com/"}
    - {name: data, app_service: reports, target: "db.thorbis.net:5432", module: tcp_connect}
    - {name: address, app_service: web, target: "https://192.0.2.1/"}
    - {name: private, app_service: web, target: "https://web.internal/"}
    - {name: each, app_service: web, target: "https://{tenant}.thorbis.app/", per_tenant: {}}
tenants: {registry: {file: tenants.yaml}}
`

// The domains of health checks have the use that pages most urgently; those of tenants page as one tenant of their
// tier does.
func TestWatch(t *testing.T) {
	p := policy(t, checks+`
domains:
  names:
    - {name: thorbis.de, expires: 2027-03-01, app_service: reports, page: P2}
    - {name: thorbis.net}
    - {name: thorbis.org}
  exclude: [excluded.com]
`)
	registered := []tenants.Tenant{
		{Name: "acme", Tier: "free", Hosts: []string{"shop.acme.co.uk", "acme.excluded.com", "blog.acme.co.uk"}},
		{Name: "big", Tier: "enterprise", Hosts: []string{"shop.both.com", "us.thorbis.com"}},
		{Name: "small", Hosts: []string{"www.both.com"}},
		{Name: "hostless"},
	}
	list, omitted := watch(p, registered)
	want := []watched{
		{"thorbis.de", day(2027, 3, 1), use{"", "reports", "data", "P2"}},
		{name: "thorbis.net", use: use{"", "reports", "data", "P3"}},
		{name: "thorbis.org", use: use{"", "", "", "P1"}},
		{name: "thorbis.app", use: use{"", "web", "sre", "P1"}},
		{name: "thorbis.com", use: use{"", "web", "sre", "P1"}},
		{name: "acme.co.uk", use: use{"acme", "", "", "P4"}},
		{name: "both.com", use: use{"big", "", "", "P2"}},
	}
	if !slices.Equal(list, want) || len(omitted) > 0 {
		t.Errorf("watched\n%+v, omitted %q; want\n%+v", list, omitted, want)
	}
}

func TestWatchNothing(t *testing.T) {
	if list, omitted := watch(policy(t, checks), nil); len(list)+len(omitted) > 0 {
		t.Errorf("without the section %q, omitted %q", names(list), omitted)
	}
	list, _ := watch(policy(t, checks+"domains: {checks: false, tenants: false, names: [{name: a.com}]}"),
		[]tenants.Tenant{{Name: "a", Hosts: []string{"b.com"}}})
	if got := names(list); !slices.Equal(got, []string{"a.com"}) {
		t.Errorf("the policy's own alone: %q", got)
	}
}

// Beyond the limit the tenants' domains are left out first, always the same.
func TestWatchLimit(t *testing.T) {
	p := policy(t, checks+"domains: {limit: 4, names: [{name: z.com}]}")
	var registered []tenants.Tenant
	for i := range 3 {
		registered = append(registered,
			tenants.Tenant{Name: fmt.Sprint("t", i), Hosts: []string{fmt.Sprintf("t%d.com", i), fmt.Sprintf("www.t%d.com", i)}})
	}
	list, omitted := watch(p, registered)
	if got := names(list); !slices.Equal(got, []string{"z.com", "thorbis.app", "thorbis.com", "thorbis.net"}) {
		t.Errorf("watched %q", got)
	}
	if !slices.Equal(omitted, []string{"t0.com", "t1.com", "t2.com"}) {
		t.Errorf("omitted %q", omitted)
	}
}

// A tenant with many domains takes no place from the first of another.
func TestWatchTakesTurns(t *testing.T) {
	p := policy(t, "domains: {checks: false, limit: 4}")
	list, omitted := watch(p, []tenants.Tenant{
		{Name: "many", Hosts: []string{"a1.com", "a2.com", "a3.com", "a4.com", "a5.com"}},
		{Name: "one", Hosts: []string{"z1.com"}},
		{Name: "two", Hosts: []string{"y1.com", "y2.com"}},
	})
	if got := names(list); !slices.Equal(got, []string{"a1.com", "y1.com", "z1.com", "a2.com"}) {
		t.Errorf("watched %q", got)
	}
	if !slices.Equal(omitted, []string{"y2.com", "a3.com", "a4.com", "a5.com"}) {
		t.Errorf("omitted %q", omitted)
	}
}
