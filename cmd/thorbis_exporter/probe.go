package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/health"
)

// probe runs one check once, as the exporter would, and changes nothing.
type probe struct {
	*flags
	name          string
	check, tenant string
	debug         bool
}

func newProbe(app *kingpin.Application, f *flags) *probe {
	p := &probe{flags: f}
	command := app.Command("probe", "Probe a check of the policy once; exit 1 if it fails.")
	p.name = command.FullCommand()
	command.Arg("check", "Name of the check.").Required().StringVar(&p.check)
	command.Flag("tenant", "Tenant of a check that is per tenant.").StringVar(&p.tenant)
	command.Flag("debug", "Also print the prober's log and metrics.").BoolVar(&p.debug)
	return p
}

func (p *probe) run(ctx context.Context) error {
	policy, err := p.load(ctx)
	if err != nil {
		return err
	}
	c := health.New(health.Options{Logger: slog.New(slog.DiscardHandler), Location: p.location, Version: version.Version})
	if err := collectors.Apply(c, policy); err != nil {
		return err
	}
	if p.tenant != "" { // who may be known only to a database
		if err := c.RefreshTenants(ctx); err != nil {
			return err
		}
	}
	result, err := c.Probe(ctx, health.ProbeRequest{Check: p.check, Tenant: p.tenant})
	if err != nil {
		return err
	}
	reason := "-"
	if result.Reason != "" {
		reason = result.Reason + ": " + health.Explain(result.Reason)
	}
	_, _ = fmt.Fprintf(p.stdout, "result    %s\nreason    %s\nduration  %s\n", result.Result, reason,
		result.Duration.Round(time.Microsecond))
	for _, phase := range slices.Sorted(maps.Keys(result.Phases)) {
		took := time.Duration(result.Phases[phase] * float64(time.Second))
		_, _ = fmt.Fprintf(p.stdout, "  %-10s  %s\n", phase, took.Round(time.Microsecond))
	}
	if p.debug {
		_, _ = fmt.Fprintf(p.stdout, "\n%s\n", result.Debug)
	}
	if !result.Success {
		if p.debug {
			return errors.New("the probe failed")
		}
		return errors.New("the probe failed; --debug prints the prober's log")
	}
	return nil
}
