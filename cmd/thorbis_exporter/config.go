package main

import (
	"context"
	"io"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/config/schema"
)

// configs is the family of commands that write and show policies.
type configs struct {
	*flags
	run map[string]func(ctx context.Context, stderr io.Writer) error
}

func newConfigs(app *kingpin.Application, f *flags) *configs {
	c := &configs{flags: f, run: map[string]func(context.Context, io.Writer) error{}}
	family := app.Command("config", "Write and show policies.")
	describe := family.Command("schema", "Print the JSON Schema of the policy, with which editors complete and check it.")
	c.run[describe.FullCommand()] = c.schema
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
