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
	format        string
}

// probed is the result of a probe. Phases are those of the prober, in seconds.
type probed struct {
	Result      string             `json:"result"`
	Reason      string             `json:"reason,omitempty"`
	Explanation string             `json:"explanation,omitempty"` // of the reason
	Seconds     float64            `json:"seconds"`
	Phases      map[string]float64 `json:"phases,omitempty"`
	Debug       string             `json:"debug,omitempty"`
}

func newProbe(app *kingpin.Application, f *flags) *probe {
	p := &probe{flags: f}
	command := app.Command("probe", "Probe a check of the policy once; exit 1 if it fails.")
	p.name = command.FullCommand()
	command.Arg("check", "Name of the check.").Required().StringVar(&p.check)
	command.Flag("tenant", "Tenant of a check that is per tenant.").StringVar(&p.tenant)
	command.Flag("debug", "Also print the prober's log and metrics.").BoolVar(&p.debug)
	command.Flag("format", "text or json.").Default("text").EnumVar(&p.format, "text", "json")
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
	if p.format == "json" {
		err = p.writeJSON(result)
	} else {
		p.write(result)
	}
	if err != nil {
		return err
	}
	if !result.Success {
		if p.debug {
			return errors.New("the probe failed")
		}
		return errors.New("the probe failed; --debug prints the prober's log")
	}
	return nil
}

// write prints the result.
func (p *probe) write(result health.ProbeResult) {
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
}

// writeJSON prints the result as JSON.
func (p *probe) writeJSON(result health.ProbeResult) error {
	found := probed{
		Result: result.Result, Reason: result.Reason, Seconds: result.Duration.Seconds(), Phases: result.Phases,
	}
	if result.Reason != "" {
		found.Explanation = health.Explain(result.Reason)
	}
	if p.debug {
		found.Debug = result.Debug
	}
	return writeJSON(p.stdout, found)
}
