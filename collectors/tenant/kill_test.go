package tenant

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

// childEnv makes the test program an exporter of the directory that it names.
const childEnv = "THORBIS_TENANT_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// child serves the tenants of a directory on a socket until it is killed.
func child(dir string) error {
	p, err := config.Load(filepath.Join(dir, "p.yaml"))
	if err != nil {
		return err
	}
	sd, err := state.Open(filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	c := New(Options{Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})), State: sd})
	if err := c.Apply(p); err != nil {
		return err
	}
	_ = os.Remove(filepath.Join(dir, "socket"))
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics/tenants", c.Tenants())
	mux.Handle("/", c.Receivers())
	go func() { _ = http.Serve(l, mux) }() //nolint:gosec // the test is its only client
	return c.Run(context.Background(), func(error, time.Duration) {})
}

// killed is a platform that logs, a process that counts, and a Prometheus that watches every value.
type killed struct {
	t       *testing.T
	dir     string
	client  *http.Client
	program []string // the process; empty for the test program
	stdin   *os.File

	mu      sync.Mutex
	written map[string]uint64 // requests by tenant
	seen    map[string]uint64 // by series: the last value
	scrapes int
}

const killPolicy = `version: 1
environment: test
channels: {deadman: none}
objectives: {latency: [{threshold: 300ms, ratio: 95%}]}
services: [{name: web, owner: sre, page: P2}]
tenants:
  host: "{tenant}.example.com"
  sources:
    - {file: "*.log", format: nginx-json, app_service: web}
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
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k := &killed{t: t, dir: dir, written: map[string]uint64{}, seen: map[string]uint64{}}
	web, posts := filepath.Join(dir, "socket"), filepath.Join(dir, "socket")
	if binary != "" {
		web, posts = freeAddress(t), freeAddress(t)
		k.program = []string{
			binary, "--config.file=" + filepath.Join(dir, "p.yaml"), "--storage.path=" + filepath.Join(dir, "data"), "--no-collector.health",
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
	k.client = &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: 10 * time.Second}
	return k
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (k *killed) start() *exec.Cmd {
	k.t.Helper()
	cmd := exec.CommandContext(k.t.Context(), os.Args[0])
	if len(k.program) > 0 {
		cmd = exec.CommandContext(k.t.Context(), k.program[0], k.program[1:]...)
	}
	cmd.Env = append(os.Environ(), childEnv+"="+k.dir)
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
	for n := 0; ctx.Err() == nil; n++ {
		for _, name := range []string{"renamed", "copied", "recreated", "stays"} {
			var text strings.Builder
			k.mu.Lock()
			for range 1 + rand.IntN(100) {
				tenant := name + strconv.Itoa(int(rand.ExpFloat64()*10))
				k.written[tenant]++
				fmt.Fprintf(&text, `{"n":"%016x","host":"%s.example.com","status":200,"request_time":%.3f}`+"\n", rand.Uint64(), tenant, rand.ExpFloat64()*0.2)
			}
			k.mu.Unlock()
			k.append(name+".log", text.String())
		}
		switch n % 150 {
		case 30:
			k.check(os.Rename(k.path("renamed.log"), k.path(fmt.Sprintf("renamed.log.%d", n))))
		case 60: // whoever writes between the copy and the truncation loses that; nobody does here
			text, err := os.ReadFile(k.path("copied.log"))
			k.check(err)
			k.check(os.WriteFile(k.path(fmt.Sprintf("copied.log.%d", n)), text, 0o600))
			k.check(os.Truncate(k.path("copied.log"), 0))
		case 90: // and what is removed before it was read is gone
			for len(k.missing("recreated")) > 0 {
				if ctx.Err() != nil {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
			k.check(os.Remove(k.path("recreated.log")))
		}
		time.Sleep(4 * time.Millisecond)
	}
}

func (k *killed) path(name string) string { return filepath.Join(k.dir, name) }

func (k *killed) check(err error) {
	if err != nil {
		k.t.Error(err)
	}
}

func (k *killed) append(name, text string) {
	f, err := os.OpenFile(filepath.Join(k.dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		k.t.Error(err)
		return
	}
	defer f.Close()
	for len(text) > 0 { // lines arrive in pieces
		n := min(len(text), 1+rand.IntN(4096))
		if _, err := io.WriteString(f, text[:n]); err != nil {
			k.t.Error(err)
		}
		text = text[n:]
	}
}

// post sends events with ids until each is acknowledged, as a vendor does, and some once more: its side may not
// have heard of it.
func (k *killed) post(ctx context.Context, sender string) {
	for n := 0; ctx.Err() == nil; n++ {
		tenant := sender + strconv.Itoa(n%5)
		var body strings.Builder
		for i := range 20 {
			fmt.Fprintf(&body, `{"h":"%s.example.com","s":200,"i":"%s-%d-%d"}`+"\n", tenant, sender, n, i)
		}
		k.mu.Lock()
		k.written[tenant] += 20
		k.mu.Unlock()
		for acknowledged, wanted := 0, 1+n%2; acknowledged < wanted && k.t.Context().Err() == nil; {
			req, _ := http.NewRequestWithContext(k.t.Context(), http.MethodPost, "http://receiver/api/v1/receive/json", strings.NewReader(body.String()))
			req.Header.Set("Authorization", secret)
			resp, err := k.client.Do(req)
			if err == nil {
				resp.Body.Close()
			}
			if err == nil && resp.StatusCode == http.StatusOK {
				acknowledged++
				continue
			}
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// scrape checks every value against the last one seen.
func (k *killed) scrape() bool {
	req, _ := http.NewRequestWithContext(k.t.Context(), http.MethodGet, "http://exporter/metrics/tenants", nil)
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "10")
	resp, err := k.client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	fresh, broken := map[string]uint64{}, ""
	for lines.Scan() {
		series, value, ok := strings.Cut(lines.Text(), "} ")
		if !ok || strings.HasPrefix(series, "#") || strings.Contains(series, "_sum{") {
			continue
		}
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			broken = lines.Text()
		}
		fresh[series] = n
	}
	if lines.Err() != nil || resp.StatusCode != http.StatusOK {
		return false // cut off in the middle of a line, as likely as not
	}
	if broken != "" {
		k.t.Errorf("no value: %s", broken)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.scrapes++
	for series, n := range fresh {
		last, known := k.seen[series]
		switch {
		case !known && n != 0 && !strings.Contains(series, "_info{"):
			k.t.Errorf("%s: seen for the first time at %d", series, n)
		case n < last:
			k.t.Errorf("%s: stepped back from %d to %d", series, last, n)
		}
		k.seen[series] = n
	}
	return true
}

// An exporter is killed again and again while logs grow, are rotated in every way, and posts arrive. No value that
// was ever shown steps back, and in the end each request is counted once: the acknowledged and the repeated.
func TestKillLosesAndDoublesNothing(t *testing.T) {
	t.Run("collector", func(t *testing.T) { killing(t, "") })
	t.Run("program", func(t *testing.T) {
		killing(t, program(t))
	})
}

// program is the exporter as it is shipped.
func program(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(os.Getenv("THORBIS_BIN"), "thorbis_exporter")
	if !filepath.IsAbs(binary) {
		t.Skip("THORBIS_BIN does not say where the programs are")
	}
	return binary
}

func killing(t *testing.T, binary string) {
	kills := 50
	if testing.Short() {
		kills = 5
	}
	k := newKilled(t, binary)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// What rotation left before the first start is nobody's business, so that comes first.
	k.written["t0"] = 1
	k.append("stays.log", `{"host":"t0.example.com","status":200,"request_time":0.1}`+"\n")
	first := k.start()
	eventually(t, "the first request", func() bool { return k.scrape() && len(k.missing("")) == 0 })
	_ = first.Process.Kill()
	_ = first.Wait()

	var writing, scraping sync.WaitGroup
	writing.Go(func() { k.write(ctx) })
	writing.Go(func() { k.post(ctx, "p") })
	writing.Go(func() { k.post(ctx, "q") })
	over := make(chan struct{})
	scraping.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				if !k.scrape() {
					time.Sleep(2 * time.Millisecond)
				}
			}
		}
	})
	for range kills {
		cmd := k.start()
		time.Sleep(time.Duration(100+rand.IntN(800)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	last := k.start()
	cancel()
	writing.Wait()
	deadline := time.Now().Add(2 * time.Minute)
	for len(k.missing("")) > 0 && time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
	}
	close(over)
	scraping.Wait()
	for tenant, difference := range k.missing("") {
		t.Errorf("%s: %s", tenant, difference)
	}
	if k.scrapes < kills {
		t.Errorf("only %d scrapes", k.scrapes)
	}
	_ = last.Process.Kill()
	_ = last.Wait()
	t.Logf("%d kills, %d scrapes, %d tenants", kills, k.scrapes, len(k.written))
}

// missing tells which tenants, of those whose names begin so, are not yet shown with as many requests as were made.
func (k *killed) missing(prefix string) map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	wrong := map[string]string{}
	for tenant, n := range k.written {
		if !strings.HasPrefix(tenant, prefix) {
			continue
		}
		series := `thorbis_tenant_requests_total{app_service="web",environment="test",tenant="` + tenant + `",code_class="2xx"`
		if got := k.seen[series]; got != n {
			wrong[tenant] = fmt.Sprintf("%d requests are shown, %d were made", got, n)
		}
	}
	return wrong
}
