package config

import (
	"slices"
	"strings"
	"testing"
)

// The names that distinguish a failing resolver from an outage lie outside the zones of the checks.
func TestReferenceNames(t *testing.T) {
	check := func(target string) string {
		return "  checks: [{name: a, app_service: web, target: '" + target + "'}]\n"
	}
	for name, tc := range map[string]struct {
		health string
		want   []string
		chosen bool
	}{
		"by default":     {check("https://shop.example.com"), referenceNames, false},
		"only addresses": {check("https://192.0.2.1"), nil, false},
		"only this host": {check("http://localhost:80"), nil, false},
		"own": {
			"  reference_names: [example.org]\n" + check("https://shop.example.com"), []string{"example.org"}, true,
		},
		"none":                    {"  reference_names: []\n" + check("https://shop.example.com"), []string{}, true},
		"default that is a check": {check("https://google.com"), referenceNames[:1], false},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := with(t, tc.health)
			if err != nil {
				t.Fatal(err)
			}
			if got, chosen := p.ReferenceNames(); !slices.Equal(got, tc.want) || chosen != tc.chosen {
				t.Errorf("%v, chosen %v", got, chosen)
			}
		})
	}
	for name, want := range map[string]string{
		"status.example.com": "in the zone of check a (example.com)",
		"192.0.2.1":          "write a name that the resolver looks up",
		"resolver":           "write a name that the resolver looks up",
		"two words.com":      "write a name that the resolver looks up",
	} {
		_, err := with(t, "  reference_names: ['"+name+"']\n"+check("https://shop.example.com"))
		if err == nil || !strings.Contains(err.Error(), "p.yaml:6: health.reference_names[0]: ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p, err := with(t, "  reference_names: []\n"+check("https://shop.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	missing := func(w Warning) bool { return strings.Contains(w.Msg, "no reference_names") }
	if w := p.Warnings(); !slices.ContainsFunc(w, missing) {
		t.Errorf("no warning among %v", w)
	}
}
