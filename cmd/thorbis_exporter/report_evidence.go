package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/report/evidence"
)

// reportEvidence writes populations for an audit.
type reportEvidence struct {
	*reports
	from, to, seed string
	sample         uint16
}

func newReportEvidence(family *kingpin.CmdClause, r *reports) {
	e := &reportEvidence{reports: r}
	c := family.Command("evidence", "Write every run of each control, as CSV with a manifest of checksums and a sample, "+
		"into the directory of --out.")
	c.Flag("from", "First day, such as 2026-07-01.").Required().StringVar(&e.from)
	c.Flag("to", "Last day.").Required().StringVar(&e.to)
	c.Flag("seed", "From which the sample is drawn; by default the two days.").StringVar(&e.seed)
	c.Flag("sample", "How many items of each population are drawn, instead of the rule of thumb.").Uint16Var(&e.sample)
	c.Validate(func(*kingpin.CmdClause) error {
		if r.out == "" {
			return errors.New("evidence needs --out: write the name of a directory")
		}
		if r.send != "" {
			return errors.New("evidence is files: leave out --send")
		}
		return nil
	})
	r.run[c.FullCommand()] = e.write
}

// days reads the first and the last day, in the time zone of the contract.
func (e *reportEvidence) days(zone *time.Location) (from, to time.Time, err error) {
	if from, err = time.ParseInLocation(time.DateOnly, e.from, zone); err != nil {
		return from, to, fmt.Errorf("--from: invalid date %q: write it like 2026-07-01", e.from)
	}
	if to, err = time.ParseInLocation(time.DateOnly, e.to, zone); err != nil {
		return from, to, fmt.Errorf("--to: invalid date %q: write it like 2026-09-30", e.to)
	}
	if to = to.AddDate(0, 0, 1); !from.Before(to) {
		return from, to, fmt.Errorf("--to: %s is before %s: write the later one", e.to, e.from)
	}
	if now := e.now(); to.After(now) {
		return from, to, fmt.Errorf("--to: %s is not over: evidence that still changes cannot be reproduced", e.to)
	}
	return from, to, nil
}

func (e *reportEvidence) write(ctx context.Context, stderr io.Writer) (int, error) {
	p, err := e.load(ctx)
	if err != nil {
		return 1, err
	}
	zone := p.SLA.Zone()
	from, to, err := e.days(zone)
	if err != nil {
		return 1, err
	}
	if e.prometheus == "" {
		return 1, errNoPrometheus
	}
	in, err := e.openSome(ctx, p)
	if err != nil {
		return 1, err
	}
	bar := newProgress(stderr)
	defer bar.end()
	populations, defects, err := evidence.Collect(ctx, evidence.Options{
		Policy: p, Prometheus: in.prometheus, From: from, To: to,
		Incidents: in.incidents(p, "", nil), Exporters: in.exporters(),
		Progress: func(share float64) { bar.at("evidence", share) },
	})
	if err != nil {
		return 1, err
	}
	m := evidence.Manifest{
		Platform: p.Platform, Environment: p.Environment, From: from, To: to, PolicyHash: p.Hash(), Sources: in.sources,
		Seed: e.seed, Defects: append(in.defects, defects...),
	}
	if m.Seed == "" {
		m.Seed = e.from + " " + e.to
	}
	files, err := evidence.Files(m, populations, int(e.sample), zone)
	if err != nil {
		return 1, err
	}
	if err := os.MkdirAll(e.out, 0o750); err != nil {
		return 1, fmt.Errorf("--out: %w", err)
	}
	for _, f := range files {
		if err := replaceFile(filepath.Join(e.out, f.Name), f.Text); err != nil {
			return 1, err
		}
	}
	if len(m.Defects) > 0 {
		bar.end()
		_, _ = fmt.Fprintln(stderr, "warning: something is missing or disagrees; the manifest has it under defects")
		return exitDoubtful, nil
	}
	return 0, nil
}
