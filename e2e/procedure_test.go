package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// procedures is a machine with jobs: supercronic runs them, two exporters are informed of them, a Prometheus judges.
type procedures struct {
	dir, prometheus string
	exporters       [2]string // metrics
	receivers       [2]string
	running         map[string]*exec.Cmd
}

const (
	jobKey  = "key-of-the-jobs-of-this-test"
	jobUUID = "5e3c1f9a-0000-4000-8000-00000000abcd"
)

func (p *procedures) file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(p.dir, name)
	testkit.WriteFile(t, path, text)
	return path
}

// start starts a program, and kills it at the end of the test.
func (p *procedures) start(t *testing.T, name string, env []string, command ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), command[0], command[1:]...)
	c.Env = append(os.Environ(), env...)
	log, err := os.OpenFile(filepath.Join(p.dir, name+".log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	must(t, err)
	c.Stdout, c.Stderr, c.WaitDelay = log, log, time.Second
	must(t, c.Start())
	p.running[name] = c
	t.Cleanup(func() {
		p.kill(name)
		_ = log.Close()
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("%s:\n%s", name, text[max(0, len(text)-4000):])
		}
	})
}

// kill kills a program at once.
func (p *procedures) kill(name string) {
	if c := p.running[name]; c != nil {
		delete(p.running, name)
		_ = c.Process.Kill()
		_ = c.Wait()
	}
}

func (p *procedures) exporter(t *testing.T, i int) {
	t.Helper()
	name := fmt.Sprintf("exporter-%d", i+1)
	p.start(t, name, nil, filepath.Join(bin(), "thorbis_exporter"), "--config.file="+filepath.Join(p.dir, "thorbis.yaml"),
		"--web.listen-address="+p.exporters[i], "--receive.listen-address="+p.receivers[i],
		"--storage.path="+filepath.Join(p.dir, name+"-data"), "--no-collector.health", "--no-collector.host",
		"--no-collector.storage")
	eventually(t, 20*time.Second, name, func() bool {
		text, err := body("http://" + p.exporters[i] + "/-/ready")
		return err == nil && strings.Contains(text, "is ready")
	})
}

// jobs starts the runner of jobs: by curl to the first exporter, by the command run to the second, and by a script as
// the documentation of healthchecks.io has it, to the first.
func (p *procedures) jobs(t *testing.T) {
	t.Helper()
	p.start(t, "supercronic", []string{
		"THORBIS_PING_KEY_FILE=" + filepath.Join(p.dir, "key"),
		"THORBIS_SPOOL=" + filepath.Join(p.dir, "spool"),
	}, filepath.Join(bin(), "tools", "supercronic"), "-passthrough-logs", filepath.Join(p.dir, "crontab"))
}

// firing returns the alerts on procedures that fire, as alert:procedure, sorted.
func (p *procedures) firing(t *testing.T) string {
	t.Helper()
	return p.values(t, `ALERTS{alertname=~"ThorbisProcedure.+",alertstate="firing"}`, "alertname", "procedure")
}

func newProcedures(t *testing.T) *procedures {
	t.Helper()
	p := &procedures{dir: t.TempDir(), running: map[string]*exec.Cmd{}}
	for i := range 2 {
		p.exporters[i], p.receivers[i] = testkit.FreeAddress(t), testkit.FreeAddress(t)
	}
	p.prometheus = testkit.FreeAddress(t)
	absolute, err := filepath.Abs(bin())
	must(t, err)
	p.file(t, "key", jobKey)
	p.file(t, "uuid", jobUUID)
	p.file(t, "thorbis.yaml", `version: 1
channels: {deadman: none}
procedures:
  ping_keys: [{file: key}]
  expected:
    - {name: by-curl, on_calendar: ["*:*:0/10"], grace: 20s, page: P1}
    - {name: by-run, interval: 10s, grace: 20s, max_runtime: 30s, page: P2}
    - {name: by-script, interval: 10s, grace: 20s, page: P3, ping_id: {file: uuid}}
    - {name: not-yet, interval: 1h, page: P4}
`)
	p.file(t, "script.sh", `#!/bin/sh
RID=$(cat /proc/sys/kernel/random/uuid)
curl -fsS -m 10 --retry 5 -o /dev/null "$PING_URL/start?rid=$RID"
sleep 1
curl -fsS -m 10 --retry 5 -o /dev/null --data-raw "done" "$PING_URL/$??rid=$RID"
`)
	p.file(t, "crontab", fmt.Sprintf(`*/10 * * * * * * curl -fsS -m 10 -o /dev/null http://%[1]s/ping/%[3]s/by-curl
*/10 * * * * * * %[4]s/thorbis_exporter run --ping.url=http://%[2]s/ping by-run -- sleep 1
*/10 * * * * * * PING_URL=http://%[1]s/ping/%[5]s sh %[6]s/script.sh
`, p.receivers[0], p.receivers[1], jobKey, absolute, jobUUID, p.dir))
	generate := exec.Command(filepath.Join(bin(), "thorbis_mixin"), "generate",
		"--config.file="+filepath.Join(p.dir, "thorbis.yaml"), "--out="+p.dir, "--only=rules")
	if out, err := generate.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p.file(t, "prometheus.yml", fmt.Sprintf(`global: {scrape_interval: 5s, evaluation_interval: 5s}
rule_files: [%s/rules/procedure.rules.yaml]
scrape_configs:
  - {job_name: thorbis, honor_labels: true, static_configs: [{targets: [%q, %q]}]}
`, p.dir, p.exporters[0], p.exporters[1]))
	p.exporter(t, 0)
	p.exporter(t, 1)
	p.start(t, "prometheus", nil, filepath.Join(bin(), "tools", "prometheus"), "--config.file="+p.dir+"/prometheus.yml",
		"--storage.tsdb.path="+p.dir+"/tsdb", "--web.listen-address="+p.prometheus)
	return p
}

// values returns what a query answers now: the given labels of each series, separated by colons and blanks.
func (p *procedures) values(t *testing.T, expr string, labels ...string) string {
	t.Helper()
	resp, err := http.Get("http://" + p.prometheus + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return "error: " + err.Error()
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct{ Metric map[string]string }
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Status != "success" {
		return fmt.Sprintf("error: %v %s", err, answer.Error)
	}
	var all []string
	for _, one := range answer.Data.Result {
		var parts []string
		for _, label := range labels {
			parts = append(parts, one.Metric[label])
		}
		all = append(all, strings.Join(parts, ":"))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

const allMissed = "ThorbisProcedureMissed:by-curl ThorbisProcedureMissed:by-run ThorbisProcedureMissed:by-script"

// Jobs that stop are missed after their grace, each by one alert, across exporters that are killed; none is missed
// because an exporter is away.
func TestProceduresAreMissedOnce(t *testing.T) {
	t.Parallel()
	p := newProcedures(t)
	p.jobs(t)
	eventually(t, time.Minute, "success of all jobs", func() bool {
		return p.values(t, metric.ProcedureSuccess.Name, "procedure") == "by-curl by-run by-script"
	})
	sleep(t, 40*time.Second) // more than the grace
	if got := p.firing(t); got != "" {
		t.Fatalf("while all jobs run: %s", got)
	}

	t.Log("the jobs stop")
	p.kill("supercronic")
	stopped := time.Now()
	eventually(t, 2*time.Minute, allMissed, func() bool { return p.firing(t) == allMissed })
	if after := time.Since(stopped); after < 20*time.Second {
		t.Errorf("missed after %s, within the grace", after)
	}
	overdue := p.values(t, metric.ProcedureMissing.Name+` > 20 < 90`, "procedure")
	if len(strings.Fields(overdue)) != 3 {
		t.Errorf("what is overdue is measured from when it was due: %q", overdue)
	}
	p.kill("exporter-1") // which alone was informed of two of the jobs
	sleep(t, 20*time.Second)
	p.exporter(t, 0)
	for range 20 {
		if got := p.firing(t); got != allMissed {
			t.Fatalf("across the kill of an exporter: %s", got)
		}
		sleep(t, time.Second)
	}

	t.Log("the jobs go on")
	p.jobs(t)
	eventually(t, time.Minute, "the end of all alerts", func() bool { return p.firing(t) == "" })

	t.Log("both exporters are away for longer than interval and grace")
	p.kill("exporter-1")
	p.kill("exporter-2")
	sleep(t, 45*time.Second)
	if got := p.firing(t); got != "" {
		t.Errorf("while no exporter is there: %s", got)
	}
	before := p.runs(t)
	p.exporter(t, 0)
	p.exporter(t, 1)
	sleep(t, 45*time.Second)
	if got := p.firing(t); got != "" {
		t.Errorf("after their absence: %s", got)
	}
	if kept, err := filepath.Glob(p.dir + "/spool/*.json"); err != nil || len(kept) > 0 {
		t.Errorf("results that are not delivered: %v, %v", kept, err)
	}
	// Each run of by-run is counted, those included that ended while no exporter was there: nine or more in 90 s.
	if after := p.runs(t); after-before < 7 {
		t.Errorf("%d runs before the absence, %d after it", before, after)
	}
	ever := `last_over_time(ALERTS{alertname=~"ThorbisProcedure.+",alertstate="firing"}[30m])`
	if got := p.values(t, ever, "alertname", "procedure"); got != allMissed {
		t.Errorf("alerts that have ever fired: %s", got)
	}
	p.keysAreHidden(t)
}

// runs returns how many runs of by-run the second exporter has counted.
func (p *procedures) runs(t *testing.T) int {
	t.Helper()
	page, err := body("http://" + p.exporters[1] + "/metrics")
	if err != nil {
		return 0
	}
	n, series := 0, metric.ProcedureRuns.Name+`{environment="production",procedure="by-run",result="success"}`
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, series) {
			_, _ = fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &n)
		}
	}
	return n
}

// keysAreHidden looks for keys in what the exporters and the command run have logged, and on their pages.
func (p *procedures) keysAreHidden(t *testing.T) {
	t.Helper()
	for _, name := range []string{"exporter-1.log", "exporter-2.log"} {
		text, err := os.ReadFile(filepath.Join(p.dir, name))
		must(t, err)
		page, err := body("http://" + p.exporters[0] + "/status")
		must(t, err)
		if all := string(text) + page; strings.Contains(all, jobKey) || strings.Contains(all, jobUUID) {
			t.Errorf("a key is shown in %s or on the status page", name)
		}
	}
}

// A receiver under attack takes the pings of its jobs all the same.
func TestPingsUnderAttack(t *testing.T) {
	t.Parallel()
	p := newProcedures(t)
	stop := make(chan struct{})
	var attackers sync.WaitGroup
	attack := func(path string, size int64) {
		for range 4 {
			attackers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					resp, err := http.Post("http://"+p.receivers[0]+path, "text/plain", io.LimitReader(zeros{}, size))
					if err == nil {
						_ = resp.Body.Close()
					}
				}
			})
		}
	}
	attack("/ping/wrong-key-wrong-key-wrong/by-curl", 10<<20)
	attack("/ping/"+jobKey+"/guessed", 10)
	attack("/ping/"+jobKey+"/not-yet/log", 10<<20) // with a right key
	for i := range 20 {
		start := time.Now()
		resp, err := http.Get("http://" + p.receivers[0] + "/ping/" + jobKey + "/by-curl?x=" + url.QueryEscape(fmt.Sprint(i)))
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("ping %d: %v, %v after %s", i, resp, err, time.Since(start))
		}
		if err == nil {
			_ = resp.Body.Close()
		}
		sleep(t, 100*time.Millisecond)
	}
	close(stop)
	attackers.Wait()
	page, err := body("http://" + p.exporters[0] + "/metrics")
	must(t, err)
	counted := metric.ProcedureRuns.Name + `{environment="production",procedure="by-curl",result="success"} 20`
	if !strings.Contains(page, counted) {
		t.Error("not every ping is counted")
	}
}

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }
