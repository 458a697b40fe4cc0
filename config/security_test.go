package config

import (
	"strings"
	"testing"
	"time"
)

func init() {
	examples["security"] = example{
		valid: "security: {scans: [{name: web, reports: [{file: /var/lib/scans/web.json}]}], " +
			"secrets: [{name: key, expires: 2027-03-01}], " +
			"access: [{name: hub, github: {members: /m.json}}, {name: roles, postgres: {dsn_env: DSN}}]}",
		invalid: "security:\n  scans: [{name: web}]",
		want:    "p.yaml:3: security.scans[0].reports: missing reports: write what scanners write",
	}
}

func TestSecurity(t *testing.T) {
	p, err := vendorsOf(t, `security:
  known_exploited: scans/kev.json
  max_age: {critical: 1d}
  scans:
    - {name: image, app_service: docs, reports: [{file: /var/lib/scans/docs.json}], vex: [./docs.vex.json]}
    - {name: all, owner: security, page: P2, interval: 1d, reports: [{file: a.json, format: trivy}, {file: b.json}]}
`)
	if err != nil {
		t.Fatal(err)
	}
	s := p.Security()
	if s.MaxAge.Critical.Std() != 24*time.Hour || s.MaxAge.High.Std() != 30*24*time.Hour ||
		s.ExploitedMaxAge != Duration(48*time.Hour) {
		t.Errorf("ages %+v, %s", s.MaxAge, s.ExploitedMaxAge)
	}
	one, two := s.Scans[0], s.Scans[1]
	if one.Owner != "writers" || one.Page != "P3" || one.Interval != Duration(time.Hour) ||
		one.Reports[0].Format != ScanAuto || one.Reports[0].Name() != "docs.json" || one.VEX[0] != "docs.vex.json" {
		t.Errorf("the defaults are %+v", one)
	}
	if two.Owner != "security" || two.Page != "P2" || two.Interval != Duration(24*time.Hour) ||
		two.Reports[0].Format != ScanTrivy || s.KnownExploited != "scans/kev.json" {
		t.Errorf("what is written is %+v", two)
	}
	without, err := vendorsOf(t, "")
	if err != nil || without.Security() != nil || without.Hash() == p.Hash() {
		t.Errorf("%v, %v", without.Security(), err)
	}
	if cost := Estimate(p, 0).Series - Estimate(without, 0).Series; cost < 2*seriesPerScan {
		t.Errorf("%d series", cost)
	}
	owned, err := vendorsOf(t, `owners: {security: {notify: []}}
security: {scans: [{name: x, app_service: docs, reports: [{file: x.json}]}]}`)
	if err != nil || owned.Security().Scans[0].Owner != "security" || owned.Security().Scans[0].Page != "P3" {
		t.Errorf("%v", err)
	}
	plain, err := vendorsOf(t, "security: {scans: [{name: x, reports: [{file: x.json}]}]}")
	if err != nil || plain.Security().MaxAge.Low != 0 ||
		plain.Security().Scans[0].Page != "P2" {
		t.Errorf("%v", err)
	}
}

func TestInvalidSecurity(t *testing.T) {
	for _, x := range []struct{ section, want string }{
		{"[null]", "security.scans[0].name: missing name"},
		{"[{name: a b, reports: [{file: x}]}]", "security.scans[0].name: "},
		{"[{name: a, reports: [{file: x}]}, {name: a, reports: [{file: x}]}]", "security.scans[1].name: "},
		{"[{name: a, app_service: wbe, reports: [{file: x}]}]", "security.scans[0].app_service: "},
		{"[{name: a, page: P9, reports: [{file: x}]}]", "security.scans[0].page: "},
		{"[{name: a, interval: 1s, reports: [{file: x}]}]", "security.scans[0].interval: "},
		{"[{name: a, reports: [{format: trivy}]}]", "security.scans[0].reports[0].file: missing file"},
		{"[{name: a, reports: [{file: x, format: clair}]}]", "security.scans[0].reports[0].format: "},
		{"[{name: a, reports: [{file: a/x}, {file: b/x}]}]", "security.scans[0].reports[1].file: "},
		{"[{name: a, reports: [" + strings.Repeat("{file: x}, ", maxScanReports) + "{file: y}]}]", "too many reports (11)"},
	} {
		if _, err := vendorsOf(t, "security: {scans: "+x.section+"}"); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%.80s: %v, want %q", x.section, err, x.want)
		}
	}
}
