package tenant

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// A policy that another collector refuses leaves no trace: not in the saved state, and not in the status of a receiver
// whose secret it names wrongly.
func TestAbortedPolicyChangesNothing(t *testing.T) {
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "secret"), secret)
	testkit.WriteFile(t, filepath.Join(dir, "access.json"), "")
	policy := func(service, secretFile, more string) *config.Policy {
		t.Helper()
		return policytest.Load(t, dir, `version: 1
environment: test
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}, {name: api, owner: sre, page: P2}]
tenants:
  host: "{tenant}.example.com"
  sources:
    - {name: log, file: access.json, format: nginx-json, app_service: `+service+`}
    - {name: posts, receive: json, app_service: web, secret_file: `+secretFile+`, fields: {host: h, status: s, id: i}}
`+more)
	}
	sd, err := state.Open(filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	c := New(Options{Logger: slog.New(slog.DiscardHandler), State: sd})
	defer c.Close()
	if err := collectors.Apply(c, policy("web", "secret", "")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) {}) }()
	defer func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}()
	inForce := c.current.Load()
	change, err := c.Prepare(
		policy("api", "missing", "    - {name: more, file: more.json, format: nginx-json, app_service: api}\n"))
	if err != nil {
		t.Fatal(err)
	}
	change.Abort()
	if c.current.Load() != inForce {
		t.Error("the aborted policy is in force")
	}
	testkit.WriteFile(t, filepath.Join(dir, "access.json"),
		`{"host":"acme.example.com","status":200,"time_iso8601":"`+time.Now().Format(time.RFC3339)+`"}`+"\n")
	testkit.Eventually(t, func() bool { return c.Lines() == 1 }, "the line is counted")
	if services := c.Store().Services(); len(services) != 1 {
		t.Errorf("services %+v are saved", services)
	}
	if len(c.statuses) != 2 || !c.statuses["posts"].Up.Load() || c.statuses["posts"].Errors.Load() != 0 {
		t.Errorf("the status of a receiver has changed: %+v", c.statuses)
	}
	if err := collectors.Apply(c, policy("api", "missing", "")); err != nil {
		t.Fatal(err)
	}
	if c.statuses["posts"].Up.Load() || c.statuses["posts"].Errors.Load() != 1 {
		t.Error("a policy in force whose secret is missing shows no error")
	}
}
