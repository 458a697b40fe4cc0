package stack

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Tiers of the policy; the last is only in the one of a demonstration with many tenants.
const (
	enterprise = "enterprise"
	standard   = "standard"
	free       = "free"
)

// fewTenants are those of a platform that is to be understood at a glance.
var fewTenants = []tenant{
	{"acme", enterprise}, {"globex", enterprise}, {"initech", standard}, {"umbrella", standard},
}

// others are the names of further tenants, the larger first. Large tenants buy more.
var others = strings.Fields(`hooli stark wayne cyberdyne tyrell soylent wonka aperture massive dunder vandelay pied
	gringotts monsters oscorp lexcorp weyland initrode virtucon sirius acorn bluth duff genco kruger krusty nakatomi
	omni oceanic prestige rekall spacely strickland sterling wernham zorg`)

// tenant is an entry of the registry of tenants.
type tenant struct{ name, tier string }

// tenants returns so many tenants of the platform, those with the most requests first. Beyond a few there are three
// tiers.
func tenants(n int) []tenant {
	all := slices.Clone(fewTenants)
	for i := range n - len(all) {
		name := fmt.Sprintf("tenant-%05d", len(all)+1)
		if i < len(others) {
			name = others[i]
		}
		tier := free
		switch {
		case i < 6:
			tier = enterprise
		case i < 18:
			tier = standard
		}
		all = append(all, tenant{name, tier})
	}
	return all
}

// names returns the names of tenants.
func names(all []tenant) []string {
	out := make([]string, len(all))
	for i, t := range all {
		out[i] = t.name
	}
	return out
}

// registry writes the file that the policy names under tenants.registry.
func registry(all []tenant) string {
	var b strings.Builder
	b.WriteString("tenants:\n")
	for _, t := range slices.SortedFunc(slices.Values(all), func(a, b tenant) int { return cmp.Compare(a.name, b.name) }) {
		fmt.Fprintf(&b, "  - {name: %s, tier: %s}\n", t.name, t.tier)
	}
	return b.String()
}
