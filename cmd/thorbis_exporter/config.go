package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/config/schema"
)

// configs is the family of commands that write and show policies.
type configs struct {
	*flags
	run map[string]func(ctx context.Context, stderr io.Writer) error

	format string // of show
	init   initConfig
}

func newConfigs(app *kingpin.Application, f *flags) *configs {
	c := &configs{flags: f, run: map[string]func(context.Context, io.Writer) error{}}
	family := app.Command("config", "Write and show policies.")
	describe := family.Command("schema", "Print the JSON Schema of the policy, with which editors complete and check it.")
	c.run[describe.FullCommand()] = c.schema

	show := family.Command("show", "Print the policy in force: every value, defaults too, and where it is written. "+
		"Of secrets it has the names of their files and variables only.")
	show.Flag("format", "yaml, or json: a list of path, value and source.").Default("yaml").
		EnumVar(&c.format, "yaml", "json")
	c.run[show.FullCommand()] = c.show

	initial := family.Command("init", "Ask for environment, service, log, pager, database and backup, and write "+
		"a first policy; exit 1 if the file exists.")
	c.init.flags(initial)
	c.run[initial.FullCommand()] = c.initial
	return c
}

func (c *configs) schema(context.Context, io.Writer) error {
	text, err := schema.JSON()
	if err != nil {
		return err
	}
	_, err = c.stdout.Write(text)
	return err
}

func (c *configs) show(ctx context.Context, _ io.Writer) error {
	p, err := c.load(ctx)
	if err != nil {
		return err
	}
	settings := p.Effective()
	for i, s := range settings {
		if s.Path == "location" && c.location != "" {
			settings[i].Source = "--location"
		}
	}
	if c.format == "json" {
		return writeJSON(c.stdout, settings)
	}
	_, err = io.WriteString(c.stdout, config.WriteEffective(settings))
	return err
}

// writeJSON writes a value with indentation, as a person and a program can read it.
func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
