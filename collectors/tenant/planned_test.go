package tenant

import (
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/policytest"
)

// A service is in planned work during the windows that name it, or nothing in particular.
func TestPlannedWork(t *testing.T) {
	p := policytest.Load(t, t.TempDir(), `version: 1
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}, {name: api, owner: sre, page: P2}]
health: {checks: [{name: home, module: http_2xx, target: "https://example.com", app_service: web}]}
maintenance:
  - {name: all, from: 2026-03-01T10:00:00Z, to: 2026-03-01T11:00:00Z}
  - {name: web, app_services: [web], start: "02:00", duration: 1h, time_zone: UTC}
  - {name: home, checks: [home], from: 2026-03-02T10:00:00Z, to: 2026-03-02T11:00:00Z}
  - {name: acme, tenants: [acme], from: 2026-03-03T10:00:00Z, to: 2026-03-03T11:00:00Z}
`)
	planned, err := planned(p)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][2]bool{
		"2026-03-01T10:30:00Z": {true, true}, "2026-03-01T11:00:00Z": {}, "2026-03-05T02:59:59Z": {true, false},
		"2026-03-02T10:30:00Z": {}, "2026-03-03T10:30:00Z": {},
	} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{planned("web", at), planned("api", at)}; got != want {
			t.Errorf("%s: web and api %v, want %v", text, got, want)
		}
	}
}
