package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTenantsOnce(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "access.json")
	text := `{"time":"2020-01-01T00:00:00Z","host":"acme.example.com","status":200,"request_time":0.2}
garbage
{"host":"other.org","status":"503"}
{"host":"acme.example.com","status":404}`
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := call(t, "tenants", "--once", "--format=nginx-json", "--tenant-host={tenant}.example.com", log)
	if code != 0 || errs != "4 lines, 1 tenants, 1 syntax\n" {
		t.Errorf("%d %q", code, errs)
	}
	for _, want := range []string{
		`tenant="acme",code_class="2xx"} 1`, `tenant="acme",code_class="4xx"} 1`, `tenant="_unknown",code_class="5xx"} 1`, `_duration_seconds_sum{app_service="thorbis-exporter",environment="production",tenant="acme"} 0.2`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	name := write(t, `version: 1
channels: {deadman: none}
services: [{name: shop, owner: sre}]
tenants:
  host: "{tenant}.example.com"
  sources: [{file: x, format: json, app_service: shop, fields: {host: h, status: s}}]
`)
	if err := os.WriteFile(log, []byte(`{"h":"acme.example.com","s":200}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := call(t, "tenants", "--once", "--format=json", "--config.file="+name, log, log); code != 0 || !strings.Contains(out, `app_service="shop",environment="production",tenant="acme",code_class="2xx"} 2`) {
		t.Errorf("by the policy: %d\n%s", code, out)
	}
	if code, out, errs := call(t, "tenants", "--once", "--format=json", "--config.file="+name, log, "/nonexistent"); code != 1 || !strings.Contains(errs, "/nonexistent") || !strings.Contains(out, `"acme",code_class="2xx"} 1`) {
		t.Errorf("missing file: %d %s\n%s", code, errs, out)
	}
	if code, _, errs := call(t, "tenants", "--once", "--format=caddy", log); code != 1 || !strings.Contains(errs, "--tenant-host") {
		t.Errorf("no way to a tenant: %d %s", code, errs)
	}
}
