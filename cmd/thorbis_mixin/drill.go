package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/alertmanager"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/mixin/drill"
	"github.com/thorbis/thorbis_exporter/mixin/routetest"
)

// drillPoll is how often the alerts of a drill are looked at and repeated.
const drillPoll = 5 * time.Second

// drillCommand pages for real, as a drill.
type drillCommand struct {
	command      string
	alertmanager string
	yes          bool
	duration     time.Duration
}

func newDrill(app *kingpin.Application) *drillCommand {
	d := &drillCommand{}
	c := app.Command("drill",
		"Show which alerts notify every channel; with --yes page through all of them, marked as a drill.")
	c.Flag("alertmanager", "Name in the policy of the Alertmanager to use; the first one without it.").
		StringVar(&d.alertmanager)
	c.Flag("yes", "Page for real.").BoolVar(&d.yes)
	c.Flag("for", "How long the alerts fire, if they are not all acknowledged before.").
		Default("10m").DurationVar(&d.duration)
	d.command = c.FullCommand()
	return d
}

func (d *drillCommand) run(p *config.Policy, out io.Writer) error {
	text, err := alertmanager.Build(p)
	if err != nil {
		return err
	}
	tester, err := routetest.NewTester(text)
	if err != nil {
		return err
	}
	plan, err := drill.New(p, tester, time.Now())
	if err != nil {
		return err
	}
	fmt.Fprint(out, plan)
	if len(plan.Alerts) == 0 {
		return errors.New("no channel can be notified now: " +
			"the policy has none beside deadman, or all keep business hours")
	}
	if !d.yes {
		fmt.Fprintln(out, "Nothing was sent: --yes pages for real.")
		return nil
	}
	server, err := d.server(p)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	one := &drill.Drill{
		URL: server.URL, Plan: plan, For: d.duration, Poll: drillPoll,
		Authorize: func(req *http.Request) error { return server.Authorize(req.Context(), req) },
		Say:       func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) },
	}
	result, err := one.Run(ctx)
	if err != nil {
		return err
	}
	return printDrill(result, plan, out)
}

// server returns the Alertmanager that is used.
func (d *drillCommand) server(p *config.Policy) (*config.Alertmanager, error) {
	var names []string
	for _, a := range p.Alertmanagers {
		if d.alertmanager == "" || a.Name == d.alertmanager {
			return a, nil
		}
		names = append(names, a.Name)
	}
	if len(names) == 0 {
		return nil, errors.New("the policy has no alertmanagers: " +
			"write alertmanagers: [{name: main, url: http://localhost:9093}]")
	}
	return nil, fmt.Errorf("unknown Alertmanager %q: %s", d.alertmanager, config.Suggest(d.alertmanager, names))
}

// printDrill prints what became of a drill. It is an error if a channel was not notified or an alert not acknowledged.
func printDrill(r *drill.Result, plan *drill.Plan, out io.Writer) error {
	failed := 0
	for _, integration := range slices.Sorted(maps.Keys(r.Delivered)) {
		failed += r.Failed[integration]
		fmt.Fprintf(out, "%s: %d delivered, %d failed\n", integration, r.Delivered[integration], r.Failed[integration])
	}
	fmt.Fprintf(out, "%d of %d alerts were acknowledged\n", len(r.Acknowledged), len(plan.Alerts))
	switch {
	case len(r.Missing) > 0:
		return fmt.Errorf("the drill failed: Alertmanager does not notify %s: it runs on another configuration",
			strings.Join(r.Missing, ", "))
	case len(r.Delivered) == 0:
		return errors.New("the drill failed: no notification was delivered")
	case failed > 0:
		return fmt.Errorf("the drill failed: %d notifications were not delivered; Alertmanager's log has the reasons", failed)
	case len(r.Acknowledged) < len(plan.Alerts):
		return fmt.Errorf("the drill failed: %d alerts were not acknowledged in time", len(plan.Alerts)-len(r.Acknowledged))
	}
	return nil
}
