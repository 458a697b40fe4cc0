package vendor

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// incidentIOPath is where a page of incident.io has the summary that widgets read.
const incidentIOPath = "/api/v1/summary"

// widget is that document, as far as it is read. It lists components only where something is the matter with them, and
// does not say when an incident began, only when it was last written about.
type widget struct {
	OngoingIncidents *[]struct {
		Name     string `json:"name"`
		Status   string `json:"status"`
		Impact   string `json:"current_worst_impact"`
		URL      string `json:"url"`
		UpdateAt string `json:"last_update_at"`
		Affected []struct {
			ID     string `json:"id"`
			Name   string `json:"name"`
			Status string `json:"current_status"`
		} `json:"affected_components"`
	} `json:"ongoing_incidents"`
	InProgress []struct {
		Name      string `json:"name"`
		StartedAt string `json:"started_at"`
		EndAt     string `json:"scheduled_end_at"`
		Affected  []struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"affected_components"`
	} `json:"in_progress_maintenances"`
	Scheduled []struct {
		Name     string `json:"name"`
		StartsAt string `json:"starts_at"`
		EndsAt   string `json:"ends_at"`
	} `json:"scheduled_maintenances"`
}

// impactsOfStates are how bad an incident is whose worst state is known.
var impactsOfStates = map[string]string{
	metric.VendorOperational: metric.VendorImpactNone, metric.VendorMaintained: metric.VendorImpactNone,
	metric.VendorDegraded: metric.VendorImpactMinor, metric.VendorPartial: metric.VendorImpactMajor,
	metric.VendorMajor: metric.VendorImpactCritical,
}

// parseIncidentIO reads a summary of incident.io. The page is in the worst state of its open incidents.
func parseIncidentIO(text []byte, now time.Time) (*page, error) {
	var w widget
	if err := json.Unmarshal(text, &w); err != nil {
		return nil, err
	}
	if w.OngoingIncidents == nil {
		return nil, errors.New("no ongoing_incidents: it is not the summary of incident.io; " +
			"write another format or status_page")
	}
	p := &page{state: metric.VendorOperational}
	for _, i := range *w.OngoingIncidents {
		if i.Status == "resolved" {
			continue
		}
		state := known(i.Impact, componentStates, metric.VendorUnknown)
		p.state = worse(p.state, state)
		at := past(i.UpdateAt, now)
		if at.After(p.updated) {
			p.updated = at
		}
		p.incidents = append(p.incidents, Incident{
			Name: short(i.Name), Impact: known(state, impactsOfStates, metric.VendorImpactUnknown), Began: at,
			Link: short(i.URL),
		})
		for _, c := range i.Affected {
			p.components = append(p.components, component{c.ID, c.Name, known(c.Status, componentStates, state)})
		}
	}
	for _, m := range w.InProgress {
		p.state = worse(p.state, metric.VendorMaintained)
		p.maintenances = append(p.maintenances, Maintenance{short(m.Name), past(m.StartedAt, now), plausible(m.EndAt, now)})
		for _, c := range m.Affected {
			p.components = append(p.components, component{c.ID, c.Name, metric.VendorMaintained})
		}
	}
	for _, m := range w.Scheduled {
		p.maintenances = append(p.maintenances, Maintenance{
			short(m.Name), plausible(m.StartsAt, now), plausible(m.EndsAt, now),
		})
	}
	return p, p.check()
}
