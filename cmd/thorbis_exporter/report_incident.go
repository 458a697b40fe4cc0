package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/model"

	"github.com/thorbis/thorbis_exporter/report/incident"
	"github.com/thorbis/thorbis_exporter/report/sla"
	"github.com/thorbis/thorbis_exporter/report/source"
)

// errNoPrometheus is why a report that is made of Prometheus alone is not written.
var errNoPrometheus = errors.New("missing --prometheus.url: this report is made of what Prometheus scraped")

// reportIncident drafts the write-up of an incident.
type reportIncident struct {
	*reports
	id, since string
}

func newReportIncident(family *kingpin.CmdClause, r *reports) {
	i := &reportIncident{reports: r}
	c := family.Command("incident", "Draft the write-up of an incident: timeline, budget spent, tenants hit, and blanks "+
		"for cause and actions.")
	c.Arg("incident", "Its fingerprint, which pages and /status name.").Required().StringVar(&i.id)
	c.Flag("since", "How far back to look for it.").Default("30d").StringVar(&i.since)
	r.run[c.FullCommand()] = i.write
}

func (i *reportIncident) write(ctx context.Context, stderr io.Writer) (int, error) {
	p, err := i.load(ctx)
	if err != nil {
		return 1, err
	}
	since, err := model.ParseDuration(i.since)
	if err != nil {
		return 1, fmt.Errorf("--since: invalid duration %q: write it like 30d", i.since)
	}
	if i.prometheus == "" {
		return 1, errNoPrometheus
	}
	if err := i.directory(); err != nil {
		return 1, err
	}
	in, err := i.openSome(ctx, p)
	if err != nil {
		return 1, err
	}
	bar := newProgress(stderr)
	defer bar.end()
	now := i.now()
	r, err := incident.Build(ctx, incident.Options{
		Policy: p, Prometheus: in.prometheus, ID: i.id, From: now.Add(-time.Duration(since)), To: now,
		Incidents: in.incidents(p, i.id, func(share float64) { bar.at("incident "+i.id, share) }),
	})
	if err != nil {
		return 1, err
	}
	if len(in.histories) > 0 {
		m := sla.MonthOf(r.Began, p.SLA.Zone())
		targets, err := in.shared(ctx, source.RangeOf(m, now))
		if err != nil {
			return 1, err
		}
		b, err := sla.NewBuilder(p, m, now, targets)
		if err != nil {
			return 1, err
		}
		for _, o := range b.Build(sla.Subject{}).Outages {
			over := o.End == nil || o.End.After(r.Began.Add(-10*time.Minute))
			if over && o.Begin.Before(r.Until) && (r.AppService == "" || o.AppService == r.AppService) {
				r.Outages = append(r.Outages, o)
			}
		}
	}
	r.Sources = in.sources
	return 0, i.publish(ctx, p, "incident-"+url.PathEscape(i.id), r.Document(), r)
}
