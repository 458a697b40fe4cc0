package main

import (
	"fmt"
	"io"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/alertmanager"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/mixin/routetest"
)

// routesCommand judges tables of route tests offline.
type routesCommand struct {
	command string
	config  string
	format  string
	tables  []string
}

// testedRoutes is the result of test-routes.
type testedRoutes struct {
	Tests    int           `json:"tests"`
	Failures []failedRoute `json:"failures"`
}

// failedRoute is a test whose alert does not fare as expected.
type failedRoute struct {
	File  string   `json:"file"`
	Line  int      `json:"line"`
	Name  string   `json:"name"`
	Wrong []string `json:"wrong"` // a sentence for each difference
}

func routeTests(app *kingpin.Application) *routesCommand {
	r := &routesCommand{}
	c := app.Command("test-routes", "List alerts of your tables that do not reach the expected receivers.")
	c.Flag("alertmanager.config", "An Alertmanager configuration to test instead of the one that the policy generates.").
		StringVar(&r.config)
	formatFlag(c, &r.format)
	c.Arg("table", "Files of tests: docs/routing.md says how they are written.").Required().StringsVar(&r.tables)
	r.command = c.FullCommand()
	return r
}

// run judges every table. Each gets a policy of its own, for it may override business hours.
func (r *routesCommand) run(load func() (*config.Policy, error), out io.Writer) error {
	found := testedRoutes{Failures: []failedRoute{}}
	for _, file := range r.tables {
		table, err := routetest.Load(file)
		if err != nil {
			return err
		}
		text, err := r.configuration(load, table, file)
		if err != nil {
			return err
		}
		tester, err := routetest.NewTester(text)
		if err != nil {
			return err
		}
		failures, err := tester.Run(table)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, f := range failures {
			found.Failures = append(found.Failures, failedRoute{file, f.Line, f.Name, f.Wrong})
		}
		found.Tests += len(table.Tests)
	}
	if err := found.write(r.format, out); err != nil {
		return err
	}
	if wrong := len(found.Failures); wrong > 0 {
		return fmt.Errorf("%d of %d alerts do not reach the expected receivers", wrong, found.Tests)
	}
	return nil
}

// write prints the result; as text the summary of failures is left to the error.
func (t *testedRoutes) write(format string, out io.Writer) error {
	if format == "json" {
		return writeJSON(out, t)
	}
	for _, f := range t.Failures {
		fmt.Fprintf(out, "%s:%d: %s\n", f.File, f.Line, f.Name)
		for _, w := range f.Wrong {
			fmt.Fprintf(out, "    %s\n", w)
		}
	}
	if len(t.Failures) == 0 {
		fmt.Fprintf(out, "%d of %d alerts reach the expected receivers\n", t.Tests, t.Tests)
	}
	return nil
}

func (r *routesCommand) configuration(load func() (*config.Policy, error), table *routetest.Table,
	file string,
) ([]byte, error) {
	if r.config != "" {
		if table.Hours != nil {
			return nil, fmt.Errorf("%s: business_hours override the policy's; %s has its own", file, r.config)
		}
		return readBase(r.config)
	}
	p, err := load()
	if err != nil {
		return nil, err
	}
	own := *p // a table's hours are no other table's
	table.Apply(&own)
	return alertmanager.Build(&own)
}
