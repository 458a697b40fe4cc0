package main

import (
	"context"
	"io"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/report/status"
)

// reportStatus writes what a status page shows.
type reportStatus struct{ *reports }

func newReportStatus(family *kingpin.CmdClause, r *reports) {
	s := &reportStatus{r}
	c := family.Command("status", "Write the state of each service, open incidents and planned work for a status page; "+
		"its JSON has the form of Statuspage's API.")
	r.run[c.FullCommand()] = s.write
}

func (s *reportStatus) write(ctx context.Context, _ io.Writer) (int, error) {
	p, err := s.load(ctx)
	if err != nil {
		return 1, err
	}
	if s.prometheus == "" {
		return 1, errNoPrometheus
	}
	if err := s.directory(); err != nil {
		return 1, err
	}
	in, err := s.openSome(ctx, p)
	if err != nil {
		return 1, err
	}
	r, err := status.Build(ctx, p, in.prometheus, s.now().Truncate(time.Second))
	if err != nil {
		return 1, err
	}
	return 0, s.publish(ctx, p, "status", r.Document(p.SLA.Zone()), r)
}
