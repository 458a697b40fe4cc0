package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/exporter"
)

// checkConfig says what is wrong with a policy, what is doubtful about it and what it costs.
type checkConfig struct {
	*flags
	name    string
	cost    bool
	tenants uint32
}

func newCheckConfig(app *kingpin.Application, f *flags) *checkConfig {
	c := &checkConfig{flags: f}
	command := app.Command("check-config", "Check the policy and print its warnings; exit 1 if it would be refused.")
	c.name = command.FullCommand()
	command.Flag("cost", "Also print what the policy makes an exporter do.").BoolVar(&c.cost)
	command.Flag("tenants", "With --cost: assume so many tenants.").Default("100").Uint32Var(&c.tenants)
	return c
}

func (c *checkConfig) run() error {
	p, err := c.load()
	if err != nil {
		return err
	}
	// What a collector alone can tell, such as a tenant registry that cannot be read.
	checks := exporter.NewHealth(slog.New(slog.DiscardHandler), nil, c.location)
	if err := checks.Apply(p); err != nil {
		return err
	}
	if err := exporter.NewBackup(slog.New(slog.DiscardHandler), nil, c.location).Apply(p); err != nil {
		return err
	}
	if err := exporter.NewTenant(slog.New(slog.DiscardHandler), nil).Apply(p); err != nil {
		return err
	}
	for _, w := range p.Warnings() {
		_, _ = fmt.Fprintf(c.stdout, "warning: %s\n", w)
	}
	tenants := checks.Tenants()
	if c.cost {
		tenants = max(tenants, int(c.tenants))
	}
	if w, slow := p.PaceWarning(tenants); slow {
		_, _ = fmt.Fprintf(c.stdout, "warning: %s\n", w)
	}
	if c.cost {
		printCost(c.stdout, config.Estimate(p, int(c.tenants)), int(c.tenants))
	}
	_, _ = fmt.Fprintf(c.stdout, "ok: sha256 %s\n", p.Hash())
	return nil
}

func printCost(w io.Writer, cost config.Cost, tenants int) {
	_, _ = fmt.Fprintf(w, "cost with %d tenants:\n  series              %d\n  probes per month    %d\n  API calls per hour  %d\n  series of tenants   %d\n",
		tenants, cost.Series, cost.ProbesPerMonth, cost.APICallsPerHour, cost.TenantSeries)
}
