package config

import (
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
