package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/mixin/backtest"
)

// tryCommand concludes from a replay and from a shadow bundle what the policy would mean.
type tryCommand struct {
	command string
	flags   backtestFlags
}

func newTry(app *kingpin.Application) *tryCommand {
	c := app.Command("try", "Print on one page what the policy would mean where a Prometheus runs: a replay of "+
		"what it has stored, beside what the alerts of generate --shadow have done there.")
	return &tryCommand{c.FullCommand(), replayFlags(c, "14d")}
}

func (t *tryCommand) run(p *config.Policy, out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	options, err := t.flags.options(time.Now())
	if err != nil {
		return err
	}
	replayed, err := replay(ctx, p, options)
	if err != nil {
		return err
	}
	shadow, watched, err := backtest.Shadow(ctx, options)
	if err != nil {
		return err
	}
	found := backtest.Conclude(p, replayed, shadow, watched)
	if *t.flags.format == "json" {
		return writeJSON(out, found)
	}
	found.Write(out)
	return nil
}
