// Command demo runs the whole system on 127.0.0.1 beside a platform to break, until Ctrl-C. `demo history` does so with
// the records of two weeks before. `demo outage [MODE [TENANT]]` breaks the platform of a running demonstration, or one
// tenant's part of it, and `demo recover` mends it. THORBIS_DEMO_PORT has all its parts listen from that port on, so
// that two demonstrations fit on one machine. THORBIS_DEMO_TENANTS is how many tenants there are.
// THORBIS_DEMO_CONSOLE=thanos adds the page of Thanos' Querier.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/thorbis/thorbis_exporter/demo/saas"
	"github.com/thorbis/thorbis_exporter/demo/stack"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 0:
		return serve(false)
	case args[0] == "history" && len(args) == 1:
		return serve(true)
	case args[0] == "outage" && len(args) <= 3:
		parameters := url.Values{}
		for i, name := range []string{"mode", "tenant"}[:len(args)-1] {
			parameters.Set(name, args[1+i])
		}
		return control("/outage?" + parameters.Encode())
	case args[0] == "recover" && len(args) == 1:
		return control("/recover")
	}
	return fmt.Errorf("usage: demo [history] | demo outage [MODE [TENANT]] | demo recover, with MODE one of %s",
		saas.ModeNames())
}

// console is the one that the environment names.
func console() string { return os.Getenv("THORBIS_DEMO_CONSOLE") }

// pages lists what is best opened first.
func pages(s *stack.Stack) string {
	dashboards := fmt.Sprintf("http://%s/         the dashboards, as Grafana shows them, with alerts and rules", s.Preview)
	if console() == "" {
		return "open     " + dashboards
	}
	thanos := fmt.Sprintf("http://%s/         Thanos: graphs, alerts, rules, targets", s.Console)
	return "open     " + thanos + "\n           " + dashboards
}

// addresses are the fixed ones unless the environment names a port.
func addresses() (stack.Addresses, error) {
	port, err := number("THORBIS_DEMO_PORT", 0)
	if err != nil || port == 0 {
		return stack.DefaultAddresses(), err
	}
	return stack.AddressesFrom(port)
}

// number is that of a variable of the environment, or what it is without.
func number(variable string, otherwise int) (int, error) {
	text := os.Getenv(variable)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s: invalid number %q", variable, text)
	}
	return n, nil
}

func control(path string) error {
	where, err := addresses()
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 10 * time.Second}
	resp, err := client.Post("http://"+where.Control+path, "", nil)
	if err != nil {
		return fmt.Errorf("no demonstration is running; start one with make run: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", strings.TrimSpace(string(text)))
	}
	fmt.Print(string(text))
	return nil
}

// serve runs the demonstration, with the records of two weeks before it if history is true.
func serve(history bool) error {
	// the last: a closed terminal
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	bin := os.Getenv("THORBIS_BIN")
	if bin == "" {
		bin = "bin"
	}
	where, err := addresses()
	if err != nil {
		return err
	}
	tenants, err := number("THORBIS_DEMO_TENANTS", 40)
	if err != nil {
		return err
	}
	s, err := stack.Start(ctx, stack.Options{
		Bin: bin, Addresses: where, Progress: os.Stdout, Pages: os.Stdout, Traffic: 40, Tenants: tenants, History: history,
		Console: console(),
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer func() {
		fmt.Println("stopping everything")
		s.Stop()
	}()
	fmt.Printf(`
Everything is up, and Prometheus scrapes it.

  %[9]s
           http://%[1]s/status   the exporter: checks, outages, collectors
           http://%[2]s/         Alertmanager: what fires, silences
           http://%[3]s/metrics  what Prometheus scrapes every 15 s
  query    http://%[4]s/api/v1/query?query=ALERTS
           (a Prometheus built from its module has the API but no web page of its own)
  platform http://%[5]s/healthz, /t/acme/healthz; https://%[6]s/t/globex/healthz
  pages    printed here, and kept at http://%[7]s/pages
  logs     %[8]s

Break it from another terminal:  make outage                     MODE=%[10]s
Or one tenant's part:            make outage TENANT=acme         with any MODE
Unless you open the page's Acknowledge link, the secondary is paged after 2 minutes and the manager after 5.
Mend all of it:                  make recover
Stop everything:                 Ctrl-C

`, s.Exporters[0], s.Alertmanager, s.Exporters[0], s.Prometheus, s.Addresses.SaaS, s.SaaSTLS, s.Addresses.Pager, s.Dir,
		pages(s), saas.ModeNames())

	watch := time.NewTicker(time.Second)
	defer watch.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-watch.C:
			if err := s.Ended(); err != nil {
				return err
			}
		}
	}
}
