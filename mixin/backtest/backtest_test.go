package backtest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/loopback"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
)

const policy = `version: 1
environment: shop
channels:
  deadman: none
  pager: {webhook: {url: "http://127.0.0.1:1/"}}
  chat: {webhook: {url: "http://127.0.0.1:2/"}}
owners: {sre: {notify: [pager, chat]}}
priorities:
  P1: {respond_within: 15m, notify: [pager]}
services: [{name: shop, owner: sre, page: P1}]
slos:
  - name: orders
    app_service: shop
    objective: 99.9%
    bad: 'sum(rate(orders_total{result="failed"}[$window]))'
    total: 'sum(rate(orders_total[$window]))'
`

func load(t *testing.T, text string) (*config.Policy, rules.Bundle) {
	t.Helper()
	p := policytest.Load(t, t.TempDir(), text)
	bundle, err := rules.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	return p, bundle
}

// TestRealPrometheus: a Prometheus that never saw this bundle holds four hours of a shop's orders, of which all
// failed for ten minutes. The replay finds that one page, and when.
func TestRealPrometheus(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real Prometheus and replays four hours")
	}
	prometheus, promtool := program(t, "prometheus"), program(t, "promtool")
	t.Setenv("TMPDIR", t.TempDir()) // so that only what this test leaves behind is seen
	dir := t.TempDir()
	begin := time.Now().Add(-6 * time.Hour).Truncate(time.Minute)
	outage := begin.Add(2 * time.Hour)
	var text strings.Builder
	text.WriteString("# TYPE orders counter\n")
	for _, result := range []string{"done", "failed"} {
		count := 0
		for at := begin; at.Before(begin.Add(4 * time.Hour)); at = at.Add(15 * time.Second) {
			failing := !at.Before(outage) && at.Before(outage.Add(10*time.Minute))
			if failing == (result == "failed") {
				count += 75
			}
			fmt.Fprintf(&text, "orders_total{result=%q,job=\"shop\",instance=\"a\"} %d %d\n", result, count, at.Unix())
		}
	}
	// What a shadow bundle wrote there: its Watchdog, and the page a minute after the outage began.
	for at := begin; at.Before(begin.Add(4 * time.Hour)); at = at.Add(time.Minute) {
		const shadow = `bundle="thorbis",shadow="true",alertstate="firing"`
		fmt.Fprintf(&text, "ALERTS{alertname=\"ThorbisWatchdog\",%s} 1 %d\n", shadow, at.Unix())
		if at.After(outage) && at.Before(outage.Add(15*time.Minute)) {
			fmt.Fprintf(&text, "ALERTS{alertname=\"ThorbisSLOBurn\",priority=\"P1\",app_service=\"shop\","+
				"environment=\"shop\",%s} 1 %d\n", shadow, at.Unix())
		}
	}
	text.WriteString("# EOF\n")
	input, data := filepath.Join(dir, "input"), filepath.Join(dir, "data")
	testkit.WriteFile(t, input, text.String())
	if out, err := exec.Command(promtool, "tsdb", "create-blocks-from", "openmetrics", input, data).
		CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	config := filepath.Join(dir, "prometheus.yml")
	testkit.WriteFile(t, config, "{}")
	address := freeAddress(t)
	ctx, stop := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, prometheus, "--config.file="+config, "--storage.tsdb.path="+data,
		"--web.listen-address="+address)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); _ = server.Wait() })
	ready(t, "http://"+address)

	p, bundle := load(t, policy)
	var progress int
	report, err := Run(ctx, bundle, Options{
		URL: "http://" + address, From: begin, To: begin.Add(4 * time.Hour), Chunk: time.Hour, Load: .5,
		Interval:   15 * time.Second,
		OnProgress: func(Progress) { progress++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Episodes) != 1 || len(report.Failures) > 0 || progress == 0 {
		t.Fatalf("%+v", report)
	}
	e := report.Episodes[0]
	if e.Labels.Get("alertname") != "ThorbisSLOBurn" || e.Labels.Get("priority") != "P1" ||
		e.Labels.Get("slo") != "orders" ||
		e.From.Before(outage) || e.From.After(outage.Add(2*time.Minute)) || e.To.Before(outage.Add(10*time.Minute)) ||
		e.To.After(outage.Add(22*time.Minute)) { // ten minutes, the short window, and what a burn fires on
		t.Errorf("%s to %s: %s; the outage began %s", e.From, e.To, e.Labels, outage)
	}
	shadow, watched, err := Shadow(ctx, Options{
		URL: "http://" + address, From: begin, To: begin.Add(4 * time.Hour), Chunk: 70 * time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	if watched != 238*time.Minute || len(shadow.Episodes) != 1 || shadow.Notifications()["P1"] != 1 {
		t.Errorf("the shadow bundle was loaded for %s: %+v", watched, shadow)
	}
	var page bytes.Buffer
	Conclude(p, report, shadow, watched).Write(&page)
	for _, want := range []string{
		"a shadow bundle that was loaded for 3h58m", "P1 ThorbisSLOBurn: 1 times", "Not measured here: ",
		"Conclusion: less than a day is too short",
		"Next: keep the shadow bundle until",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, &page)
		}
	}
	// Pieces that end between two evaluations lose nothing at their seams.
	var found []string
	for _, chunk := range []time.Duration{90 * time.Minute, 7*time.Minute + 4*time.Second} {
		again, err := Run(ctx, bundle, Options{
			URL: "http://" + address, From: outage.Add(-30 * time.Minute), To: outage.Add(time.Hour), Chunk: chunk,
			Interval: 15 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, fmt.Sprint(again.Samples, again.Episodes))
	}
	if found[0] != found[1] {
		t.Errorf("in one piece %s\nin many %s", found[0], found[1])
	}
	var out bytes.Buffer
	report.Write(&out, p, true)
	for _, want := range []string{
		"ThorbisSLOBurn", "pager, chat (what sre owns)", "burns the budget of orders", "nothing that they read: Thorbis",
		"ThorbisAlert",
		"ThorbisServiceUnwatched",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &out)
		}
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "thorbis-backtest*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestRefusals covers what a server may answer, and the errors that follow.
func TestRefusals(t *testing.T) {
	_, bundle := load(t, policy)
	for name, c := range map[string]struct{ body, want string }{
		"no JSON":   {"<html>", "not what a Prometheus says"},
		"an error":  {`{"status":"error","error":"no"}`, "no"},
		"no series": {`{"status":"success","data":[]}`, "holds none of the series"},
	} {
		server := httptest.NewServer(
			http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(c.body)) }))
		_, err := Run(context.Background(), bundle, Options{
			URL: server.URL, From: time.Unix(0, 0), To: time.Unix(3600, 0), Chunk: time.Hour, Interval: 15 * time.Second,
		})
		server.Close()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := Run(context.Background(), bundle, Options{}); err == nil {
		t.Error("an empty period is accepted")
	}
}

// TestPrune: on a server that holds other people's series only, most rules cannot yield anything.
func TestPrune(t *testing.T) {
	_, bundle := load(t, policy)
	needs := inputs(bundle)
	if !strings.Contains(strings.Join(needs, "\n"), "orders_total") {
		t.Errorf("the objective's series are not read: %v", needs)
	}
	files := prune(bundle, []string{"orders_total"})
	if _, ok := files["health.rules.yaml"]; ok {
		t.Error("rules on health checks are kept")
	}
	if !strings.Contains(string(files["slo.rules.yaml"]), "ThorbisSLOBurn") {
		t.Error("the objective's alert is left out")
	}
	alerts := func(files map[string][]byte) string {
		var names []string
		for _, text := range files {
			for line := range strings.SplitSeq(string(text), "\n") {
				if _, name, ok := strings.Cut(line, "alert: "); ok && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	if got := alerts(files); got != "ThorbisDeploymentBurning ThorbisManyTenantsBurning "+
		"ThorbisObjectiveImplausible ThorbisObjectiveUnmeasured "+
		"ThorbisSLOBurn ThorbisSourceSilent ThorbisTenantBurn ThorbisTenantsSilent ThorbisTierBurn ThorbisTrafficVanished" {
		t.Errorf("on a server that has never seen an exporter of ours: %s", got)
	}
	left := prune(bundle, []string{"orders_total", metric.HealthCheckObservedSeconds.Name})
	if got := alerts(left); !strings.Contains(got, metric.ServiceUnwatchedAlert.Name) {
		t.Errorf("on one that has: %s", got)
	}
}

func program(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("THORBIS_TOOLS")
	if dir == "" {
		dir = filepath.Join("..", "..", "bin", "tools")
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; run make tools", err)
	}
	return path
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := loopback.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// ready waits until a server answers.
func ready(t *testing.T, url string) {
	t.Helper()
	testkit.Eventually(t, func() bool {
		response, err := http.Get(url + "/-/ready")
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK
	}, "%s is ready", url)
}

// TestWidest: what a wider selector asks for is not asked for again.
func TestWidest(t *testing.T) {
	got := widest([]string{
		`x{environment="a"}`, `x{environment="a",page="P1"}`, `x{environment!="a"}`,
		`x{page="P1",environment="a",tenant!=""}`,
	})
	if want := []string{`x{environment="a"}`, `x{environment!="a"}`}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := widest([]string{"x", `x{a="b"}`}); !slices.Equal(got, []string{"x"}) {
		t.Errorf("%v", got)
	}
	if got := widest([]string{`x{a="b"}`, `x{c="d"}`}); len(got) != 2 {
		t.Errorf("%v", got)
	}
}
