package exporter

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/tenant"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

func TestReceivingListenerServesNothingElse(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"secret": "s3cret",
		"p.yaml": `version: 1
channels: {deadman: none}
services: [{name: web, owner: sre}]
tenants:
  host: "{tenant}.example.com"
  sources: [{receive: json, app_service: web, secret_file: secret, fields: {host: h, status: s}}]
`,
	} {
		testkit.WriteFile(t, filepath.Join(dir, name), text)
	}
	e := newExporter(Options{
		Logger: quiet(), Collectors: map[string]bool{tenant.Definition.Name: true}, Receive: ReceiveFlags("127.0.0.1:0", ""),
		Load: func(ctx context.Context) (*config.Policy, error) {
			return config.LoadContext(ctx, filepath.Join(dir, "p.yaml"))
		},
	}, nil)
	if err := e.policy.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	receiving := httptest.NewServer(e.receiver().Handler)
	defer receiving.Close()
	for path, code := range map[string]int{
		"/": 404, "/metrics": 404, "/metrics/tenants": 404, "/-/reload": 404, "/api/v1/receive/vercel": 404,
		"/api/v1/receive/json": 401,
	} {
		if got := ask(t, "POST", receiving.URL+path); got.code != code {
			t.Errorf("%s: %d, want %d", path, got.code, code)
		}
	}
	h, err := e.handler()
	if err != nil {
		t.Fatal(err)
	}
	main := httptest.NewServer(h)
	defer main.Close()
	if got := ask(t, "GET", main.URL+"/metrics/tenants"); got.code != 200 ||
		!strings.Contains(got.body, "# TYPE thorbis_tenant_requests_total counter") {
		t.Errorf("%d %s", got.code, got.body)
	}
	if got := ask(t, "POST", main.URL+"/api/v1/receive/json"); got.code == 401 || got.code == 200 {
		t.Errorf("the main listener receives: %d", got.code)
	}
	if ReceiveFlags("", "") != nil {
		t.Error("without an address there is nothing to receive")
	}
}
