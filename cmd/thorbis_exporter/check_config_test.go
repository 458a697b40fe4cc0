package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// costOf returns the numbers that check-config --cost prints, by their names.
func costOf(t *testing.T, args ...string) (head string, numbers map[string]int, out string) {
	t.Helper()
	code, out, errs := call(t, append([]string{"check-config", "--cost"}, args...)...)
	if code != 0 {
		t.Fatalf("%d %s", code, errs)
	}
	numbers = map[string]int{}
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "cost with ") {
			head = strings.TrimSpace(line)
		}
		for _, name := range []string{"series of tenants", "series", "probes per month", "API calls per hour"} {
			if rest, ok := strings.CutPrefix(line, "  "+name+"  "); ok {
				var n int
				if _, err := fmt.Sscan(rest, &n); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				numbers[name] = n
				break
			}
		}
	}
	return head, numbers, out
}

const costPolicy = `version: 1
channels: {deadman: none}
services: [{name: web, owner: sre}]
health:
  checks:
    - {name: home, app_service: web, target: "http://127.0.0.1:1/"}
    - {name: each, app_service: web, target: "http://127.0.0.1:1/{tenant}", per_tenant: {interval: 5m}}
`

// The cost is that of the tenants there are; the flag overrides them.
func TestCostOfTheRegistrysTenants(t *testing.T) {
	const (
		month    = 30 * 24 * 60 * 60
		perCheck = month / 30
		perEach  = month / 300
	)
	expect := func(name, of string, tenants int, args ...string) string {
		t.Helper()
		head, numbers, out := costOf(t, append(args, "--config.file="+name)...)
		if want := fmt.Sprintf("cost with %d tenants (%s", tenants, of); !strings.HasPrefix(head, want) {
			t.Errorf("%q, want %q", head, want)
		}
		if got, want := numbers["probes per month"], perCheck+tenants*perEach; got != want {
			t.Errorf("%d probes a month with %d tenants, want %d", got, tenants, want)
		}
		if got, want := numbers["series"], 2*38+(1+tenants)*18; got != want {
			t.Errorf("%d series with %d tenants, want %d", got, tenants, want)
		}
		return out
	}
	name := policytest.File(t, t.TempDir(), costPolicy+"tenants: {registry: {file: tenants.yaml}}\n")
	testkit.WriteFile(t, filepath.Join(filepath.Dir(name), "tenants.yaml"), "tenants: [{name: a}, {name: b}, {name: c}]")
	expect(name, "from the registry", 3)
	expect(name, "from --tenants", 2, "--tenants=2")
	expect(name, "from --tenants", 0, "--tenants=0")

	dsn := filepath.Join(t.TempDir(), "dsn")
	name = policytest.File(t, t.TempDir(),
		costPolicy+"tenants: {registry: {postgres: {dsn_file: "+dsn+", query: \"select name, tier from tenants\"}}}\n")
	testkit.WriteFile(t, dsn, "host=/nowhere-at-all user=x password=s3cr3t")
	out := expect(name, "assumed, because the registry could not be read", assumedTenants)
	if !strings.Contains(out, "warning: the tenant registry cannot be read") || strings.Contains(out, "s3cr3t") {
		t.Errorf("a registry that does not answer:\n%s", out)
	}
	server := postgrestest.Start(t)
	server.Query(t, "postgres", "create table tenants(name text, tier text); insert into tenants select 't' || n, "+
		"'gold' from generate_series(1, 7) n")
	testkit.WriteFile(t, dsn, server.DSN("postgres", "postgres"))
	expect(name, "from the registry", 7)
	expect(name, "from --tenants", 5, "--tenants=5")
}

// Without a registry any host may be a tenant: a number is assumed, and said to be.
func TestCostWithoutARegistry(t *testing.T) {
	name := policytest.File(t, t.TempDir(), strings.Replace(costPolicy, "    - {name: each", "    #", 1))
	head, numbers, _ := costOf(t, "--config.file="+name)
	if head != "cost with 100 tenants (assumed; set it with --tenants):" || numbers["probes per month"] != 86400 ||
		numbers["series"] != 38+18 {
		t.Errorf("%s %v", head, numbers)
	}
}
