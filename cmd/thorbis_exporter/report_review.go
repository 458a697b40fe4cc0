package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/report/review"
)

// reportReview writes a review.
type reportReview struct {
	*reports
	kind review.Kind
	to   string
}

func newReportReviews(family *kingpin.CmdClause, r *reports) {
	for _, one := range []struct {
		kind review.Kind
		help string
	}{
		{review.Daily, "Write what the daily review looks at, with what changed, what runs out and what was noisy."},
		{review.Weekly, "Write what the weekly review looks at, capacity among it."},
		{review.Capacity, "Write peaks beside limits by service, disk, machine, database and tenant, and what runs out."},
	} {
		v := &reportReview{reports: r, kind: one.kind}
		c := family.Command(string(one.kind), one.help)
		c.Flag("to", "End of the review, such as 2026-11-30 or 2026-11-30T09:00:00Z; now by default.").StringVar(&v.to)
		r.run[c.FullCommand()] = v.write
	}
}

// moment reads the end of a review.
func (v *reportReview) moment(zone *time.Location) (time.Time, error) {
	if v.to == "" {
		return v.now().Truncate(time.Second), nil
	}
	if at, err := time.Parse(time.RFC3339, v.to); err == nil {
		return at, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, v.to, zone)
	if err != nil {
		return at, fmt.Errorf("--to: invalid time %q: write it like 2026-11-30 or 2026-11-30T09:00:00Z", v.to)
	}
	return at, nil
}

func (v *reportReview) write(ctx context.Context, stderr io.Writer) (int, error) {
	p, err := v.load(ctx)
	if err != nil {
		return 1, err
	}
	to, err := v.moment(p.SLA.Zone())
	if err != nil {
		return 1, err
	}
	if v.prometheus == "" {
		return 1, errNoPrometheus
	}
	if err := v.directory(); err != nil {
		return 1, err
	}
	in, err := v.openSome(ctx, p)
	if err != nil {
		return 1, err
	}
	bar := newProgress(stderr)
	defer bar.end()
	r, err := review.Build(ctx, review.Options{
		Kind: v.kind, Policy: p, Prometheus: in.prometheus, To: to,
		Incidents: in.incidents(p, "", nil),
		Progress:  func(share float64) { bar.at(string(v.kind)+" review", share) },
	})
	if err != nil {
		return 1, err
	}
	r.Sources = in.sources
	name := string(v.kind) + "-" + to.In(p.SLA.Zone()).Format(time.DateOnly)
	return 0, v.publish(ctx, p, name, r.Document(), r)
}
