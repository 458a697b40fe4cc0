package main

import (
	"encoding/json"
	"io"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/mixin/explain"
)

// explainCommand explains one service.
type explainCommand struct {
	command, service, format string
}

func newExplain(app *kingpin.Application) *explainCommand {
	e := &explainCommand{}
	c := app.Command("explain", "Print what the policy promises, measures, judges, routes and shows of a service.")
	formatFlag(c, &e.format)
	c.Arg("service", "Name of the service.").Required().StringVar(&e.service)
	e.command = c.FullCommand()
	return e
}

// formatFlag adds the flag by which a command prints JSON.
func formatFlag(c *kingpin.CmdClause, format *string) {
	c.Flag("format", "text or json.").Default("text").EnumVar(format, "text", "json")
}

func (e *explainCommand) run(p *config.Policy, out io.Writer) error {
	service, err := explain.Of(p, e.service)
	if err != nil {
		return err
	}
	if e.format == "json" {
		return writeJSON(out, service)
	}
	service.Write(out, p)
	return nil
}

func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
