package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, nil, &out, &errs)
	return code, out.String(), errs.String()
}

func TestCheckConfig(t *testing.T) {
	code, out, _ := call(t, "check-config", "--cost", "--tenants=5")
	if code != 0 || !strings.Contains(out, "warning: ") || !strings.Contains(out, "cost with 5 tenants") ||
		!strings.Contains(out, "ok: sha256 ") {
		t.Errorf("embedded default: %d %s", code, out)
	}
	name := policytest.File(t, t.TempDir(), "version: 1\nnonsense: 1\nmore_nonsense: 2\nchannels: {deadman: none}\n")
	code, out, errs := call(t, "--config.file="+name, "check-config")
	lines := strings.Split(strings.TrimSpace(errs), "\n")
	if code != 1 || out != "" || len(lines) != 2 || !strings.Contains(lines[0], name+":2") ||
		!strings.Contains(lines[1], name+":3") {
		t.Errorf("bad policy: %d %q %q", code, out, errs)
	}
}

func TestProbeCommand(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer site.Close()
	name := policytest.File(t, t.TempDir(), `version: 1
channels: {deadman: none}
services: [{name: web, owner: sre}]
health:
  checks:
    - {name: good, app_service: web, target: "`+site.URL+`"}
    - {name: bad, app_service: web, target: "`+site.URL+`/broken"}
    - {name: each, app_service: web, target: "`+site.URL+`/broken?{tenant}", per_tenant: {interval: 1m}}
tenants: {registry: {file: tenants.yaml}}
`)
	testkit.WriteFile(t, filepath.Join(filepath.Dir(name), "tenants.yaml"), "tenants: [{name: acme}]")
	code, out, errs := call(t, "probe", "good", "--config.file="+name)
	if code != 0 || !strings.Contains(out, "result    success") || !strings.Contains(out, "connect") {
		t.Errorf("good: %d %s %s", code, out, errs)
	}
	if code, out, _ := call(t, "probe", "bad", "--config.file="+name); code != 1 ||
		!strings.Contains(out, "result    failure") {
		t.Errorf("bad: %d %s", code, out)
	}
	for args, want := range map[string]string{
		"ugly":             `unknown check "ugly": write one of good, bad, each`,
		"god":              "did you mean good?",
		"good --tenant=x":  "is not per tenant",
		"each":             "is per tenant: choose one of the registry with --tenant",
		"each --tenant=ac": "did you mean acme?",
		"bad":              "the probe failed; --debug",
	} {
		code, out, errs := call(t, append([]string{"probe", "--config.file=" + name}, strings.Fields(args)...)...)
		if code != 1 || !strings.Contains(errs, want) {
			t.Errorf("probe %s: %d %s %s\nwant %s", args, code, out, errs, want)
		}
	}
	if code, out, errs := call(t, "probe", "each", "--tenant=acme", "--config.file="+name); code != 1 ||
		!strings.Contains(out, "reason    status: a status that") {
		t.Errorf("a tenant: %d %s %s", code, out, errs)
	}
}

func TestUsage(t *testing.T) {
	if code, _, errs := call(t, "--no-such-flag"); code != 2 || !strings.Contains(errs, "no-such-flag") {
		t.Errorf("unknown flag: %d %s", code, errs)
	}
	if code, _, errs := call(t, "check-config", "--tenants=many"); code != 2 ||
		!strings.Contains(errs, `invalid number "many": write a whole number; try --help`) {
		t.Errorf("no number: %d %s", code, errs)
	}
	if code, out, _ := call(t, "--help"); code != 0 || !strings.Contains(out, "--[no-]collector.health") {
		t.Errorf("help: %d %s", code, out)
	}
	if code, out, _ := call(t, "--version"); code != 0 || !strings.Contains(out, "thorbis_exporter, version") {
		t.Errorf("version: %d %s", code, out)
	}
	if code, _, errs := call(t, "--config.file=/nonexistent", "--storage.path="); code != 1 ||
		!strings.Contains(errs, "/nonexistent") {
		t.Errorf("missing policy: %d %s", code, errs)
	}
}
