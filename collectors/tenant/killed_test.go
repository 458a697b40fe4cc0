package tenant

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// killed is a platform that logs, a process that counts, and a Prometheus that watches every value.
type killed struct {
	t       *testing.T
	dir     string
	client  *http.Client
	program []string // the process; empty for the test program
	stdin   *os.File

	reloads bool // by SIGHUP
	crowded bool // not every tenant has a series, so that only the sum is known

	mu      sync.Mutex
	written map[string]uint64  // requests by tenant
	facts   map[string]uint64  // other expected counts, by the series on /metrics
	seen    map[string]float64 // by series without its store: the last value
	store   string
	scrapes int
	seed    uint64
	starts  uint64
	began   time.Time
	history map[string][]string // of each file; of the process by the name of none
}

// The series of facts. They are saved with the counters of the tenants.
const (
	logLines   = `thorbis_tenant_source_lines_total{app_service="web",environment="test",source="web-nginx-json"`
	logRejects = `thorbis_tenant_source_rejects_total{app_service="web",environment="test",reason="syntax",` +
		`source="web-nginx-json"`
	logProbes  = `thorbis_tenant_probe_requests_total{app_service="web",code_class="2xx",environment="test"`
	logRefused = `thorbis_service_refused_requests_total{app_service="web",code="401",environment="test"`
	logLogins  = `thorbis_service_failed_logins_total{app_service="web",environment="test"`
)

const killPolicy = `version: 1
environment: test
channels: {deadman: none}
objectives: {latency: [{threshold: 300ms, ratio: 95%}]}
services: [{name: web, owner: sre, page: P2}]
tenants:
  histogram: both
  host: "{tenant}.example.com"
  probes: {addresses: [192.0.2.7]}
  sources:
    - {file: "*.log", format: nginx-json, app_service: web, login_paths: [/login]}
    - {receive: json, app_service: web, secret_file: secret, fields: {host: h, status: s, id: i}}
`

func newKilled(t *testing.T, binary string) *killed {
	t.Helper()
	dir, err := os.MkdirTemp("", "tk") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for name, text := range map[string]string{"p.yaml": killPolicy, "secret": secret} {
		testkit.WriteFile(t, filepath.Join(dir, name), text)
	}
	k := &killed{
		t: t, dir: dir, seed: testkit.Seed(t), began: time.Now(), history: map[string][]string{},
		written: map[string]uint64{}, facts: map[string]uint64{}, seen: map[string]float64{},
	}
	web, posts := filepath.Join(dir, "socket"), filepath.Join(dir, "socket")
	if binary != "" {
		web, posts = testkit.FreeAddress(t), testkit.FreeAddress(t)
		k.program = []string{
			binary, "--config.file=" + filepath.Join(dir, "p.yaml"), "--storage.path=" + filepath.Join(dir, "data"),
			"--no-collector.health",
			"--web.listen-address=" + web, "--receive.listen-address=" + posts, "--log.level=error",
		}
	}
	dial := func(ctx context.Context, _, address string) (net.Conn, error) {
		network, to := "unix", web
		if binary != "" {
			network = "tcp"
		}
		if strings.HasPrefix(address, "receiver") {
			to = posts
		}
		return (&net.Dialer{}).DialContext(ctx, network, to)
	}
	k.client = &http.Client{
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: 10 * time.Second,
	}
	return k
}

// start starts a process, which waits at random where a file may become another one if pauses.
func (k *killed) start(pauses bool) *exec.Cmd {
	k.t.Helper()
	cmd := exec.CommandContext(k.t.Context(), os.Args[0])
	if len(k.program) > 0 {
		cmd = exec.CommandContext(k.t.Context(), k.program[0], k.program[1:]...)
	}
	cmd.Env = append(os.Environ(), childEnv+"="+k.dir)
	if pauses {
		k.starts++
		cmd.Env = append(cmd.Env, childSeed+"="+strconv.FormatUint(k.seed+k.starts, 10))
	}
	k.note("", "started, pauses %t", pauses)
	cmd.Stderr = os.Stderr
	if k.stdin != nil {
		cmd.Stdin = k.stdin
	}
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	return cmd
}

// write logs until ctx ends, into files each of which is rotated in a way of its own.
func (k *killed) write(ctx context.Context) {
	random := k.random("write")
	for n := 0; ctx.Err() == nil; n++ {
		for _, name := range []string{"renamed", "copied", "recreated", "stays"} {
			var text strings.Builder
			k.mu.Lock()
			for range 1 + random.IntN(100) {
				tenant, agent, status := name+strconv.Itoa(int(random.ExpFloat64()*10)), "curl", 200
				switch k.facts[logLines]++; random.IntN(50) {
				case 0:
					k.facts[logRejects]++
					text.WriteString("no JSON\n")
					continue
				case 1:
					k.facts[logProbes]++
					agent = "thorbis_exporter/1"
				case 2:
					k.facts[logRefused]++
					k.facts[logLogins]++
					status = 401
				default:
					k.written[tenant]++
				}
				fmt.Fprintf(&text, `{"n":"%016x","host":"%s.example.com","uri":"/login","status":%d,"request_time":%.3f,`+
					`"http_user_agent":"%s","remote_addr":"192.0.2.7"}`+"\n", random.Uint64(), tenant, status,
					random.ExpFloat64()*0.2, agent)
			}
			k.mu.Unlock()
			k.append(name+".log", text.String(), random)
		}
		switch n % 150 {
		case 30:
			k.check(os.Rename(k.path("renamed.log"), k.path(fmt.Sprintf("renamed.log.%d", n))))
			k.note("renamed.log", "renamed to .%d", n)
		case 60: // lines written between the copy and the truncation would be lost; there are none
			text, err := os.ReadFile(k.path("copied.log"))
			k.check(err)
			k.check(os.WriteFile(k.path(fmt.Sprintf("copied.log.%d", n)), text, 0o600))
			k.check(os.Truncate(k.path("copied.log"), 0))
			k.note("copied.log", "copied to .%d, %d bytes and %d lines, and truncated", n, len(text),
				bytes.Count(text, []byte("\n")))
		case 90: // and what is removed before it was read is gone
			if k.crowded { // the time is unknown
				continue
			}
			for waiting := true; waiting; {
				if ctx.Err() != nil {
					return
				}
				waiting = false
				for what := range k.missing() {
					waiting = waiting || strings.HasPrefix(what, "recreated")
				}
				time.Sleep(5 * time.Millisecond) // it waits without a bound of its own: the test's end ends it
			}
			k.check(os.Remove(k.path("recreated.log")))
			k.note("recreated.log", "removed")
		}
		time.Sleep(4 * time.Millisecond) // the pace of the server
	}
}

func (k *killed) path(name string) string { return filepath.Join(k.dir, name) }

// rename replaces a file atomically, so that no reader sees half of it.
func (k *killed) rename(name, text string) {
	k.check(os.WriteFile(k.path(name)+".new", []byte(text), 0o600))
	k.check(os.Rename(k.path(name)+".new", k.path(name)))
}

func (k *killed) check(err error) {
	if err != nil {
		k.t.Error(err)
	}
}

func (k *killed) append(name, text string, random *rand.Rand) {
	f, err := os.OpenFile(filepath.Join(k.dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		k.t.Error(err)
		return
	}
	defer f.Close()
	for len(text) > 0 { // lines arrive in pieces
		n := min(len(text), 1+random.IntN(4096))
		if _, err := io.WriteString(f, text[:n]); err != nil {
			k.t.Error(err)
		}
		text = text[n:]
	}
	if info, err := f.Stat(); err == nil {
		k.note(name, "%d bytes", info.Size())
	}
}

// post sends events with ids until each is acknowledged, as a vendor does, and some once more: its side may not
// have heard of it. posts is how many, if ctx does not end before.
func (k *killed) post(ctx context.Context, sender string, events, posts int) {
	for n := 0; ctx.Err() == nil && n < posts; n++ {
		tenant := sender + strconv.Itoa(n%5)
		var body strings.Builder
		for i := range events {
			fmt.Fprintf(&body, `{"h":"%s.example.com","s":200,"i":"%s-%d-%d"}`+"\n", tenant, sender, n, i)
		}
		k.mu.Lock()
		k.written[tenant] += uint64(events)
		k.mu.Unlock()
		for acknowledged, wanted := 0, 1+n%2; acknowledged < wanted && k.t.Context().Err() == nil; {
			req, _ := http.NewRequestWithContext(k.t.Context(), http.MethodPost, "http://receiver/api/v1/receive/json",
				strings.NewReader(body.String()))
			req.Header.Set("Authorization", secret)
			resp, err := k.client.Do(req)
			if err == nil {
				resp.Body.Close()
			}
			if err == nil && resp.StatusCode == http.StatusOK {
				acknowledged++
				continue
			}
			time.Sleep(5 * time.Millisecond) // as a vendor does after a refusal
		}
		time.Sleep(2 * time.Millisecond) // the pace of the sender
	}
}

// register changes until ctx ends who is registered.
func (k *killed) register(ctx context.Context) {
	random := k.random("register")
	for ctx.Err() == nil {
		var list strings.Builder
		list.WriteString("tenants:\n- {name: t0}\n")
		for _, name := range []string{"renamed", "copied", "recreated", "stays", "p", "q"} {
			for i := range 20 {
				if random.IntN(3) > 0 {
					fmt.Fprintf(&list, "- {name: %s%d}\n", name, i)
				}
			}
		}
		k.rename("tenants.yaml", list.String())
		time.Sleep(time.Duration(1+random.IntN(8)) * time.Second) // kills come before and after the change is read
	}
}

// windowed is in the names of the counts over windows.
const windowed = "_window_"

// scrape checks every value that is shown of the tenants against the last one seen.
func (k *killed) scrape() bool {
	// A tenant that is given series later begins with what it had counted a while before. Windows of one that leaves and
	// comes back begin anew, and those of five minutes may be over.
	return k.read("/metrics/tenants", !k.crowded, func(series string) bool {
		return !strings.Contains(series, windowed) || !k.crowded && !strings.Contains(series, `window="5m"`)
	})
}

// scrapeFacts does so with what is saved beside the tenants.
func (k *killed) scrapeFacts() bool {
	saved := []*metric.Metric{
		metric.TenantSourceLines, metric.TenantSourceBytes, metric.TenantSourceRejects, metric.TenantSourceIgnored,
		metric.TenantProbeRequests, metric.ServiceRefusedRequests, metric.ServiceFailedLogins,
	}
	return k.read("/metrics", false, func(series string) bool {
		return slices.ContainsFunc(saved, func(m *metric.Metric) bool { return strings.HasPrefix(series, m.Name+"{") })
	})
}

func (k *killed) read(page string, fromZero bool, wanted func(series string) bool) bool {
	req, _ := http.NewRequestWithContext(k.t.Context(), http.MethodGet, "http://exporter"+page, nil)
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "10")
	resp, err := k.client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	fresh := map[string]float64{}
	var wrong []string
	for lines.Scan() {
		series, value, ok := strings.Cut(lines.Text(), "} ")
		if !ok || strings.HasPrefix(series, "#") || !wanted(series) {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		series = k.withoutStore(series)
		if _, twice := fresh[series]; twice || err != nil {
			wrong = append(wrong, lines.Text())
		}
		fresh[series] = n
	}
	if lines.Err() != nil || resp.StatusCode != http.StatusOK {
		return false // cut off in the middle of a line, as likely as not
	}
	for _, line := range wrong {
		k.t.Errorf("no value, or shown twice: %s", line)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.scrapes++
	for series, n := range fresh {
		last, known := k.seen[series]
		switch {
		case !known && n != 0 && fromZero && !strings.Contains(series, "_info{") && !strings.Contains(series, windowed):
			k.t.Errorf("%s: seen for the first time at %v", series, n)
		case n < last:
			k.t.Errorf("%s: stepped back from %v to %v", series, last, n)
		}
		k.seen[series] = n
	}
	return true
}

// withoutStore returns a series without its store, which no kill may change.
func (k *killed) withoutStore(series string) string {
	before, after, ok := strings.Cut(series, `store="`)
	if !ok {
		return series
	}
	store, after, _ := strings.Cut(after, `",`)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.store == "" {
		k.store = store
	}
	if store != k.store {
		k.t.Errorf("store %s, and %s before", store, k.store)
	}
	return before + after
}

// missing returns what is not yet exported as often as it was made: requests by tenant, and facts.
func (k *killed) missing() map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	wrong := map[string]string{}
	compare := func(what string, got, want uint64) {
		if got != want {
			wrong[what] = fmt.Sprintf("%d are shown, %d were made", got, want)
		}
	}
	for series, n := range k.facts {
		compare(series, uint64(k.seen[series]), n)
	}
	shown := func(tenant string) uint64 {
		return uint64(
			k.seen[`thorbis_tenant_requests_total{app_service="web",environment="test",tenant="`+tenant+`",code_class="2xx"`])
	}
	var got, want uint64
	for tenant, n := range k.written {
		got, want = got+shown(tenant), want+n
		if !k.crowded {
			compare(tenant, shown(tenant), n)
		}
	}
	if k.crowded { // what a tenant counted before it was given series is also that of the others
		got = 0
		for series, n := range k.seen {
			if strings.HasPrefix(series, metric.ServiceRequests.Name+"{") && strings.HasSuffix(series, `code_class="2xx"`) {
				got += uint64(n)
			}
		}
		compare("all", got, want)
	}
	return wrong
}
