package sla

import (
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/report"
)

// A check that was hardly judged may have been down for longer than the worst one: the report says so.
func TestChecksThatWereHardlyJudged(t *testing.T) {
	s := newSeeded(t)
	if defects := s.finished("").Method.Defects; len(defects) != 0 {
		t.Fatalf("%q", defects)
	}
	api := &s.targets[2]
	api.Days = api.Days[:5]
	defects := strings.Join(s.finished("").Method.Defects, "\n")
	if !strings.Contains(defects, "than the worst one: api-health (9.664 %).") {
		t.Errorf("%q", defects)
	}
}

// A report leaves drills out of its incidents.
func TestDrillsAreNoIncidentsOfAContract(t *testing.T) {
	s := newSeeded(t)
	at := s.at("10-05 12:00:00")
	over := at.Add(time.Hour)
	r := s.builder().Build(Subject{Incidents: []report.Incident{
		{ID: "a", AppService: "web", Began: at, Resolved: &over},
		{ID: "b", AppService: "web", Began: at, Resolved: &over, Drill: true},
	}})
	if len(r.Incidents) != 1 || r.Incidents[0].ID != "a" {
		t.Errorf("%+v", r.Incidents)
	}
}

// A tenant's report has the alerts on the tenant, those on its services as a whole, and none on another tenant.
func TestIncidentsOfATenant(t *testing.T) {
	s := newSeeded(t)
	at := s.at("10-05 12:00:00")
	over := at.Add(time.Hour)
	incident := func(id, alert, service, tenant string) report.Incident {
		return report.Incident{ID: id, Alert: alert, AppService: service, Tenant: tenant, Began: at, Resolved: &over}
	}
	all := []report.Incident{
		incident("a", "ThorbisTenantDown", "web", "acme"), incident("b", "ThorbisTenantDown", "web", "newco"),
		incident("c", "ThorbisCheckDown", "web", ""), incident("d", "ThorbisTenantDown", "web", ""),
		incident("e", "ThorbisCheckDown", "web", "newco"), incident("f", "ThorbisCheckDown", "other", ""),
	}
	for tenant, want := range map[string]string{"acme": "ac", "newco": "bce", "": "abcde"} {
		subject := Subject{}
		if tenant != "" {
			subject = s.subject(tenant)
		}
		if tenant == "newco" {
			subject.Memberships = nil // for all of the month
		}
		subject.Incidents = all
		got := ""
		for _, i := range s.builder().Build(subject).Incidents {
			got += i.ID
		}
		if got != want {
			t.Errorf("%q: %s, want %s", tenant, got, want)
		}
	}
}
