package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/exporter"
	registry "github.com/thorbis/thorbis_exporter/internal/tenants"
)

// assumedTenants is what the cost is reckoned with where nothing says how many tenants there are.
const assumedTenants = 100

// registryPatience bounds how long a database may take to say it.
const registryPatience = 5 * time.Second

// checkConfig says what is wrong with a policy, what is doubtful about it and what it costs.
type checkConfig struct {
	*flags
	name    string
	cost    bool
	tenants uint32
	given   bool // the number of tenants
}

func newCheckConfig(app *kingpin.Application, f *flags) *checkConfig {
	c := &checkConfig{flags: f}
	command := app.Command("check-config", "Check the policy and print its warnings; exit 1 if it would be refused.")
	c.name = command.FullCommand()
	command.Flag("cost", "Also print what the policy makes an exporter do.").BoolVar(&c.cost)
	command.Flag("tenants", "With --cost: assume so many tenants, whatever the registry says.").IsSetByUser(&c.given).Uint32Var(&c.tenants)
	return c
}

func (c *checkConfig) run(ctx context.Context) error {
	p, err := c.load(ctx)
	if err != nil {
		return err
	}
	// What only a collector finds, such as a tenant registry that cannot be read.
	var checks *health.Collector
	for _, d := range exporter.Definitions {
		one := d.New(collectors.Site{Logger: slog.New(slog.DiscardHandler), Location: c.location})
		if err := collectors.Apply(one, p); err != nil {
			return err
		}
		if h, ok := one.(*health.Collector); ok {
			checks = h
		}
	}
	for _, w := range p.Warnings() {
		_, _ = fmt.Fprintf(c.stdout, "warning: %s\n", w)
	}
	known, of := checks.Tenants(), ""
	if c.cost {
		known, of = c.count(ctx, p)
	}
	if w, slow := p.PaceWarning(known); slow {
		_, _ = fmt.Fprintf(c.stdout, "warning: %s\n", w)
	}
	if c.cost {
		printCost(c.stdout, config.Estimate(p, known), known, of)
	}
	_, _ = fmt.Fprintf(c.stdout, "ok: sha256 %s\n", p.Hash())
	return nil
}

// count returns how many tenants to reckon with, and where the number is from.
func (c *checkConfig) count(ctx context.Context, p *config.Policy) (n int, of string) {
	if c.given {
		return int(c.tenants), "as --tenants says"
	}
	ctx, cancel := context.WithTimeout(ctx, registryPatience)
	defer cancel()
	var list []registry.Tenant
	var err error
	switch from := p.Tenants.Registry; {
	case from.File != "":
		list, _, err = registry.LoadContext(ctx, from.File)
	case from.Postgres != nil:
		list, err = registry.Query(ctx, from.Postgres.DSNFile, from.Postgres.Query)
	default:
		return assumedTenants, "assumed; --tenants says otherwise"
	}
	if err != nil {
		_, _ = fmt.Fprintf(c.stdout, "warning: %s\n", err)
		return assumedTenants, "assumed, for the registry has not told; --tenants says otherwise"
	}
	return len(list), "of the registry"
}

func printCost(w io.Writer, cost config.Cost, known int, of string) {
	_, _ = fmt.Fprintf(w, "cost with %d tenants (%s):\n  series              %d\n  probes per month    %d\n  API calls per hour  %d\n  series of tenants   %d\n",
		known, of, cost.Series, cost.ProbesPerMonth, cost.APICallsPerHour, cost.TenantSeries)
}
