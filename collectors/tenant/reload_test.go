package tenant

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// A source is given to another service while it is being read: what was under way is counted for the service that it
// was read for, each line and each acknowledged post once, and the saved state stays readable.
func TestSourceChangesItsService(t *testing.T) {
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "secret"), secret)
	log := filepath.Join(dir, "access.json")
	testkit.WriteFile(t, log, "")
	policy := func(service string) *config.Policy {
		t.Helper()
		return policytest.Load(t, dir, `version: 1
environment: test
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}, {name: api, owner: sre, page: P2}]
tenants:
  host: "{tenant}.example.com"
  sources:
    - {name: log, file: access.json, format: nginx-json, app_service: `+service+`}
    - {name: posts, receive: json, app_service: `+service+`, secret_file: secret, fields: {host: h, status: s, id: i}}
`)
	}
	storage := filepath.Join(dir, "data")
	sd, err := state.Open(storage)
	if err != nil {
		t.Fatal(err)
	}
	var said testkit.Buffer
	c := New(Options{Logger: slog.New(
		slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelError})), State: sd, Immediate: true})
	if err := collectors.Apply(c, policy("web")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) {}) }()
	// What is posted and what is logged ends in another class, of whatever tenant of whichever service.
	counted := func(class int) (n uint64) {
		_ = c.Store().View().Each(func(s *store.Series) { n += s.Requests[class] + s.Late[class] },
			func() error { return nil })
		return n
	}
	const maxBehind = 50_000 // lines
	writing, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var acknowledged, logged atomic.Uint64
	wg.Go(func() {
		pace := time.NewTicker(time.Millisecond) // of the server
		defer pace.Stop()
		for n := 0; ; n++ {
			select {
			case <-writing.Done():
				return
			case <-pace.C:
			}
			if logged.Load() > counted(3)+maxBehind { // the reader must be able to keep up
				continue
			}
			f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Error(err)
				return
			}
			fmt.Fprint(f, strings.Repeat(fmt.Sprintf(`{"n":%d,"host":"acme.example.com","status":404}`+"\n", n), 1000))
			_ = f.Close()
			logged.Add(1000)
		}
	})
	for i := range 4 {
		wg.Go(func() {
			for n := 0; writing.Err() == nil; n++ {
				if post(c, fmt.Sprintf(`{"h":"posted.example.com","s":200,"i":"%d-%d"}`, i, n)).Code == http.StatusOK {
					acknowledged.Add(1)
				}
			}
		})
	}
	for n := range 20 {
		before := acknowledged.Load()
		testkit.Eventually(t, func() bool { return acknowledged.Load() > before }, "a post")
		if err := collectors.Apply(c, policy([]string{"api", "web"}[n%2])); err != nil {
			t.Error(err)
		}
	}
	stop()
	wg.Wait()
	testkit.Eventually(t, func() bool { return counted(3) >= logged.Load() }, "all lines")
	cancel()
	if err := <-ran; err != nil {
		t.Errorf("Run: %v", err)
	}
	if posts, lines := counted(1), counted(3); posts != acknowledged.Load() || posts == 0 || lines != logged.Load() {
		t.Errorf("%d posts and %d lines are counted, %d were acknowledged and %d written", posts, lines, acknowledged.Load(),
			logged.Load())
	}
	requests, _, _ := c.Store().Totals()
	_ = c.Close()
	_ = sd.Close()
	if sd, err = state.Open(storage); err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	again := New(Options{Logger: slog.New(
		slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelError})), State: sd, Immediate: true})
	if err := collectors.Apply(again, policy("web")); err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got, _, _ := again.Store().Totals(); got != requests || requests == 0 {
		t.Errorf("%d requests after a restart, %d before", got, requests)
	}
	if text := said.String(); text != "" {
		t.Errorf("said %s", text[:min(len(text), 2000)])
	}
}

// Reloads lose nothing of a pipe: what was taken from it when one comes is counted after it.
func TestReloadsLoseNothingOfAPipe(t *testing.T) {
	dir := t.TempDir()
	in, out := io.Pipe()
	c := New(Options{Logger: slog.New(slog.DiscardHandler), Stdin: in, Immediate: true})
	apply := func(n int) {
		t.Helper()
		p := policytest.Load(t, dir, fmt.Sprintf(`version: 1
environment: test
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}]
tenants:
  host: "{tenant}.example.com"
  late_after: %dm
  sources: [{name: pipe, stdin: true, format: nginx-json, app_service: web}]
`, 10+n))
		if err := collectors.Apply(c, p); err != nil {
			t.Fatal(err)
		}
	}
	apply(0)
	go func() {
		_ = collectors.Run(t.Context(), c, slog.New(slog.DiscardHandler), func(error, time.Duration) {})
	}()
	var written uint64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 2000 {
			_, _ = io.WriteString(out, strings.Repeat(`{"host":"acme.example.com","status":200}`+"\n", 500))
			written += 500
		}
	}()
	for n := 1; ; n++ {
		select {
		case <-done:
			testkit.Eventually(t, func() bool { got, _, _ := c.Store().Totals(); return got >= written }, "all lines")
			if got, _, _ := c.Store().Totals(); got != written {
				t.Errorf("%d lines are counted, %d were written", got, written)
			}
			return
		case <-time.After(5 * time.Millisecond):
			apply(n)
		}
	}
}

// A source that a reload gives another name or service, and the next one its own again, counts no line again, however
// fast the reloads follow each other.
func TestUndoneReloadCountsNothingAgain(t *testing.T) {
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "access.json"),
		strings.Repeat(`{"host":"acme.example.com","status":200}`+"\n", 1000))
	sd, err := state.Open(filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	c := New(Options{Logger: slog.New(slog.DiscardHandler), State: sd, Immediate: true})
	apply := func(name, service string) {
		t.Helper()
		p := policytest.Load(t, dir, `version: 1
environment: test
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}, {name: api, owner: sre, page: P2}]
tenants:
  host: "{tenant}.example.com"
  sources: [{name: `+name+`, file: access.json, format: nginx-json, app_service: `+service+`}]
`)
		if err := collectors.Apply(c, p); err != nil {
			t.Fatal(err)
		}
	}
	apply("s1", "web")
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) {}) }()
	total := func() uint64 { n, late, _ := c.Store().Totals(); return n + late }
	testkit.Eventually(t, func() bool { return total() >= 1000 }, "all lines")
	for n := range 20 {
		apply([]string{"z1", "s1"}[n%2], []string{"web", "web", "api"}[n%3])
		// The next reload comes before, while and after the source of this one takes over.
		time.Sleep(time.Duration(n%5) * 20 * time.Millisecond)
	}
	apply("s1", "web")
	f, err := os.OpenFile(filepath.Join(dir, "access.json"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(f, `{"host":"acme.example.com","status":404}`)
	_ = f.Close()
	testkit.Eventually(t, func() bool { return total() >= 1001 }, "the last line")
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if n := total(); n != 1001 {
		t.Errorf("%d lines are counted, 1001 were written", n)
	}
	_ = c.Close()
}
