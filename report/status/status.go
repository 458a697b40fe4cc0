// Package status writes what customers may know of the platform now: the state of each service, open incidents and
// planned work, in the form of Statuspage's API, which status pages and their readers know. It names no tenant and no
// internal alert.
package status

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/maintenance"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/report/source"
)

// announced is how far ahead planned work is listed.
const announced = 30 * 24 * time.Hour

// ErrNotMeasured means that no rules are evaluated: what a page would say is not known.
var ErrNotMeasured = errors.New("no rules are evaluated: nothing is known of the services, and no status is written; " +
	"check that Prometheus loads the policy's rules")

// Report is a page as GET /api/v2/summary.json of Statuspage has it.
type Report struct {
	Page struct {
		ID      string    `json:"id"`
		Name    string    `json:"name"`
		Updated time.Time `json:"updated_at"`
	} `json:"page"`
	Status struct {
		// Indicator is none, minor, major or critical.
		Indicator   string `json:"indicator"`
		Description string `json:"description"`
	} `json:"status"`
	Components   []Component   `json:"components"`
	Incidents    []Incident    `json:"incidents"`
	Maintenances []Maintenance `json:"scheduled_maintenances"`
}

// Component is a service. Its status is one of Statuspage's, or unknown where nothing is measured.
type Component struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
}

// Incident is trouble of one service that its users see.
type Incident struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Status  string    `json:"status"` // investigating
	Impact  string    `json:"impact"` // minor, major or critical
	Created time.Time `json:"created_at"`
	Updated time.Time `json:"updated_at"`
	// Components are the services that it affects.
	Components []Component `json:"components"`
}

// Maintenance is planned work.
type Maintenance struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Status     string      `json:"status"` // scheduled or in_progress
	Impact     string      `json:"impact"` // maintenance
	From       time.Time   `json:"scheduled_for"`
	To         time.Time   `json:"scheduled_until"`
	Components []Component `json:"components"`
}

// trouble is what users see of an alert.
type trouble struct {
	state, impact, words string
}

var (
	outage   = trouble{metric.VendorMajor, "critical", "Outage"}
	partial  = trouble{metric.VendorPartial, "major", "Errors for some users"}
	slow     = trouble{metric.VendorDegraded, "minor", "Slow answers"}
	degraded = trouble{metric.VendorDegraded, "minor", "Trouble for some users"}
	unknown  = trouble{metric.VendorUnknown, "", ""} // no incident: nothing is known
)

// troubles are what alerts on a service mean to its users. Alerts on single tenants are for these tenants.
var troubles = map[*metric.Alert]trouble{
	metric.CheckDownAlert: outage, metric.ManyTenantsDownAlert: partial, metric.TierDownAlert: partial,
	metric.SLOBurnAlert: partial, metric.TierBurnAlert: degraded, metric.ManyTenantsBurningAlert: degraded,
	metric.ServiceUnwatchedAlert: unknown, metric.EnvironmentUnwatchedAlert: unknown,
}

// of returns what a firing alert means to users.
func of(alert *metric.Alert, labels map[string]string) trouble {
	t := troubles[alert]
	if slo := labels[metric.LabelSLO]; alert == metric.SLOBurnAlert && slo != metric.SLOAvailability {
		if t = degraded; strings.HasPrefix(slo, "latency") {
			t = slow
		}
	}
	return t
}

// states lists the states of a service, the worst last: what is unknown may be worse than what is planned.
var states = metric.VendorStates

// Build reads what is the case at a moment.
func Build(ctx context.Context, p *config.Policy, prometheus *source.Prometheus, at time.Time) (*Report, error) {
	environment := fmt.Sprintf("%s=%q", metric.LabelEnvironment, p.Environment)
	evaluated := fmt.Sprintf(`count(ALERTS{alertstate="firing",alertname=%q})`, metric.WatchdogAlert.Name)
	if _, ok, err := prometheus.Value(ctx, evaluated, at); err != nil {
		return nil, err
	} else if !ok {
		return nil, ErrNotMeasured
	}
	r := &Report{Components: []Component{}, Incidents: []Incident{}, Maintenances: []Maintenance{}}
	r.Page.ID, r.Page.Name, r.Page.Updated = p.Platform, p.Platform, at.UTC().Truncate(time.Second)
	state := map[string]string{}
	for _, s := range p.Services {
		state[s.Name] = metric.VendorOperational
	}
	if err := r.planned(p, at, state); err != nil {
		return nil, err
	}
	firing, err := prometheus.At(ctx, fmt.Sprintf(`ALERTS_FOR_STATE{%[1]s,alertname=~"%[2]s",burn_tier=~"|fast|medium"} `+
		`and ignoring (alertstate) ALERTS{%[1]s,alertstate="firing"}`, environment, strings.Join(alertNames(), "|")), at)
	if err != nil {
		return nil, err
	}
	r.troubles(firing, state)
	for _, s := range p.Services {
		r.Components = append(r.Components, component(s.Name, state[s.Name]))
	}
	r.conclude()
	return r, nil
}

func alertNames() []string {
	var names []string
	for a := range troubles {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	return names
}

func component(service, state string) Component {
	return Component{ID: service, Name: service, Status: state}
}

// planned lists planned work that is meant for whole services, and marks those that it is on at.
func (r *Report) planned(p *config.Policy, at time.Time, state map[string]string) error {
	for i, m := range p.Maintenance {
		if len(m.Checks)+len(m.Tenants)+len(m.Procedures) > 0 {
			continue
		}
		w, err := maintenance.New(m)
		if err != nil {
			return err
		}
		services := m.AppServices
		if len(services) == 0 {
			for _, s := range p.Services {
				services = append(services, s.Name)
			}
		}
		for _, o := range w.Between(at, at.Add(announced)) {
			one := Maintenance{
				ID:   fmt.Sprintf("maintenance-%d-%d", i, o.From.Unix()),
				Name: readable(cmp.Or(m.Name, "Planned work")), Status: "scheduled", Impact: "maintenance",
				From: o.From.UTC(), To: o.To.UTC(),
			}
			for _, name := range services {
				one.Components = append(one.Components, component(name, metric.VendorMaintained))
			}
			if !o.From.After(at) {
				one.Status = "in_progress"
				for _, name := range services {
					state[name] = metric.VendorMaintained
				}
			}
			r.Maintenances = append(r.Maintenances, one)
		}
	}
	slices.SortStableFunc(r.Maintenances, func(a, b Maintenance) int { return a.From.Compare(b.From) })
	return nil
}

// readable writes a name of the policy as words.
func readable(name string) string { return strings.NewReplacer("-", " ", "_", " ").Replace(name) }

// troubles lists one incident for each service that has trouble: the worst, since the first of it.
func (r *Report) troubles(firing []source.Series, state map[string]string) {
	byName := map[string]*metric.Alert{}
	for a := range troubles {
		byName[a.Name] = a
	}
	open := map[string]*Incident{}
	worst := map[string]trouble{}
	for _, s := range firing {
		alert := byName[s.Labels[metric.LabelAlertname]]
		service := s.Labels[metric.LabelAppService]
		if alert == nil {
			continue
		}
		t := of(alert, s.Labels)
		if alert == metric.EnvironmentUnwatchedAlert {
			for name := range state {
				state[name] = worse(state[name], t.state)
			}
			continue
		}
		before, ok := state[service]
		if !ok { // of a service that has left the policy
			continue
		}
		state[service] = worse(before, t.state)
		if t == unknown {
			continue
		}
		since := time.Unix(int64(s.Points[0].Value), 0).UTC()
		one := open[service]
		if one == nil {
			one = &Incident{Status: "investigating", Created: since, Updated: r.Page.Updated}
			open[service], worst[service] = one, t
		}
		if since.Before(one.Created) {
			one.Created = since
		}
		if worse(worst[service].state, t.state) == t.state {
			worst[service] = t
		}
	}
	for service, one := range open {
		t := worst[service]
		one.ID = fmt.Sprintf("%s-%d", service, one.Created.Unix())
		one.Name, one.Impact = t.words+": "+service, t.impact
		one.Components = []Component{component(service, state[service])}
		r.Incidents = append(r.Incidents, *one)
	}
	slices.SortFunc(r.Incidents, func(a, b Incident) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
}

func worse(a, b string) string {
	if slices.Index(states, b) > slices.Index(states, a) {
		return b
	}
	return a
}

// conclude sums the components up.
func (r *Report) conclude() {
	worst := metric.VendorOperational
	for _, c := range r.Components {
		worst = worse(worst, c.Status)
	}
	r.Status.Indicator, r.Status.Description = "none", "All systems operational"
	switch worst {
	case metric.VendorMaintained:
		r.Status.Description = "Planned work is under way"
	case metric.VendorUnknown:
		r.Status.Indicator, r.Status.Description = "minor", "The state of some services is not known"
	case metric.VendorDegraded:
		r.Status.Indicator, r.Status.Description = "minor", "Some services are degraded"
	case metric.VendorPartial:
		r.Status.Indicator, r.Status.Description = "major", "Some services do not work for some users"
	case metric.VendorMajor:
		r.Status.Indicator, r.Status.Description = "critical", "Some services do not work"
	}
}
