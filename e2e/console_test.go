package e2e

import (
	"net/url"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/browsertest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// TestConsoleOfThanos runs make run CONSOLE=thanos: the page of Thanos is the first to open, and it draws series, rules
// and targets of the demonstration's Prometheus. Ctrl-C ends its programs too.
func TestConsoleOfThanos(t *testing.T) {
	t.Parallel()
	testkit.Tool(t, "..", "thanos")
	b := browsertest.Start(t)
	d := startDemo(t, "THORBIS_DEMO_CONSOLE=thanos")
	if servers := serversOf(t, d.cmd.Process.Pid); len(servers) != 6 {
		t.Errorf("%d programs were started, want the four of the demonstration, the sidecar and the Querier", len(servers))
	}
	console := "http://" + d.where.Console
	opensFirst(t, d, d.where.Console)
	must(t, b.Size(1280, 900, false))
	eventually(t, time.Minute, "a record, which the console reads from Prometheus", func() bool {
		found, err := holds(d.where.Console, metric.CheckState.Name)
		return err == nil && found
	})
	for name, page := range map[string]struct{ path, shows string }{
		"graph": {"/graph?" + url.Values{
			"g0.expr": {metric.CheckState.Name}, "g0.tab": {"1"}, "g0.stacked": {"0"}, "g0.range_input": {"15m"},
		}.Encode(), "web-home"},
		"rules":   {"/rules", "thorbis-slo-ledger"},
		"alerts":  {"/alerts", "ThorbisWatchdog"},
		"targets": {"/targets", d.where.Exporters[0]},
		"stores":  {"/stores", "sidecar"},
	} {
		must(t, b.Open(console+page.path))
		if err := b.Wait(`document.body.textContent.toLowerCase().includes('` + page.shows + `'.toLowerCase())`); err != nil {
			t.Errorf("%s does not show %s: %v", name, page.shows, err)
		}
	}
	d.interrupt(t)
	if code := status(console + "/"); code != 0 {
		t.Errorf("the console answers %d after Ctrl-C", code)
	}
}
