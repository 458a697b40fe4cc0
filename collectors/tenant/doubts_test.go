package tenant

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// TestDoubtsOfLogs: a source that would take X-Forwarded-For for the host is warned of, by the check of the policy and
// when its log is read. What a client sent is not in the warning, and a FIFO is not opened.
func TestDoubtsOfLogs(t *testing.T) {
	dir := t.TempDir()
	const line = `192.0.2.7 - - [21/Sep/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 512 "-" "curl/8" "203.0.113.9" 0.1
`
	testkit.WriteFile(t, filepath.Join(dir, "main.log"), line+line)
	testkit.WriteFile(t, filepath.Join(dir, "good.log"), strings.ReplaceAll(line, "203.0.113.9", "acme.example.com"))
	if err := syscall.Mkfifo(filepath.Join(dir, "a.fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := policytest.Load(t, dir, `version: 1
channels: {deadman: none}
services: [{name: web, owner: sre}]
tenants:
  host: "{tenant}.example.com"
  path: "/t/{tenant}/"
  sources:
    - {name: main, file: main.log, format: combined, app_service: web}
    - {name: good, file: good.log, format: combined, app_service: web}
    - {name: one, file: "main*.log", format: combined, app_service: web, tenant: acme}
    - {name: path, file: "mai*.log", format: combined, app_service: web, tenant_by: path}
    - {name: absent, file: absent.log, format: combined, app_service: web}
    - {name: fifo, file: "*.fifo", format: combined, app_service: web}
`)
	found := Doubts(t.Context(), p)
	const want = "2 of the first 2 requests have an address or -"
	if len(found) != 1 || !strings.HasPrefix(found[0], "tenants.sources main: ") || !strings.Contains(found[0], want) {
		t.Errorf("%q", found)
	}
	logged := &testkit.Buffer{}
	c := New(Options{Logger: slog.New(slog.NewTextHandler(logged, nil)), Immediate: true})
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = collectors.Run(t.Context(), c, slog.New(slog.DiscardHandler), func(error, time.Duration) {})
	}()
	testkit.Eventually(t, func() bool { return c.Lines() == 7 }, "all lines counted")
	// A reload does not look again.
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	good, err := os.OpenFile(filepath.Join(dir, "good.log"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = good.WriteString(strings.ReplaceAll(line, "203.0.113.9", "acme.example.com"))
	if err := errors.Join(err, good.Close()); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() bool { return c.Lines() == 8 }, "a line after the reload")
	log := logged.String()
	if n := strings.Count(log, want); n != 1 || !strings.Contains(log, "source=main") ||
		strings.Contains(log, "203.0.113.9") {
		t.Errorf("%d warnings:\n%s", n, log)
	}
}
