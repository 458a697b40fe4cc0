package config

import (
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// A policy that names no time zone counts days in UTC, and has the hash that it had before there was the key.
func TestTimeZoneOfTheSLA(t *testing.T) {
	plain := loadedFrom(t, minimal+"sla: {availability: 99.9%}\n")
	if zone := plain.SLA.Zone(); zone != time.UTC {
		t.Errorf("without a time zone it is %s", zone)
	}
	if text, err := yamlOf(plain.SLA); err != nil || text != "availability: 99.9%\n" {
		t.Errorf("hashed as %q, %v", text, err)
	}
	berlin := loadedFrom(t, minimal+"sla: {availability: 99.9%, time_zone: Europe/Berlin}\n")
	if zone := berlin.SLA.Zone(); zone.String() != "Europe/Berlin" {
		t.Errorf("the time zone is %s", zone)
	}
	if plain.Hash() == berlin.Hash() {
		t.Error("the hash does not depend on the time zone")
	}
	if _, err := loadText(t, minimal+"sla: {time_zone: Mars}\n"); err == nil {
		t.Error("an unknown time zone is accepted")
	}
}

func yamlOf(v any) (string, error) {
	text, err := yaml.Marshal(v)
	return string(text), err
}

// The contract's keys are read, and one without them has the hash that it had before there were any.
func TestContractOfTheSLA(t *testing.T) {
	p := loadedFrom(t, minimal+`sla:
  availability: 99.99%
  credits: [{below: 99.99%, credit: 10%}, {below: 99%, credit: 25%}, {below: 95%, credit: 100%}]
  minimum_outage: 1m
  maintenance_notice: 3d
  maintenance_cap: 8h
`)
	s := p.SLA
	if len(s.Credits) != 3 || s.Credits[2].Credit.Percent() != "100%" || s.Credits[1].Below.Percent() != "99%" ||
		s.MinimumOutage != Duration(time.Minute) || s.MaintenanceNotice != Duration(72*time.Hour) ||
		s.MaintenanceCap != Duration(8*time.Hour) || s.Claim() != 30*24*time.Hour {
		t.Errorf("%+v", s)
	}
	if text, err := yamlOf(s); err != nil || !strings.Contains(text, "credit: 100%") ||
		strings.Contains(text, "claim_within") || strings.Contains(text, "time_zone") {
		t.Errorf("hashed as %q, %v", text, err)
	}
	if got := loadedFrom(t, minimal+"sla: {claim_within: 60d}\n").SLA.Claim(); got != 60*24*time.Hour {
		t.Errorf("to claim within %s", got)
	}
}

// What a contract cannot mean is refused with file, line and cure.
func TestContractsThatAreRefused(t *testing.T) {
	for section, want := range map[string]string{
		"{credits: [{below: 99%, credit: 10%}]}":                        ": sla.credits: missing sla.availability",
		"{availability: 99.9%, credits: [{below: 99.95%, credit: 1%}]}": `write at most sla.availability, which is 99.9%`,
		"{availability: 99.9%, credits: [{below: 99%, credit: 101%}]}":  `invalid share "101%": write more than 0 and`,
		"{availability: 99.9%, credits: [{credit: 10%}]}":               "sla.credits[0]: missing below",
		"{availability: 99.9%, credits: [{below: 99%}]}":                "sla.credits[0]: missing credit",
		"{availability: 99.9%, credits: [{below: 99%, credit: 10%}, {below: 99%, credit: 20%}]}": `write less than in the ` +
			"band before, which is 99%",
		"{availability: 99.9%, credits: [{below: 99%, credit: 10%}, {below: 98%, credit: 10%}]}": `write more than in the ` +
			"band before, which is 10%",
		"{minimum_outage: 2d}":     "sla.minimum_outage: invalid duration \"2d\": write 0s to 1d",
		"{maintenance_notice: 1y}": "sla.maintenance_notice: invalid duration",
		"{maintenance_cap: 32d}":   "sla.maintenance_cap: invalid duration",
		"{claim_within: 1h}":       "sla.claim_within: invalid duration \"1h\": write 1d to",
		"{credit: 10%}":            "did you mean credits?",
	} {
		_, err := loadText(t, minimal+"sla: "+section+"\n")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", section, err, want)
		} else if !strings.Contains(err.Error(), "p.yaml:8: ") {
			t.Errorf("%s: %v names no line", section, err)
		}
	}
}

// A window says when it was announced; without it policies keep their hash.
func TestAnnouncedMaintenance(t *testing.T) {
	window := "maintenance: [{name: upgrade, from: 2026-10-10T01:00:00Z, to: 2026-10-10T02:00:00Z%s}]\n"
	plain := loadedFrom(t, minimal+strings.ReplaceAll(window, "%s", ""))
	announced := loadedFrom(t, minimal+strings.ReplaceAll(window, "%s", ", announced: 2026-10-01T12:00:00Z"))
	if text, err := yamlOf(plain.Maintenance[0]); err != nil || strings.Contains(text, "announced") {
		t.Errorf("hashed as %q, %v", text, err)
	}
	if plain.Hash() == announced.Hash() || announced.Maintenance[0].Announced.Day() != 1 {
		t.Errorf("%+v", announced.Maintenance[0])
	}
}
