// Package e2e proves the whole path, from a broken platform to a page, with the real programs: the
// exporter, Prometheus and Alertmanager on the generated bundle, as `make run` starts them.
package e2e

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/demo/pager"
	"github.com/thorbis/thorbis_exporter/demo/saas"
	"github.com/thorbis/thorbis_exporter/demo/stack"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// pageTime is the worst case from outage to page that the design permits.
	pageTime = 95 * time.Second
	// settle is how long after an outage too short to page a page could still be on its way: a probe's
	// interval, a scrape, an evaluation and the group's wait.
	settle = 75 * time.Second
	// resolveTime is a recheck, a scrape, an evaluation and the group's interval, twice.
	// A burn of the requests that failed fires on for five minutes, and is of the same page.
	resolveTime = 8 * time.Minute
)

// start starts the demonstration with so many exporters, and so many requests a second of the platform's users.
func start(t *testing.T, exporters int, traffic float64) *stack.Stack {
	t.Helper()
	addresses, err := stack.FreeAddresses(exporters)
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(t.Context(), stack.Options{
		Alertmanager: "alertmanager-newest",
		Bin:          bin(), Addresses: addresses, Progress: t.Output(), Pages: t.Output(), Traffic: traffic,
		Secondary: time.Hour, Manager: time.Hour, // escalation_test.go is about those
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	checkMetrics(t, s)
	checkConfiguration(t, s)
	return s
}

// checkConfiguration asks promtool what it thinks of what Prometheus was given.
func checkConfiguration(t *testing.T, s *stack.Stack) {
	t.Helper()
	promtool := exec.Command(filepath.Join(bin(), "tools", "promtool"), "check", "config", "--lint=all", "--lint-fatal",
		filepath.Join(s.Dir, "prometheus.yml"))
	if out, err := promtool.CombinedOutput(); err != nil {
		t.Errorf("promtool check config: %v\n%s", err, out)
	}
}

// checkMetrics asks promtool what it thinks of what the exporters expose.
func checkMetrics(t *testing.T, s *stack.Stack) {
	t.Helper()
	for _, address := range s.Exporters {
		resp, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		promtool := exec.Command(filepath.Join(bin(), "tools", "promtool"), "check", "metrics")
		promtool.Stdin = resp.Body
		out, err := promtool.CombinedOutput()
		resp.Body.Close()
		if err != nil || len(out) > 0 {
			t.Errorf("promtool check metrics: %v\n%s", err, out)
		}
	}
}

// bin is where make build and make tools put the programs.
func bin() string { return cmp.Or(os.Getenv("THORBIS_BIN"), "../bin") }

// A refusing platform, judged by two exporters of which each is killed and comes back in the middle. Its users'
// requests fail too, and are another reason to page.
func TestRefusedPlatformPagesOnceAcrossCrashes(t *testing.T) {
	t.Parallel()
	s := start(t, 2, 40)
	outage(t, s, saas.Refuse, func() {
		for i := range s.Exporters {
			s.KillExporter(i)
			sleep(t, 10*time.Second)
			if err := s.StartExporter(t.Context(), i); err != nil {
				t.Fatal(err)
			}
		}
	})
	eventually(t, 4*time.Minute, "throughput for a minute", func() bool {
		n, err := query(s.Prometheus, metric.ServiceRate.Name+" offset 1m") // as the panels are asked
		return err == nil && n > 0
	})
	eventually(t, 8*time.Minute, "budgets, which take some evaluations of the slow groups", func() bool {
		n, err := query(s.Prometheus, metric.SLOBudgetLeft.Name)
		return err == nil && n != 0
	})
	checkDashboards(t, s) // all that is shown has happened
	t.Run("preview", func(t *testing.T) { previewInPeace(t, s) })
	forgotten(t, s)
	t.Run("preview of an outage", func(t *testing.T) { previewInOutage(t, s) })
}

// A hanging platform, judged by the only exporter, which is killed and comes back in the middle.
func TestHangingPlatformPagesOnceAcrossACrash(t *testing.T) {
	t.Parallel()
	s := start(t, 1, 0)
	outage(t, s, saas.Hang, func() {
		s.KillExporter(0)
		sleep(t, 20*time.Second)
		if err := s.StartExporter(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	})
}

// A hanging disk holds back no page: the only exporter has not been able to save for long when the platform breaks.
func TestHungDiskHoldsBackNoPage(t *testing.T) {
	t.Parallel()
	s := start(t, 1, 0)
	fifo := filepath.Join(s.Dir, "exporter-1-data", "health.state.tmp")
	// whoever opens it for writing waits for a reader
	eventually(t, 10*time.Second, "no save under way", func() bool { return syscall.Mkfifo(fifo, 0o600) == nil })
	eventually(t, time.Minute, "counting from memory", func() bool {
		page, err := body("http://" + s.Exporters[0] + "/metrics")
		return err == nil && strings.Contains(page, metric.StateUnsaved.Name+`{collector="health",environment="demo"} 1`)
	})
	page, err := body("http://" + s.Exporters[0] + "/status")
	if err != nil || !strings.Contains(page, "Nothing has been saved") {
		t.Errorf("the status page does not say that the disk hangs: %v", err)
	}
	began := time.Now()
	must(t, s.SaaS.Break(saas.Refuse))
	eventually(t, pageTime+10*time.Second, "the page", func() bool { return len(pages(s, "trigger")) > 0 })
	took := pages(s, "trigger")[0].At.Sub(began)
	t.Logf("from outage to page beside a hung disk: %.1f s, of at most %.0f s", took.Seconds(), pageTime.Seconds())
	if took > pageTime {
		t.Errorf("the page came %s after the outage, want at most %s", took, pageTime)
	}
	must(t, s.SaaS.Recover())
	eventually(t, resolveTime, "the resolve", func() bool { return len(pages(s, "resolve")) > 0 })
	reader, err := os.OpenFile(fifo, os.O_RDWR, 0) // lets the save go on and end
	must(t, err)
	must(t, reader.Close())
}

// An outage of 30 seconds sends no page and one of 45 seconds sends one, also with two exporters that each see it.
func TestShortTroubleSendsNoPage(t *testing.T) {
	t.Parallel()
	s := start(t, 2, 0)
	s.SaaS.FailNext(1)
	eventually(t, time.Minute, "the failed probe", func() bool { return s.SaaS.Unfailed() == 0 })
	sleep(t, settle)
	quiet(t, s)
	for _, mode := range []saas.Mode{saas.Refuse, saas.Error} {
		must(t, s.SaaS.Break(mode))
		eventually(t, time.Minute, "the outage in the exporter", func() bool { return seenDown(t, s) })
		sleep(t, 15*time.Second) // about 20 s since the first failed probe of any check
		must(t, s.SaaS.Recover())
		sleep(t, settle)
		quiet(t, s)
	}
	if s.Pager.Heartbeats() == 0 {
		t.Error("the dead man's switch was never pressed: quiet proves nothing")
	}

	must(t, s.SaaS.Break(saas.Refuse))
	eventually(t, time.Minute, "the outage in the exporter", func() bool { return seenDown(t, s) })
	sleep(t, 45*time.Second)
	must(t, s.SaaS.Recover())
	eventually(t, 30*time.Second, "the page", func() bool { return len(pages(s, "trigger")) > 0 })
	eventually(t, resolveTime, "the resolve", func() bool { return len(pages(s, "resolve")) > 0 })
	sleep(t, 20*time.Second) // the chat's may come after it
	notifiedOnce(t, s, 0)
}

// outage breaks the platform, expects exactly one page of priority P1, disturbs, mends, and expects
// exactly one resolve and nothing after it.
func outage(t *testing.T, s *stack.Stack, mode saas.Mode, disturb func()) {
	t.Helper()
	began := time.Now()
	must(t, s.SaaS.Break(mode))
	eventually(t, pageTime+10*time.Second, "the page", func() bool { return len(pages(s, "trigger")) > 0 })
	page := pages(s, "trigger")[0]
	took := page.At.Sub(began)
	t.Logf("from outage (%s) to page: %.1f s, of at most %.0f s", mode, took.Seconds(), pageTime.Seconds())
	if took > pageTime {
		t.Errorf("the page came %s after the outage, want at most %s", took, pageTime)
	}
	check(t, page)

	disturb()
	sleep(t, settle)
	if n := len(pages(s, "trigger")); n != 1 {
		t.Errorf("%d pages during one outage, want 1: %+v", n, pages(s, "trigger"))
	}
	// The platform has two checks, and its users' requests. The second and third may come a group interval later, as
	// updates.
	if n := len(pages(s, "update")); n > 2 {
		t.Errorf("%d updates of one page, want at most 2", n)
	}
	if n := len(pages(s, "resolve")); n != 0 {
		t.Errorf("%d resolves during the outage, want none", n)
	}

	mended := time.Now()
	must(t, s.SaaS.Recover())
	eventually(t, resolveTime, "the resolve", func() bool { return len(pages(s, "resolve")) > 0 })
	resolve := pages(s, "resolve")[0]
	t.Logf("from mend to resolve: %.1f s", resolve.At.Sub(mended).Seconds())
	if resolve.DedupKey != page.DedupKey {
		t.Errorf("resolved %q, want the page's %q", resolve.DedupKey, page.DedupKey)
	}
	sleep(t, settle)
	if triggers, resolves := len(pages(s, "trigger")), len(pages(s, "resolve")); triggers != 1 || resolves != 1 {
		t.Errorf("after the mend there are %d pages and %d resolves, want 1 of each: %+v", triggers, resolves,
			s.Pager.Pages())
	}
	notifiedOnce(t, s, 2)
	must(t, s.Ended())
}

// notifiedOnce expects that only the receivers of a P1 were notified of one outage, which is over: a page and its
// resolve, a message in the chat and its resolve. Between them, there may be an update for each further reason of the
// service.
func notifiedOnce(t *testing.T, s *stack.Stack, updates int) {
	t.Helper()
	for _, p := range s.Pager.Pages() {
		page := p.Kind == pager.PagerDuty && p.RoutingKey == stack.RoutingKey
		chat := p.Kind == pager.Slack && p.To == "#incidents-critical" && strings.Contains(p.Summary, "[P1] web")
		if !page && !chat {
			t.Errorf("another receiver was notified of the outage: %+v", p)
		}
	}
	if first, more := len(pages(s, "trigger")), len(pages(s, "update")); first != 1 || more > updates {
		t.Errorf("%d pages and %d updates, want 1 and at most %d", first, more, updates)
	}
	if n := len(chatted(s, "firing")); n < 1 || n > 1+updates {
		t.Errorf("%d messages in the chat of one outage, want 1 and at most %d updates", n, updates)
	}
	if pager, chat := len(pages(s, "resolve")), len(chatted(s, "resolved")); pager != 1 || chat != 1 {
		t.Errorf("%d resolves, and %d messages that it is over, want 1 of each", pager, chat)
	}
}

// forgotten waits until the shortest window holds no bad request of the outage. Until then the alert of the check that
// was down hides the burn, which must not fire in its place.
func forgotten(t *testing.T, s *stack.Stack) {
	t.Helper()
	burns := metric.SLOBurn["5m"].Select(`slo="availability"`)
	// The short window may have left the outage behind: the page is resolved five minutes after it.
	if burned, err := holds(s.Prometheus, "max_over_time("+burns+"[30m]) > 100"); err != nil || !burned {
		t.Fatalf("the outage burned no budget of requests (%v): that one alert fires proves nothing", err)
	}
	eventually(t, 10*time.Minute, "the end of the burn", func() bool {
		over, err := holds(s.Prometheus, burns+" < 1")
		return err == nil && over
	})
	sleep(t, settle)
	if n := len(pages(s, "trigger")); n != 1 {
		t.Errorf("%d pages for one outage, want 1: %+v", n, s.Pager.Pages())
	}
	notifiedOnce(t, s, 2)
	must(t, s.Ended())
}

func check(t *testing.T, page pager.Page) {
	t.Helper()
	if page.RoutingKey != stack.RoutingKey {
		t.Errorf("the page carries another routing key")
	}
	if page.Severity != "critical" {
		t.Errorf("the page's severity is %q, want critical", page.Severity)
	}
	for _, want := range []string{"P1", "web"} {
		if !strings.Contains(page.Summary, want) {
			t.Errorf("the page's summary %q does not say %s", page.Summary, want)
		}
	}
	links := map[string]string{}
	for _, l := range page.Links {
		links[l.Text] = l.Href
	}
	for text, part := range map[string]string{"Runbook": "/docs/runbooks/", "Dashboard": "/d/", "Graph": "/graph"} {
		if !strings.HasPrefix(links[text], "http") || !strings.Contains(links[text], part) {
			t.Errorf("the page's link %s is %q, want an address with %s", text, links[text], part)
		}
	}
}

// body gets a page whole.
func body(url string) (string, error) {
	resp, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

// pages are the events that PagerDuty was sent.
func pages(s *stack.Stack, action string) []pager.Page {
	var found []pager.Page
	for _, p := range s.Pager.Pages() {
		if p.Kind == pager.PagerDuty && p.Action == action {
			found = append(found, p)
		}
	}
	return found
}

// seenDown reports whether the first exporter holds any check for down.
func seenDown(t *testing.T, s *stack.Stack) bool {
	t.Helper()
	resp, err := http.Get("http://" + s.Exporters[0] + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, metric.HealthCheckState.Name+"{") && strings.HasSuffix(line, " 1") &&
			strings.Contains(line, `state="down"`) {
			return true
		}
	}
	return false
}

func quiet(t *testing.T, s *stack.Stack) {
	t.Helper()
	if all := s.Pager.Pages(); len(all) > 0 {
		t.Errorf("a notification was sent for an outage too short to page: %+v", all)
	}
}

func eventually(t *testing.T, within time.Duration, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !condition(); sleep(t, 100*time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no sign of %s within %s", what, within)
		}
	}
}

func sleep(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
	if t.Context().Err() != nil {
		t.Fatal(t.Context().Err())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
