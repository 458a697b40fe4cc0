package vendor

import (
	"cmp"
	"encoding/json"
	"errors"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// statuspagePath is where version 2 of Atlassian Statuspage's API has the summary of a page.
const statuspagePath = "/api/v2/summary.json"

// summary is the document of /api/v2/summary.json, as far as it is read. Pages of other makers leave keys out.
type summary struct {
	Page *struct {
		UpdatedAt string `json:"updated_at"`
	} `json:"page"`
	Status *struct {
		Indicator string `json:"indicator"`
	} `json:"status"`
	Components []struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		Status string `json:"status"`
	} `json:"components"`
	Incidents []struct {
		Name       string `json:"name"`
		Status     string `json:"status"`
		Impact     string `json:"impact"`
		CreatedAt  string `json:"created_at"`
		StartedAt  string `json:"started_at"`
		ResolvedAt string `json:"resolved_at"`
		Shortlink  string `json:"shortlink"`
	} `json:"incidents"`
	Maintenances []struct {
		Name           string `json:"name"`
		Status         string `json:"status"`
		ScheduledFor   string `json:"scheduled_for"`
		ScheduledUntil string `json:"scheduled_until"`
	} `json:"scheduled_maintenances"`
}

// indicators are the states of a whole page. maintenance is not documented; pages show it during a maintenance.
var indicators = map[string]string{
	"none": metric.VendorOperational, "maintenance": metric.VendorMaintained, "minor": metric.VendorDegraded,
	"major": metric.VendorPartial, "critical": metric.VendorMajor,
}

var componentStates = map[string]string{
	"operational": metric.VendorOperational, "under_maintenance": metric.VendorMaintained,
	"degraded_performance": metric.VendorDegraded, "partial_outage": metric.VendorPartial,
	"major_outage": metric.VendorMajor,
	"full_outage":  metric.VendorMajor, // what incident.io calls it
}

// impacts of incidents. maintenance is that of a maintenance.
var impacts = map[string]string{
	"none": metric.VendorImpactNone, "maintenance": metric.VendorImpactNone, "minor": metric.VendorImpactMinor,
	"major": metric.VendorImpactMajor, "critical": metric.VendorImpactCritical,
}

// parseStatuspage reads a summary of Statuspage. A group, which repeats the worst of its components, is read like one.
func parseStatuspage(text []byte, now time.Time) (*page, error) {
	var s summary
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, err
	}
	if s.Status == nil {
		return nil, errors.New(`no status: it is not the summary of a Statuspage; write another format or status_page`)
	}
	p := &page{state: known(s.Status.Indicator, indicators, metric.VendorUnknown), listed: true}
	if s.Page != nil {
		p.updated = plausible(s.Page.UpdatedAt, now)
	}
	for _, c := range s.Components {
		p.components = append(p.components, component{c.ID, c.Name, known(c.Status, componentStates, metric.VendorUnknown)})
	}
	for _, i := range s.Incidents {
		if i.Status == "resolved" || i.Status == "postmortem" || i.Status == "completed" || i.ResolvedAt != "" {
			continue
		}
		p.incidents = append(p.incidents, Incident{
			Name: short(i.Name), Impact: known(i.Impact, impacts, metric.VendorImpactUnknown),
			Began: past(cmp.Or(i.StartedAt, i.CreatedAt), now), Link: short(i.Shortlink),
		})
	}
	for _, m := range s.Maintenances {
		if m.Status != "completed" {
			p.maintenances = append(p.maintenances, Maintenance{
				short(m.Name), plausible(m.ScheduledFor, now), plausible(m.ScheduledUntil, now),
			})
		}
	}
	return p, p.check()
}
