package tenant

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// A registry file that has lost most of its tenants while the exporter was stopped is doubted as it is while it runs:
// the last good list is on the disk. A reload does not set the counter of its errors back.
func TestRegistryFileCutAtTheStartIsDoubted(t *testing.T) {
	dir, storage := t.TempDir(), t.TempDir()
	file := filepath.Join(dir, "tenants.yaml")
	list := func(n int) string {
		var b strings.Builder
		b.WriteString("tenants:\n")
		for i := range n {
			fmt.Fprintf(&b, "- {name: t%d}\n", i)
		}
		return b.String()
	}
	policy := func(refresh, registry string) *config.Policy {
		t.Helper()
		testkit.WriteFile(t, filepath.Join(dir, "secret"), secret)
		return policytest.Load(t, dir, strings.ReplaceAll(databasePolicy,
			`refresh: 1s, postgres: {dsn_file: dsn, query: "select name, tier from customers"}`,
			"refresh: "+refresh+", file: "+registry))
	}
	start := func(p *config.Policy) (*Collector, func()) {
		t.Helper()
		sd, err := state.Open(storage)
		if err != nil {
			t.Fatal(err)
		}
		c := New(Options{Logger: slog.New(slog.DiscardHandler), State: sd})
		if err := collectors.Apply(c, p); err != nil {
			t.Fatal(err)
		}
		return c, func() { _ = c.Close(); _ = sd.Close() }
	}
	known := func(c *Collector, want int) {
		t.Helper()
		if got := len(c.current.Load().names.names.Registered); got != want {
			t.Errorf("%d tenants are known, want %d", got, want)
		}
	}
	testkit.WriteFile(t, file, list(40))
	c, stop := start(policy("1h", "tenants.yaml"))
	known(c, 40)
	if err := c.tenants.Refresh(t.Context()); err != nil { // saves the list, as Run does
		t.Fatal(err)
	}
	stop()
	testkit.WriteFile(t, file, list(4))
	c, stop = start(policy("1h", "tenants.yaml"))
	known(c, 40)
	failures := func(want int) {
		t.Helper()
		text := "# HELP thorbis_tenant_registry_errors_total Failures to read the registry; " +
			"the last good copy stays in use.\n" +
			"# TYPE thorbis_tenant_registry_errors_total counter\nthorbis_tenant_registry_errors_total " +
			fmt.Sprint(want) + "\n"
		if err := testutil.CollectAndCompare(c, strings.NewReader(text), "thorbis_tenant_registry_errors_total"); err != nil {
			t.Error(err)
		}
	}
	failures(0)
	testkit.WriteFile(t, file, "broken")
	for i := range 3 {
		if _, err := c.registry().Refresh(t.Context()); err == nil {
			t.Fatal("no error")
		}
		failures(i + 1)
	}
	testkit.WriteFile(t, file, list(4))
	if err := collectors.Apply(c, policy("2h", "tenants.yaml")); err != nil { // the same file at another pace
		t.Fatal(err)
	}
	known(c, 40)
	failures(3)
	testkit.WriteFile(t, filepath.Join(dir, "other.yaml"), list(2)) // another file is meant
	if err := collectors.Apply(c, policy("2h", "other.yaml")); err != nil {
		t.Fatal(err)
	}
	known(c, 2)
	failures(3)
	none := policy("2h", "other.yaml")
	none.Tenants.Registry = config.Registry{Refresh: none.Tenants.Registry.Refresh}
	if err := collectors.Apply(c, none); err != nil {
		t.Fatal(err)
	}
	failures(3)
	if err := collectors.Apply(c, policy("2h", "other.yaml")); err != nil {
		t.Fatal(err)
	}
	failures(3)
	stop()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

// A reload saves no list of tenants itself: it would wait for a storage disk that hangs.
func TestReloadDoesNotWaitForTheStorage(t *testing.T) {
	dir, storage := t.TempDir(), t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "tenants.yaml"), "tenants: [{name: acme}]")
	testkit.WriteFile(t, filepath.Join(dir, "secret"), secret)
	p := policytest.Load(t, dir, strings.ReplaceAll(databasePolicy,
		`postgres: {dsn_file: dsn, query: "select name, tier from customers"}`, "file: tenants.yaml"))
	sd, err := state.Open(storage)
	if err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	pipe := filepath.Join(storage, "tenant-registry.state.tmp")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil { // opening it waits for a reader
		t.Skipf("no named pipes here: %v", err)
	}
	c := New(Options{Logger: slog.New(slog.DiscardHandler), State: sd})
	defer c.Close()
	applied := collectors.Async(func() error { return collectors.Apply(c, p) })
	select {
	case err := <-applied:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the reload waits for the save of the registry")
		if f, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0); err == nil {
			defer f.Close()
		}
		<-applied
	}
}
