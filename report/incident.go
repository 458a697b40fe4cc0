package report

import (
	"cmp"
	"context"
	"strings"
	"time"
)

// Incident is an incident that somebody was notified of.
type Incident struct {
	ID           string     `json:"incident"`
	Alert        string     `json:"alert"`
	AppService   string     `json:"app_service,omitempty"`
	Subject      string     `json:"subject,omitempty"`
	Tenant       string     `json:"tenant,omitempty"` // that the alert is about, empty for none
	Priority     string     `json:"priority"`
	Owner        string     `json:"owner,omitempty"`
	Began        time.Time  `json:"began"`
	Acknowledged *time.Time `json:"acknowledged"`
	// AcknowledgedBy is who, where that is recorded.
	AcknowledgedBy string     `json:"acknowledged_by,omitempty"`
	Resolved       *time.Time `json:"resolved"`
	// Exact is whether the end is known to the second.
	Exact bool `json:"exact"`
	// WriteUp is nil while there is none, or where only Prometheus has the incident.
	WriteUp *WriteUp `json:"write_up,omitempty"`
	// Drill is whether nothing was wrong: no figure counts it.
	Drill bool `json:"drill,omitempty"`
}

// WriteUp is the write-up of an incident.
type WriteUp struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Link string    `json:"link"`
}

// Incidents is where incidents are read from.
type Incidents interface {
	// Incidents returns the incidents that were open in a time, in the order of their beginnings.
	Incidents(ctx context.Context, from, to time.Time) ([]Incident, error)
	// Precision is by how much acknowledgements and ends may be later than they were.
	Precision() time.Duration
}

// AcknowledgedAfter is the time to acknowledge, nil while no one has.
func (i *Incident) AcknowledgedAfter() Cell { return after(i.Began, i.Acknowledged) }

// ResolvedAfter is the time to resolve, nil while the incident is open.
func (i *Incident) ResolvedAfter() Cell { return after(i.Began, i.Resolved) }

func after(began time.Time, at *time.Time) Cell {
	if at == nil {
		return nil
	}
	return Length(max(at.Sub(began), 0).Round(time.Second))
}

// About is what the incident concerns: its service, else its subject, and its tenant.
func (i *Incident) About() string {
	return strings.TrimSpace(cmp.Or(i.AppService, i.Subject) + " " + i.Tenant)
}

// Real returns the incidents that were no drills.
func Real(all []Incident) []Incident {
	kept := []Incident{}
	for _, i := range all {
		if !i.Drill {
			kept = append(kept, i)
		}
	}
	return kept
}
