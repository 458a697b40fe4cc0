package tenant

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// An older copy of the state, put back under the lock that knows of a newer one, is not continued: its counters
// would run through values that were shown before, and lines would be counted again. Everything starts at 0 with
// what is written from then on, and the log says so.
func TestOlderStateThatIsPutBack(t *testing.T) {
	dir := t.TempDir()
	storage, log := filepath.Join(dir, "data"), filepath.Join(dir, "access.json")
	testkit.WriteFile(t, filepath.Join(dir, "tenants.yaml"), "tenants: [{name: acme}]")
	testkit.WriteFile(t, log, "")
	write := func(n int) {
		t.Helper()
		f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		fmt.Fprint(f, strings.Repeat(`{"host":"acme.example.com","status":200,"request_time":0.5}`+"\n", n))
	}
	var said bytes.Buffer
	// run counts until there are n requests. A position is noted beside the one of rotated files.
	run := func(n uint64) {
		t.Helper()
		sd, err := state.Open(storage)
		if err != nil {
			t.Fatal(err)
		}
		c := New(Options{Logger: slog.New(
			slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelError})), State: sd, Immediate: true})
		if err := collectors.Apply(c, filePolicy(t, dir, "")); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() {
			_ = collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) {})
			close(stopped)
		}()
		defer func() { cancel(); <-stopped; _ = c.Close(); _ = sd.Close() }()
		testkit.Eventually(t, func() bool {
			got, _, _ := c.Store().Totals()
			return got == n && len(c.Store().Files(0)) == 2
		}, "%d requests, and a position in the log", n)
	}
	write(10)
	run(10)
	old := filepath.Join(dir, "old")
	if err := os.CopyFS(old, os.DirFS(storage)); err != nil {
		t.Fatal(err)
	}
	write(10)
	run(20)
	entries, err := os.ReadDir(old)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "LOCK" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(old, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		testkit.WriteFile(t, filepath.Join(storage, e.Name()), text)
	}
	if said.Len() > 0 {
		t.Errorf("said %s", &said)
	}
	run(0)
	if !strings.Contains(said.String(), "Tenant counters start at 0") {
		t.Errorf("said %q", &said)
	}
	write(5)
	run(5)
}
