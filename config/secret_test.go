package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// notSecret are keys that end as those of secrets do and name none.
var notSecret = []string{"modules_file", "ca_file", "cert_file"}

// Every key that names a file or a variable with a secret carries the tag, so that it is found by whoever lists them.
func TestEverySecretKeyIsTagged(t *testing.T) {
	tagged := 0
	var walk func(typ reflect.Type, path string, seen []reflect.Type)
	walk = func(typ reflect.Type, path string, seen []reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(typ.Elem(), path, seen)
		case reflect.Struct:
			if slices.Contains(seen, typ) || typ == secretRefType {
				return
			}
			for field := range typ.Fields() {
				key := field.Tag.Get("yaml")
				if !field.IsExported() || key == "" || key == "-" {
					continue
				}
				reader, ok := field.Tag.Lookup("secret")
				named := (strings.HasSuffix(key, "_file") || strings.HasSuffix(key, "_env")) && !slices.Contains(notSecret, key)
				switch {
				case named != ok:
					t.Errorf("%s: the name says %t, the tag %t", join(path, key), named, ok)
				case ok && reader != readerExporter && reader != readerAlertmanager:
					t.Errorf("%s: no reader %q", join(path, key), reader)
				case ok:
					tagged++
				default:
					walk(field.Type, join(path, key), append(seen, typ))
				}
			}
		}
	}
	for _, s := range sections {
		walk(s.valueType(), s.name(), nil)
	}
	if tagged < 12 {
		t.Errorf("only %d keys were found", tagged)
	}
}

func TestSecretsAreListedAndAbsolute(t *testing.T) {
	dir := write(t, map[string]string{"p.yaml": `version: 1
channels:
  deadman: {webhook: {url_file: deadman-url}}
  pager: {pagerduty: {routing_key_file: key, api: {token_file: pd-token}}}
alertmanagers: [{name: main, url: "http://localhost:9093", username: u, password_file: am-password}]
services: [{name: web, owner: sre}]
health:
  checks: [{name: home, app_service: web, target: "https://example.com",
    secret_headers: {Authorization: {file: header}, X-Key: {env: THORBIS_TEST_NO_KEY}}}]
databases: [{name: main, dsn_file: dsn}]
tenants:
  registry: {postgres: {dsn_file: registry-dsn, query: SELECT 1}}
  host: "{tenant}.example.com"
  sources: [{receive: json, secret_file: hmac, app_service: web, fields: {status: s}}]
storage: {supabase: {token_env: THORBIS_TEST_NO_TOKEN, projects: [{ref: abcdefghijklmnopqrst, compute: micro}]}}
backups: [{name: db, interval: 1d, source: {program: restic, secrets: {RESTIC_PASSWORD: {file: restic}}},
  restore_test: {secrets: {PGPASSWORD: {file: pg}}}}]
`})
	p, err := Load(filepath.Join(dir, "p.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range p.Secrets() {
		got[s.Path] = s.Ref.File + s.Ref.Env
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	want := map[string]string{
		"channels.deadman.webhook.url_file":             "deadman-url", // Alertmanager's
		"channels.pager.pagerduty.routing_key_file":     "key",
		"channels.pager.pagerduty.api.token_file":       at("pd-token"),
		"alertmanagers[0].password_file":                at("am-password"),
		"health.checks[0].secret_headers.Authorization": at("header"),
		"health.checks[0].secret_headers.X-Key":         "THORBIS_TEST_NO_KEY",
		"databases[0].dsn_file":                         at("dsn"),
		"tenants.registry.postgres.dsn_file":            at("registry-dsn"),
		"tenants.sources[0].secret_file":                at("hmac"),
		"storage.supabase.token_env":                    "THORBIS_TEST_NO_TOKEN",
		"backups[0].source.secrets.RESTIC_PASSWORD":     at("restic"),
		"backups[0].restore_test.secrets.PGPASSWORD":    at("pg"),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("secrets\n%v, want\n%v", got, want)
	}
	// None of them is there: as many warnings, whoever reads it.
	missing := 0
	for _, w := range p.Warnings() {
		if strings.Contains(w.Msg, "secret file cannot be read") || strings.Contains(w.Msg, "is not set here") {
			missing++
			if w.Line == 0 {
				t.Errorf("%s has no line", w)
			}
		}
	}
	if missing != len(want) {
		t.Errorf("%d warnings for %d secrets:\n%v", missing, len(want), p.Warnings())
	}
}

// Secrets, and so their warnings, come in the order of the sections and of the names in them.
func TestSecretsComeInOrder(t *testing.T) {
	p := loadedFrom(t, skeleton)
	var first []string
	for i := range 20 {
		var paths []string
		for _, s := range p.Secrets() {
			paths = append(paths, s.Path)
		}
		if i == 0 {
			first = paths
		}
		if !slices.Equal(paths, first) || len(paths) < 6 {
			t.Fatalf("%q, before %q", paths, first)
		}
	}
	want := []string{"channels.chat", "channels.pager", "channels.pager", "channels.teams", "health.checks[0]"}
	for i, path := range want {
		if !strings.HasPrefix(first[i], path+".") {
			t.Errorf("%q, want %q", first, want)
		}
	}
}

// What is written in modules is as secret as what is in files.
func TestSecretsOfModulesAreMasked(t *testing.T) {
	dir := write(t, map[string]string{
		"p.yaml": strings.Replace(minimal, "health:\n", "health:\n  modules_file: m.yml\n", 1),
		"m.yml": `modules:
  a:
    prober: http
    http:
      headers: {X-Api-Key: module-header-secret, Accept: text/html-is-public}
      basic_auth: {username: u, password: module-basic-secret}
      proxy_url: http://u:module-proxy-secret@proxy:3128
`,
	})
	p, err := Load(filepath.Join(dir, "p.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.LearnSecrets(t.Context())
	const text = "module-header-secret module-basic-secret module-proxy-secret text/html-is-public"
	if got := secret.Mask(text); got != "<secret> <secret> <secret> text/html-is-public" {
		t.Error(got)
	}
}

// A pipe in the place of a file is refused at once; it would hold up this load and every later one.
func TestPipesAreRefused(t *testing.T) {
	text := strings.Replace(minimal, "health:\n", "health:\n  modules_file: pipe\n", 1)
	dir := write(t, map[string]string{"p.yaml": text})
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{pipe, filepath.Join(dir, "p.yaml"), "/dev/zero"} {
		done := make(chan error, 1)
		go func() { _, err := Load(name); done <- err }()
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), "must be a regular file") {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: still loading", name)
		}
	}
}

// A program that reads the policy once takes it from a pipe, too.
func TestLoadOnce(t *testing.T) {
	dir := write(t, map[string]string{"p.yaml": minimal})
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() { _ = os.WriteFile(pipe, []byte(minimal), 0o600) }()
	directory := write(t, map[string]string{"p.yaml": minimal})
	for _, name := range []string{"-", "/dev/stdin", pipe, filepath.Join(dir, "p.yaml"), directory} {
		p, err := LoadOnce(t.Context(), name, strings.NewReader(minimal))
		if err != nil || len(p.Health.Checks) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []struct{ text, want string }{
		{"version: 1\nnonsense: 1\n", "<stdin>:2: nonsense"},
		{strings.Repeat(" ", maxFileBytes+1), "bytes: divide it into files of a directory"},
	} {
		_, err := LoadOnce(t.Context(), "-", strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("err = %v, want %s", err, c.want)
		}
	}
	if _, err := LoadOnce(t.Context(), "/dev/zero", nil); err == nil {
		t.Error("a device was read")
	}
}
