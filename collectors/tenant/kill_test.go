package tenant

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/source"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
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

// childSeed makes it wait at random between a look at a file and what it does because of it.
const childSeed = "THORBIS_TENANT_CHILD_SEED"

// randomPauses are long enough for a file to be rotated, and to grow beyond what was read of it before, in one of four
// steps.
func randomPauses(seed uint64) func(source.Point, string) {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0))
	return func(source.Point, string) {
		mu.Lock()
		var wait time.Duration
		if random.IntN(4) == 0 {
			wait = time.Duration(random.ExpFloat64() * float64(200*time.Millisecond))
		}
		mu.Unlock()
		time.Sleep(min(wait, 1500*time.Millisecond))
	}
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
	shard, err := collectors.ParseShard(os.Getenv(childShard))
	if err != nil {
		return err
	}
	c := New(Options{
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})), State: sd,
		Shard: shard,
	})
	if text := os.Getenv(childSeed); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return err
		}
		c.pause = randomPauses(seed)
	}
	if err := collectors.Apply(c, p); err != nil {
		return err
	}
	_ = os.Remove(filepath.Join(dir, "socket"))
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	registry := prometheus.NewRegistry()
	prometheus.WrapRegistererWith(prometheus.Labels{metric.LabelEnvironment: p.Environment}, registry).MustRegister(c)
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.Handle("/metrics/tenants", c.Tenants())
	mux.Handle("/", c.Receivers())
	go func() { _ = http.Serve(l, mux) }() // the test is its only client
	return collectors.Run(context.Background(), c, slog.New(slog.DiscardHandler), func(error, time.Duration) {})
}

// An exporter is killed again and again while logs grow, are rotated in every way, and posts arrive. No value that
// was ever shown steps back, and in the end each request is counted once: the acknowledged and the repeated.
func TestKillLosesAndDoublesNothing(t *testing.T) {
	// With more tenants than have room, who come and go.
	t.Run("collector", func(t *testing.T) {
		k := newKilled(t, "")
		k.crowded = true
		testkit.WriteFile(t, k.path("p.yaml"),
			strings.Replace(killPolicy, "tenants:", "tenants:\n  limit: 30\n  registry: {file: tenants.yaml, refresh: 1s}", 1))
		testkit.WriteFile(t, k.path("tenants.yaml"), "tenants: [{name: t0}]")
		killing(t, k, k.register, func() bool { return true })
	})
	// With reloads, and posts so large that the log is replaced by a snapshot.
	t.Run("program", func(t *testing.T) {
		k := newKilled(t, program(t))
		k.reloads = true
		const large = 50_000
		filling := k.start(false)
		k.post(t.Context(), "large", large, 25) // ids for most of the log that a snapshot replaces
		_ = filling.Process.Kill()
		_ = filling.Wait()
		killing(t, k, func(ctx context.Context) { k.post(ctx, "more", large, math.MaxInt) }, func() bool {
			_, err := os.Stat(k.path("data/tenant.state"))
			return err == nil || testing.Short()
		})
	})
}

// live lets a process run for a while, in which it is stopped and continued: at any of its instructions a file may be
// rotated. The random pauses choose the instruction.
func (k *killed) live(cmd *exec.Cmd, life time.Duration, random *rand.Rand) {
	for end := time.Now().Add(life); time.Now().Before(end); {
		time.Sleep(time.Duration(random.ExpFloat64() * float64(60*time.Millisecond)))
		if random.IntN(3) > 0 {
			continue
		}
		_ = cmd.Process.Signal(syscall.SIGSTOP)
		time.Sleep(time.Duration(random.ExpFloat64() * float64(60*time.Millisecond)))
		_ = cmd.Process.Signal(syscall.SIGCONT)
	}
}

// killing kills at least fifty times, and until something has been seen.
func killing(t *testing.T, k *killed, disturb func(context.Context), seen func() bool) {
	t.Helper()
	kills := 50
	if testing.Short() {
		kills = 5
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// Files rotated before the first start are ignored, so this line is written first.
	k.written["t0"], k.facts[logLines] = 1, 1
	k.append("stays.log", `{"host":"t0.example.com","status":200,"request_time":0.1}`+"\n", k.random("first"))
	first := k.start(false)
	testkit.Eventually(t, func() bool { return k.scrape() && k.scrapeFacts() && len(k.missing()) == 0 },
		"the first request")
	_ = first.Process.Kill()
	_ = first.Wait()

	var writing, scraping sync.WaitGroup
	writing.Go(func() { k.write(ctx) })
	writing.Go(func() { k.post(ctx, "p", 20, math.MaxInt) })
	writing.Go(func() { k.post(ctx, "q", 20, math.MaxInt) })
	writing.Go(func() { disturb(ctx) })
	over := make(chan struct{})
	scraping.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				k.scrape()
				k.scrapeFacts()
				time.Sleep(5 * time.Millisecond) // the pace of the scraper
			}
		}
	})
	n := 0
	random := k.random("kills")
	for ; n < kills || !seen(); n++ {
		if n == 4*kills {
			t.Error("what should be seen while it is killed never is")
			break
		}
		cmd := k.start(true)
		life := time.Duration(100+random.IntN(800)) * time.Millisecond
		if n%5 == 4 { // time enough to read rotated files, save in the background and replace the log
			life += time.Duration(2000+random.IntN(1500)) * time.Millisecond
		}
		k.live(cmd, life/2, random)
		if k.reloads {
			k.rename("p.yaml", strings.Replace(killPolicy, "tenants:", fmt.Sprintf("tenants:\n  late_after: %dm", 10+n), 1))
			_ = cmd.Process.Signal(syscall.SIGHUP)
		}
		k.live(cmd, life/2, random)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		k.note("", "killed")
	}
	last := k.start(false)
	cancel()
	writing.Wait()
	// Not testkit.Eventually: after the last kill there is more to read than its bound allows, and what is missing is
	// explained once the scrapes have ended.
	deadline := time.Now().Add(2 * time.Minute)
	for len(k.missing()) > 0 && time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
	}
	close(over)
	scraping.Wait()
	for what, difference := range k.missing() {
		t.Errorf("%s: %s", what, difference)
	}
	if k.scrapes < kills {
		t.Errorf("only %d scrapes", k.scrapes)
	}
	_ = last.Process.Kill()
	_ = last.Wait()
	if t.Failed() {
		k.explain()
	}
	t.Logf("%d kills, %d scrapes, %d tenants, %d lines", n, k.scrapes, len(k.written), k.facts[logLines])
}

// program is the exporter as it is shipped.
func program(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("kills real exporters")
	}
	binary := filepath.Join(os.Getenv("THORBIS_BIN"), "thorbis_exporter")
	if !filepath.IsAbs(binary) {
		t.Skip("THORBIS_BIN does not say where the programs are")
	}
	return binary
}
