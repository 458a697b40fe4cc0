package config

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// ReferenceTarget is something elsewhere that answers whenever our own network works.
type ReferenceTarget struct {
	Target string `yaml:"target"`
	Module string `yaml:"module"`
}

// referenceNames are looked up by default when the name of a check does not resolve: two that resolve wherever the
// internet's names do, run by different people.
var referenceNames = []string{"www.cloudflare.com", "www.google.com"}

// maxReferences bounds reference targets, and reference names: all are asked while checks fail.
const maxReferences = 20

// dnsNameRE is a name of at least two labels as DNS has it (RFC 1123, section 2.1).
var dnsNameRE = regexp.MustCompile(
	`^([a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`)

// ReferenceNames returns the names by which the exporter finds out whether its own resolver works, and whether the
// policy chose them. The default ones are not used where no check has a name, and none lies in a zone of a check.
func (p *Policy) ReferenceNames() (names []string, chosen bool) {
	if p.Health.ReferenceNames != nil {
		return p.Health.ReferenceNames, true
	}
	zones := p.checkZones()
	if len(zones) == 0 {
		return nil, false
	}
	for _, name := range referenceNames {
		if _, ok := zones[zoneOf(name)]; !ok {
			names = append(names, name)
		}
	}
	return names, false
}

// checkZones returns the zones of the checks' names, and of each the first check in it.
func (p *Policy) checkZones() map[string]string {
	zones := map[string]string{}
	for _, c := range p.Health.Checks {
		m, _ := p.Module(c.Module)
		host := HostOf(m.Prober, strings.ReplaceAll(c.Target, "{tenant}", "tenant"))
		if !IsName(host) || host == "localhost" {
			continue
		}
		if zone := zoneOf(host); zones[zone] == "" {
			zones[zone] = c.Name
		}
	}
	return zones
}

// zoneOf returns the registered domain of which a name is a part.
func zoneOf(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if zone, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return zone
	}
	return name
}

func (v *validator) references(h Health) {
	if len(h.ReferenceTargets) > maxReferences {
		v.failAt("health.reference_targets", "too many targets (%d): write at most %d", len(h.ReferenceTargets),
			maxReferences)
	}
	for i, r := range h.ReferenceTargets {
		path := fmt.Sprintf("health.reference_targets[%d]", i)
		if r.Target == "" {
			v.failAt(path, "missing target: write what to probe, like https://example.com/healthz")
		}
		v.module(path+".module", r.Module)
		v.checkTarget(path+".target", r.Target, r.Module)
	}
	if len(h.ReferenceNames) > maxReferences {
		v.failAt("health.reference_names", "too many names (%d): write at most %d", len(h.ReferenceNames), maxReferences)
	}
	zones := v.policy.checkZones()
	for i, name := range h.ReferenceNames {
		path := fmt.Sprintf("health.reference_names[%d]", i)
		if len(name) > 253 || !IsName(name) || !dnsNameRE.MatchString(name) {
			v.failAt(path, "invalid name %q: write a name that the resolver looks up, like www.example.com", name)
			continue
		}
		if check, ok := zones[zoneOf(name)]; ok {
			v.failAt(path, "%s is in the zone of check %s (%s), so both fail together: "+
				"write a name that another operator runs", name, check, zoneOf(name))
		}
	}
}

// referenceWarnings warns of a policy by which a failure of the exporter's own reads as an outage of everything.
func (v *validator) referenceWarnings(h Health) {
	if len(h.Checks) > 0 && len(h.ReferenceTargets) == 0 {
		v.warn("health", "no reference_targets: a loss of the exporter's own network will read as an outage of every target")
	}
	if names, _ := v.policy.ReferenceNames(); len(names) == 0 && len(v.policy.checkZones()) > 0 {
		v.warn("health", "no reference_names: "+
			"a failure of the exporter's own resolver will read as an outage of every target that has a name")
	}
}
