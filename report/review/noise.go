package review

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/report"
)

// Noise is an alert that was notified and that no one acted on.
type Noise struct {
	Alert    string `json:"alert"`
	Priority string `json:"priority"`
	// Incidents is how often it was notified, Ignored how often no one acknowledged it, Brief how often it was over within
	// five minutes.
	Incidents int           `json:"incidents"`
	Ignored   int           `json:"unacknowledged"`
	Brief     int           `json:"brief"`
	Open      report.Length `json:"open_seconds"`
	Proposal  string        `json:"proposal"`
}

// brief is too short for a person to have fixed the cause.
const brief = 5 * time.Minute

// noise groups incidents by alert: those of which at least half were not acknowledged, the most frequent first.
func noise(incidents []report.Incident, until time.Time) []Noise {
	type key struct{ alert, priority string }
	groups := map[key]*Noise{}
	for _, i := range incidents {
		k := key{i.Alert, i.Priority}
		n := groups[k]
		if n == nil {
			n = &Noise{Alert: i.Alert, Priority: i.Priority}
			groups[k] = n
		}
		end := until
		if i.Resolved != nil {
			end = *i.Resolved
		}
		n.Incidents++
		n.Open += report.Length(end.Sub(i.Began))
		if i.Acknowledged == nil && i.Resolved != nil {
			n.Ignored++
		}
		if i.Resolved != nil && end.Sub(i.Began) < brief {
			n.Brief++
		}
	}
	all := []Noise{}
	for n := range maps.Values(groups) {
		if n.Ignored > 0 && 2*n.Ignored >= n.Incidents {
			n.Proposal = proposal(n)
			all = append(all, *n)
		}
	}
	slices.SortFunc(all, func(a, b Noise) int {
		return cmp.Or(cmp.Compare(b.Ignored, a.Ignored), cmp.Compare(a.Alert, b.Alert), cmp.Compare(a.Priority, b.Priority))
	})
	return all
}

// proposals are what to change in the policy where an alert asks for nothing, by alert.
var proposals = map[string]string{
	metric.CheckDownAlert.Name:       "services[].page or health.checks[].page: a less urgent priority for this check",
	metric.TenantDownAlert.Name:      "tiers.<tier>.tenant_page: P4, so that one tenant alone opens a ticket",
	metric.TenantBurnAlert.Name:      "tiers.<tier>.availability: an objective that the tier's tenants really have",
	metric.SLOBurnAlert.Name:         "services[].availability: the objective that is really promised",
	metric.DiskSlowAlert.Name:        "storage.latency: what these disks really need",
	metric.DiskLimitAlert.Name:       "storage.limits: what was really bought",
	metric.NearPeakAlert.Name:        "services[].peak_capacity: what the service really carries",
	metric.ProcedureLateAlert.Name:   "procedures.expected[].grace: longer",
	metric.ProcedureMissedAlert.Name: "procedures.expected[].grace: longer, or take the procedure out",
	metric.CertificateAlert.Name:     "health.certificates.warn_before: shorter, where a program renews certificates",
	metric.BackupMissedAlert.Name:    "backups[].max_age: longer",
}

// proposal is a change of the policy that would have spared the notifications.
func proposal(n *Noise) string {
	if n.Alert == metric.CheckDownAlert.Name && 2*n.Brief >= n.Incidents {
		return "health.confirm.probes: more, because most were over within five minutes"
	}
	if text, ok := proposals[n.Alert]; ok {
		return text
	}
	switch n.Priority {
	case "P1", "P2":
		return "the page of its service, check or backup: P3, which waits for business hours"
	case "P3":
		return "the page of its service, check or backup: P4, which opens a ticket"
	}
	return "priorities.P4.notify: a channel that is read, or none"
}

func noiseSection(all []Noise) report.Section {
	s := report.Section{
		Key: "noise", Title: "What was noisy", None: "Somebody acted on every alert.",
		Table: &report.Table{Columns: []report.Column{
			{Key: "alert", Title: "Alert"},
			{Key: "priority", Title: "Priority"},
			{Key: "incidents", Title: "Notified"},
			{Key: "unacknowledged", Title: "Not acknowledged"},
			{Key: "brief", Title: "Under 5m"},
			{Key: "open", Title: "Open for"},
			{Key: "proposal", Title: "Proposed change"},
		}},
	}
	if len(all) > 0 {
		s.Text = []string{"Alerts that were notified and mostly not acknowledged, with a change of the policy to consider."}
	}
	for _, n := range all {
		s.Table.Rows = append(s.Table.Rows, []report.Cell{
			n.Alert, n.Priority, n.Incidents, n.Ignored, n.Brief, n.Open, n.Proposal,
		})
	}
	return s
}
