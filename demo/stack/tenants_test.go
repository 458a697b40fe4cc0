package stack

import (
	"strings"
	"testing"
)

func TestTenants(t *testing.T) {
	all := tenants(40)
	tiers, seen := map[string]int{}, map[string]bool{}
	for _, tenant := range all {
		tiers[tenant.tier]++
		seen[tenant.name] = true
	}
	if len(all) != 40 || len(seen) != 40 || len(tiers) != 3 || tiers[enterprise] >= tiers[standard] {
		t.Errorf("%d tenants with %d names in tiers %v, want 40 in three tiers, the fewest in enterprise",
			len(all), len(seen), tiers)
	}
	if few := names(tenants(0)); strings.Join(few, " ") != "acme globex initech umbrella" {
		t.Errorf("few tenants are %v", few)
	}
	if more := tenants(1000); len(more) != 1000 || more[39] != all[39] || more[999].name != "tenant-01000" {
		t.Errorf("of %d tenants the last is %v", len(more), more[len(more)-1])
	}
	if got := registry(tenants(0)); !strings.Contains(got, "  - {name: initech, tier: standard}\n") {
		t.Errorf("the registry is\n%s", got)
	}
}
