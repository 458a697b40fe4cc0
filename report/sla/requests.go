package sla

import (
	"cmp"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/report"
)

// Counted is what an exporter counted of a tenant's requests to a service on the days of a month.
type Counted struct {
	AppService string                   `json:"app_service"`
	Requests   uint64                   `json:"requests"`
	Failed     uint64                   `json:"failed"`
	Late       uint64                   `json:"late"`
	LateFailed uint64                   `json:"late_failed"`
	Slow       map[time.Duration]uint64 `json:"slow"` // by threshold
}

// requests adds up what several exporters counted, by service: each has seen other requests.
func (b *Builder) requests(counted []Counted) []Requests {
	all := map[string]*Requests{}
	slow := map[string]map[time.Duration]uint64{}
	for _, d := range counted {
		r := all[d.AppService]
		if r == nil {
			r = &Requests{AppService: d.AppService}
			all[d.AppService], slow[d.AppService] = r, map[time.Duration]uint64{}
		}
		r.Requests += d.Requests + d.Late
		r.Failed += d.Failed + d.LateFailed
		r.Late += d.Late
		for threshold, n := range d.Slow {
			slow[d.AppService][threshold] += n
		}
	}
	list := []Requests{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		r := all[name]
		r.Availability = report.Ratio{Part: int64(r.Requests - min(r.Failed, r.Requests)), Whole: int64(r.Requests)}
		for _, threshold := range slices.Sorted(maps.Keys(slow[name])) {
			r.Latency = append(r.Latency, b.latency(r, threshold, slow[name][threshold]))
		}
		list = append(list, *r)
	}
	return list
}

func (b *Builder) latency(r *Requests, threshold time.Duration, slow uint64) Latency {
	l := Latency{
		Threshold: report.Length(threshold), Slow: slow,
		Attained: report.Ratio{Part: int64(r.Requests - min(slow, r.Requests)), Whole: int64(r.Requests)},
	}
	for _, o := range b.latencies {
		if o.threshold == threshold && l.Attained.Whole > 0 {
			met := rational(l.Attained).Cmp(o.ratio) >= 0
			l.Objective, l.Met = o.text, &met
		}
	}
	return l
}

// latencyObjective is a latency objective of the policy, in the forms that every tenant's report needs.
type latencyObjective struct {
	threshold time.Duration
	ratio     *big.Rat
	text      string
}

// tenantAlerts begin the names of alerts on one tenant. What only Prometheus has of an incident does not name it, so a
// report of a tenant leaves it out: it may be another's.
const tenantAlerts = "ThorbisTenant"

// incidents keeps those of the services of the report and of the tenant.
func (r *Report) incidents(s Subject) {
	if s.Incidents == nil {
		return
	}
	r.Incidents = []report.Incident{}
	for _, i := range report.Real(s.Incidents) {
		ours := slices.ContainsFunc(r.Services, func(s Service) bool { return s.Name == i.AppService })
		theirs := s.Tenant != "" && i.Tenant == s.Tenant
		about := s.Tenant == "" || i.Tenant == "" && i.Subject == "" && !strings.HasPrefix(i.Alert, tenantAlerts)
		within := i.Began.Before(r.To) && (i.Resolved == nil || i.Resolved.After(r.From))
		if within && (theirs || ours && about) {
			r.Incidents = append(r.Incidents, i)
		}
	}
	slices.SortStableFunc(r.Incidents, func(a, b report.Incident) int {
		return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID))
	})
}
