package stack

import (
	"context"

	"github.com/thorbis/thorbis_exporter/internal/loopback"
)

// ConsoleThanos is the page of Thanos' Querier: graphs, alerts, rules and targets of the Prometheus of the stack.
const ConsoleThanos = "thanos"

// consoleLabels returns the external labels of the Prometheus behind a console: a sidecar refuses one without.
func (s *Stack) consoleLabels() map[string]string {
	if s.options.Console == "" {
		return nil
	}
	return map[string]string{prometheusLabel: "1"}
}

// startConsole starts the console where one is wanted. The Querier drops the external label, so that queries of the
// bundle read there what they read in Prometheus.
func (s *Stack) startConsole(ctx context.Context) error {
	if s.options.Console == "" {
		return nil
	}
	s.say("the console: Thanos")
	var stores [2]string
	for i := range stores {
		var err error
		if stores[i], err = loopback.FreeAddress(); err != nil {
			return err
		}
	}
	var err error
	if s.sidecar, err = s.startSidecar(ctx, "sidecar", s.Prometheus, stores[0]); err != nil {
		return err
	}
	s.console, err = s.startThanos(ctx, "console", "query", s.Console, stores[1],
		"--endpoint="+stores[0], "--query.replica-label="+prometheusLabel, "--query.default-step=15s")
	return err
}
