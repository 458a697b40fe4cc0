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
	"github.com/thorbis/thorbis_exporter/collectors/tenant"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/exporter"
	registry "github.com/thorbis/thorbis_exporter/internal/tenants"
)

// assumedTenants is the number of tenants in the cost where neither a flag nor a registry states it.
const assumedTenants = 100

// registryPatience bounds how long a database may take to list the tenants.
const registryPatience = 5 * time.Second

// checkConfig prints the errors, the warnings and the cost of a policy.
type checkConfig struct {
	*flags
	name    string
	cost    bool
	tenants uint32
	given   bool // the number of tenants
	format  string
}

// checkedConfig is the result of a policy without an error.
type checkedConfig struct {
	Warnings []string     `json:"warnings"` // each with file and line
	Cost     *checkedCost `json:"cost,omitempty"`
	SHA256   string       `json:"sha256"`
}

type checkedCost struct {
	Tenants         int `json:"tenants"`
	Series          int `json:"series"`
	ProbesPerMonth  int `json:"probes_per_month"`
	APICallsPerHour int `json:"api_calls_per_hour"`
	TenantSeries    int `json:"series_of_tenants"`
}

func newCheckConfig(app *kingpin.Application, f *flags) *checkConfig {
	c := &checkConfig{flags: f}
	command := app.Command("check-config", "Check the policy and print its warnings; exit 1 if it would be refused.")
	c.name = command.FullCommand()
	command.Flag("cost", "Also print the cost of the policy: series, probes and API calls.").BoolVar(&c.cost)
	command.Flag("tenants", "With --cost: the number of tenants to assume, instead of the registry's.").
		IsSetByUser(&c.given).Uint32Var(&c.tenants)
	command.Flag("format", "text or json.").Default("text").EnumVar(&c.format, "text", "json")
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
	result := checkedConfig{Warnings: []string{}, SHA256: p.Hash()}
	for _, w := range p.Warnings() {
		result.Warnings = append(result.Warnings, w.String())
	}
	result.Warnings = append(result.Warnings, tenant.Doubts(ctx, p)...)
	known, of := checks.Tenants(), ""
	if c.cost {
		var failed error
		if known, of, failed = c.count(ctx, p); failed != nil {
			result.Warnings = append(result.Warnings, failed.Error())
		}
	}
	if w, slow := p.PaceWarning(known); slow {
		result.Warnings = append(result.Warnings, w.String())
	}
	cost := config.Estimate(p, known)
	if c.format == "json" {
		if c.cost {
			result.Cost = &checkedCost{
				known, cost.Series, cost.ProbesPerMonth, cost.APICallsPerHour, cost.TenantSeries,
			}
		}
		return writeJSON(c.stdout, result)
	}
	for _, w := range result.Warnings {
		_, _ = fmt.Fprintf(c.stdout, "warning: %s\n", w)
	}
	if c.cost {
		printCost(c.stdout, cost, known, of)
	}
	_, _ = fmt.Fprintf(c.stdout, "ok: sha256 %s\n", p.Hash())
	return nil
}

// count returns how many tenants to reckon with, and where the number is from; an assumption and an error where the
// registry cannot be read.
func (c *checkConfig) count(ctx context.Context, p *config.Policy) (n int, of string, err error) {
	if c.given {
		return int(c.tenants), "from --tenants", nil
	}
	ctx, cancel := context.WithTimeout(ctx, registryPatience)
	defer cancel()
	var list []registry.Tenant
	switch from := p.Tenants.Registry; {
	case from.File != "":
		list, _, err = registry.LoadContext(ctx, from.File)
	case from.Postgres != nil:
		list, err = registry.Query(ctx, from.Postgres.DSNFile, from.Postgres.Query)
	default:
		return assumedTenants, "assumed; set it with --tenants", nil
	}
	if err != nil {
		return assumedTenants, "assumed, because the registry could not be read; set it with --tenants", err
	}
	return len(list), "from the registry", nil
}

func printCost(w io.Writer, cost config.Cost, known int, of string) {
	_, _ = fmt.Fprintf(w, "cost with %d tenants (%s):\n  series              %d\n  probes per month    %d\n"+
		"  API calls per hour  %d\n  series of tenants   %d\n",
		known, of, cost.Series, cost.ProbesPerMonth, cost.APICallsPerHour, cost.TenantSeries)
}
