package source

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/report/sla"
)

const (
	// grid is the step at which the counters of checks are read to find the days that an exporter lacks. Every day of
	// every time zone begins at one.
	grid = 30 * time.Minute
	// lacks is how much more of a day Prometheus must have than the exporters, so that the day is taken from it.
	lacks = 5 * time.Minute
	// maxRebuilt bounds the days of checks whose outages are read; of more, only the seconds are known.
	maxRebuilt = 1000
	// reasonUnknown is the reason of an outage that is made of a counter.
	reasonUnknown = "not recorded"
)

// Rebuild describes what is to be taken from Prometheus.
type Rebuild struct {
	Environment string
	Tenant      string // whose own checks are read; empty for those of none
	Over        sla.Span
	Zone        *time.Location
	Scrape      time.Duration
	// Keep reports whether a check is to be in the report.
	Keep func(check string) bool
}

// Lacking returns what Prometheus has of days of which the exporters recorded nothing or less: where their time went,
// and outages to one scrape.
func (p *Prometheus) Lacking(ctx context.Context, r Rebuild, recorded []sla.Target) ([]sla.Target, error) {
	have := map[sla.PlaceKey]map[string]time.Duration{}
	outages := map[sla.PlaceKey][]sla.Seen{}
	for _, t := range recorded {
		k := t.Place()
		if have[k] == nil {
			have[k] = map[string]time.Duration{}
		}
		for _, d := range t.Days {
			have[k][d.Date] = max(have[k][d.Date], d.Observed+d.Unknown+d.Maintenance)
		}
		outages[k] = append(outages[k], t.Outages...)
	}
	scraped, err := p.days(ctx, r)
	if err != nil {
		return nil, err
	}
	var lacking []sla.Target
	for _, t := range scraped {
		k := t.Place()
		t.Days = slices.DeleteFunc(t.Days, func(d sla.DaySeconds) bool {
			return d.Observed+d.Unknown+d.Maintenance <= have[k][d.Date]+lacks
		})
		if len(t.Days) > 0 {
			lacking = append(lacking, t)
		}
	}
	read := 0
	for i := range lacking {
		t := &lacking[i]
		k := t.Place()
		if err := p.outages(ctx, r, t, outages[k], &read); err != nil {
			return nil, err
		}
	}
	return lacking, nil
}

func (r *Rebuild) matchers(more ...string) []string {
	return append([]string{
		metric.LabelEnvironment + "=" + strconv.Quote(r.Environment), metric.LabelTenant + "=" + strconv.Quote(r.Tenant),
	}, more...)
}

// days reads where the time of each target went, by the counters of each exporter.
func (p *Prometheus) days(ctx context.Context, r Rebuild) ([]sla.Target, error) {
	type counted struct {
		place  sla.PlaceKey
		values [4]map[int64]float64 // by counter, at times of the grid
	}
	all := map[string]*counted{}
	for i, m := range []*metric.Metric{
		metric.HealthCheckObservedSeconds, metric.HealthCheckDownSeconds, metric.HealthCheckUnknownSeconds,
		metric.HealthCheckMaintenanceSeconds,
	} {
		expr := fmt.Sprintf("last_over_time(%s[%s])", m.Select(r.matchers()...), look)
		series, err := p.Between(ctx, expr, r.Over.From, r.Over.To.Add(1), grid, nil)
		if err != nil {
			return nil, err
		}
		for _, s := range series {
			delete(s.Labels, "__name__")
			key, err := json.Marshal(s.Labels)
			if err != nil {
				return nil, err
			}
			if !r.Keep(s.Labels[metric.LabelCheck]) {
				continue
			}
			c := all[string(key)]
			if c == nil {
				c = &counted{place: placeOf(s)}
				all[string(key)] = c
			}
			c.values[i] = make(map[int64]float64, len(s.Points))
			for _, point := range s.Points {
				c.values[i][point.At.Unix()] = point.Value
			}
		}
	}
	var targets []sla.Target
	days := sla.DaysOf(r.Over, r.Zone)
	for _, c := range all {
		t := sla.Target{Check: c.place.Check, Tenant: c.place.Tenant, Location: c.place.Location, Source: "Prometheus"}
		for _, day := range days {
			var gained [4]time.Duration
			whole := true
			for i := range gained {
				var ok bool
				gained[i], ok = gain(c.values[i], day.Span)
				whole = whole && ok
			}
			d := sla.DaySeconds{
				Date: day.Date, Observed: gained[0], Down: gained[1], Unknown: gained[2], Maintenance: gained[3],
			}
			if whole && d.Observed+d.Unknown+d.Maintenance > 0 {
				t.Days = append(t.Days, d)
			}
		}
		targets = append(targets, t)
	}
	slices.SortFunc(targets, func(a, b sla.Target) int {
		return cmp.Or(cmp.Compare(a.Check, b.Check), cmp.Compare(a.Location, b.Location),
			cmp.Compare(len(b.Days), len(a.Days)))
	})
	return targets, nil
}

// gain returns by how much a counter grew within a span, false for one that began anew meanwhile or was not there.
func gain(values map[int64]float64, in sla.Span) (time.Duration, bool) {
	first, last, seen := 0.0, 0.0, false
	for at := in.From; !at.After(in.To); at = at.Add(grid) {
		v, ok := values[at.Unix()]
		switch {
		case !ok:
			continue
		case !seen:
			first, seen = v, true
		case v < last:
			return 0, false
		}
		last = v
	}
	return duration(last - first), seen
}

// outages reads the outages of a target on its days, but for those that the exporters recorded themselves.
func (p *Prometheus) outages(ctx context.Context, r Rebuild, t *sla.Target, recorded []sla.Seen, read *int) error {
	spans := map[string]sla.Span{}
	for _, day := range sla.DaysOf(r.Over, r.Zone) {
		spans[day.Date] = day.Span
	}
	var rows []sla.Span // days with down time, those that follow each other together
	for _, d := range t.Days {
		span := spans[d.Date]
		if d.Down == 0 {
			continue
		}
		if *read++; *read > maxRebuilt {
			t.Omitted++
			continue
		}
		if n := len(rows); n > 0 && rows[n-1].To.Equal(span.From) {
			rows[n-1].To = span.To
			continue
		}
		rows = append(rows, span)
	}
	selector := metric.HealthCheckDownSeconds.Select(r.matchers(metric.LabelCheck+"="+strconv.Quote(t.Check),
		metric.LabelLocation+"="+strconv.Quote(t.Location))...)
	for _, row := range rows {
		to := row.To
		if to.After(r.Over.To) {
			to = r.Over.To
		}
		series, err := p.Samples(ctx, selector, row.From, to)
		if err != nil {
			return err
		}
		for _, s := range series {
			for _, o := range outagesOf(s.Points, r.Scrape) {
				if o.Begin.Before(row.From) {
					o.Begin = row.From
				}
				if !known(recorded, o, 2*r.Scrape) && !known(t.Outages, o, r.Scrape) {
					t.Outages = append(t.Outages, o)
				}
			}
		}
	}
	slices.SortFunc(t.Outages, func(a, b sla.Seen) int { return a.Begin.Compare(b.Begin) })
	return nil
}

// known reports whether an outage lies within one of others, to a margin.
func known(others []sla.Seen, o sla.Seen, margin time.Duration) bool {
	return slices.ContainsFunc(others, func(other sla.Seen) bool {
		return !o.Begin.Before(other.Begin.Add(-margin)) && (other.End.IsZero() || !o.End.After(other.End.Add(margin)))
	})
}

// outagesOf returns the times in which a counter of seconds down grew. At the first growth it grows by all the time
// since the first failed probe. Growth that pauses for less than a scrape is one outage.
func outagesOf(points []Point, scrape time.Duration) []sla.Seen {
	var all []sla.Seen
	for i := 1; i < len(points); i++ {
		grown := duration(points[i].Value - points[i-1].Value)
		if grown == 0 {
			continue
		}
		from, to := points[i].At.Add(-grown), points[i].At
		if n := len(all); n > 0 && !from.After(all[n-1].End.Add(scrape)) {
			last := &all[n-1]
			if room := to.Sub(last.End); grown < room { // it ended between the two
				to = last.End.Add(grown)
			}
			last.End, last.Down = to, last.Down+grown
			continue
		}
		all = append(all, sla.Seen{Begin: from, End: to, Down: grown, Reason: reasonUnknown})
	}
	return all
}
