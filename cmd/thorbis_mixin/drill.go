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
	format       string
}

// drilled is what drill prints as JSON: the plan, and with --yes what became of it.
type drilled struct {
	*drill.Plan
	Sent         bool           `json:"sent"`
	Delivered    map[string]int `json:"delivered,omitempty"` // by integration
	Failed       map[string]int `json:"failed,omitempty"`
	Missing      []string       `json:"missing,omitempty"` // channels that Alertmanager does not notify
	Acknowledged []acknowledged `json:"acknowledged,omitempty"`
}

// acknowledged is an alert of the plan that was acknowledged.
type acknowledged struct {
	Alert   int     `json:"alert"` // its place in the plan, from 0
	Seconds float64 `json:"seconds"`
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
	formatFlag(c, &d.format)
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
	if d.format == "json" {
		return d.runJSON(p, plan, out)
	}
	fmt.Fprint(out, plan)
	result, err := d.page(p, plan, func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) })
	if err != nil {
		return err
	}
	if result == nil {
		fmt.Fprintln(out, "Nothing was sent: --yes pages for real.")
		return nil
	}
	printDrill(result, plan, out)
	return failure(result, plan)
}

// runJSON prints one object when the drill is over, and its progress on standard error.
func (d *drillCommand) runJSON(p *config.Policy, plan *drill.Plan, out io.Writer) error {
	result, err := d.page(p, plan, func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) })
	found := drilled{Plan: plan, Sent: result != nil}
	if result != nil {
		found.Delivered, found.Failed, found.Missing = result.Delivered, result.Failed, result.Missing
		for _, i := range slices.Sorted(maps.Keys(result.Acknowledged)) {
			found.Acknowledged = append(found.Acknowledged, acknowledged{i, result.Acknowledged[i].Seconds()})
		}
		if err == nil {
			err = failure(result, plan)
		}
	}
	return errors.Join(writeJSON(out, found), err)
}

// page pages if --yes is given; else the result is nil.
func (d *drillCommand) page(p *config.Policy, plan *drill.Plan, say func(string, ...any)) (*drill.Result, error) {
	if len(plan.Alerts) == 0 {
		return nil, errors.New("no channel can be notified now: " +
			"the policy has none beside deadman, or all keep business hours")
	}
	if !d.yes {
		return nil, nil
	}
	server, err := d.server(p)
	if err != nil {
		return nil, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	one := &drill.Drill{
		URL: server.URL, Plan: plan, For: d.duration, Poll: drillPoll,
		Authorize: func(req *http.Request) error { return server.Authorize(req.Context(), req) }, Say: say,
	}
	return one.Run(ctx)
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

// printDrill prints what became of a drill.
func printDrill(r *drill.Result, plan *drill.Plan, out io.Writer) {
	for _, integration := range slices.Sorted(maps.Keys(r.Delivered)) {
		fmt.Fprintf(out, "%s: %d delivered, %d failed\n", integration, r.Delivered[integration], r.Failed[integration])
	}
	fmt.Fprintf(out, "%d of %d alerts were acknowledged\n", len(r.Acknowledged), len(plan.Alerts))
}

// failure returns an error if a channel was not notified or an alert not acknowledged.
func failure(r *drill.Result, plan *drill.Plan) error {
	failed := 0
	for integration := range r.Delivered {
		failed += r.Failed[integration]
	}
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
