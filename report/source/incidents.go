package source

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/report"
)

// incidentStep is the step at which incidents are read: acknowledgements and ends are as late as that.
const incidentStep = time.Minute

// gap is how long an incident may be missing and be the same.
const gap = 5 * time.Minute

// ScrapedIncidents are the incidents that Prometheus scraped from the exporters.
type ScrapedIncidents struct {
	*Prometheus
	Environment string
	// ID selects one incident; empty is all.
	ID string
	// Progress is called with the share that is read; nil is none.
	Progress func(share float64)
}

// Precision implements report.Incidents.
func (*ScrapedIncidents) Precision() time.Duration { return incidentStep }

// Incidents implements report.Incidents.
func (i *ScrapedIncidents) Incidents(ctx context.Context, from, to time.Time) ([]report.Incident, error) {
	selector := []string{metric.LabelEnvironment + "=" + strconv.Quote(i.Environment)}
	if i.ID != "" {
		selector = append(selector, metric.LabelIncident+"="+strconv.Quote(i.ID))
	}
	labels := strings.Join([]string{
		metric.LabelIncident, metric.LabelAlert, metric.LabelAppService, metric.LabelSubject, metric.LabelPriority,
		metric.LabelOwner,
	}, ", ")
	half := func(offset float64) func(float64) {
		if i.Progress == nil {
			return nil
		}
		return func(share float64) { i.Progress(offset + share/2) }
	}
	open, err := i.Between(ctx, fmt.Sprintf("max by (%s) (%s)", labels, metric.IncidentOpenSince.Select(selector...)),
		from, to, incidentStep, half(0))
	if err != nil {
		return nil, err
	}
	acknowledged, err := i.Between(ctx, fmt.Sprintf("max by (%s) (%s) == 1", metric.LabelIncident,
		metric.IncidentAcknowledgedNow.Select(selector...)), from, to, incidentStep, half(.5))
	if err != nil {
		return nil, err
	}
	answered := map[string][]Point{}
	for _, s := range acknowledged {
		answered[s.Labels[metric.LabelIncident]] = s.Points
	}
	all := []report.Incident{}
	for _, s := range open {
		all = append(all, incidentsOf(s, answered[s.Labels[metric.LabelIncident]], to)...)
	}
	slices.SortStableFunc(all, func(a, b report.Incident) int {
		return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// incidentsOf splits a series by the beginnings that it has: the same alert may have fired more than once.
func incidentsOf(s Series, answered []Point, to time.Time) []report.Incident {
	var all []report.Incident
	for start := 0; start < len(s.Points); {
		end := start
		for end+1 < len(s.Points) && s.Points[end+1].Value == s.Points[start].Value &&
			s.Points[end+1].At.Sub(s.Points[end].At) <= gap {
			end++
		}
		first, last := s.Points[start], s.Points[end].At
		one := report.Incident{
			ID: s.Labels[metric.LabelIncident], Alert: s.Labels[metric.LabelAlert],
			AppService: s.Labels[metric.LabelAppService], Subject: s.Labels[metric.LabelSubject],
			Priority: s.Labels[metric.LabelPriority], Owner: s.Labels[metric.LabelOwner],
			Began: time.UnixMilli(int64(first.Value * 1000)).UTC(),
			Drill: s.Labels[metric.LabelAlert] == metric.DrillAlertName,
		}
		for _, p := range answered {
			if !p.At.Before(first.At) && !p.At.After(last) {
				at := p.At
				one.Acknowledged = &at
				break
			}
		}
		if over := last.Add(incidentStep); to.Sub(over) > 0 {
			one.Resolved = &over
		}
		if n := len(all); n > 0 && all[n-1].Began.Equal(one.Began) { // a gap in what was scraped
			all[n-1].Resolved, all[n-1].Acknowledged = one.Resolved, cmp.Or(all[n-1].Acknowledged, one.Acknowledged)
		} else {
			all = append(all, one)
		}
		start = end + 1
	}
	return all
}
