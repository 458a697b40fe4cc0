package config

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

const minimal = `version: 1
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}]
health:
  reference_targets: [{target: "192.0.2.1:443"}]
  checks:
    - {name: home, app_service: web, target: "https://example.com/healthz"}
`

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		testkit.WriteFile(t, filepath.Join(dir, name), text)
	}
	return dir
}

// errorsAt loads policies of which a part is wrong, and wants the error's text at the place of that part.
func errorsAt(t *testing.T, before, after string, cases [][2]string) {
	t.Helper()
	for _, c := range cases {
		text, want := c[0], c[1]
		_, err := loadText(t, minimal+before+text+after+"\n")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "p.yaml:8") {
			t.Errorf("%s: got %v\nwant %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error holds a password: %v", err)
		}
	}
}

func TestDefaultWatchesItsOwnAddress(t *testing.T) {
	p, err := Default(":10088")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Health.Checks[0].Target; got != "127.0.0.1:10088" {
		t.Errorf("target %q", got)
	}
}

func TestDefaultsAreInherited(t *testing.T) {
	dir := write(t, map[string]string{"p.yaml": minimal})
	p, err := Load(filepath.Join(dir, "p.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c := p.Health.Checks[0]
	if c.Interval.String() != "30s" || c.Timeout.String() != "3s" || c.Module != "http_2xx" || !*c.BypassCache {
		t.Errorf("check %+v", c)
	}
	if owner, page := p.PageOf(c); owner != "sre" || page != "P2" {
		t.Errorf("owner %q, page %q", owner, page)
	}
	if got := p.Objectives.Availability.Percent(); got != "99.99%" {
		t.Errorf("objective %s", got)
	}
}

// Each mistake names the file, the line and what to write instead.
func TestErrorsNameFileLineAndCure(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, want string }{
		"unknown key": {
			`target: "https`,
			`targt: "https`,
			"p.yaml:7: health.checks[0].targt: unknown key: did you mean target?",
		},
		"priority of transactions": {
			"services: ",
			"business: {transactions: [{name: a, app_service: web, page: P9, total: 't[$window]'}]}\nservices: ",
			`business.transactions[0].page: invalid priority "P9": write one of P1, P2, P3, P4`,
		},
		"mapping in place of a ratio": {
			"services: ",
			"objectives: {availability: {}}\nservices: ",
			"objectives.availability: invalid value: write a single value, not a mapping",
		},
		"duration": {
			"name: home,",
			"name: home, interval: 5x,",
			`p.yaml:7: health.checks[0].interval: invalid duration "5x": write it like`,
		},
		"module": {
			"name: home,",
			"name: home, module: http_2x,",
			`p.yaml:7: health.checks[0].module: unknown module "http_2x": did you mean http_2xx?`,
		},
		"service": {
			"app_service: web",
			"app_service: wbe",
			`p.yaml:7: health.checks[0].app_service: unknown service "wbe": did you mean web?`,
		},
		"deadman": {
			"deadman: none",
			"x: {webhook: {url: http://127.0.0.1}}",
			"p.yaml:2: channels: missing deadman",
		},
		"priority": {
			"page: P2",
			"page: P9",
			`p.yaml:3: services[0].page: invalid priority "P9": write one of P1, P2, P3, P4`,
		},
		"version": {"version: 1", "version: 2", "p.yaml:1: version: unknown version 2: write version: 1"},
		"never fires": {
			"version: 1",
			"version: 1\nobjectives: {availability: 80%}",
			"p.yaml:2: objectives.availability: 80% leaves a budget so large",
		},
		"tenant placeholder": {
			"example.com",
			"{tenant}.example.com",
			"p.yaml:7: health.checks[0].target: {tenant} needs per_tenant",
		},
		"timeout": {
			"name: home,",
			"name: home, timeout: 30s,",
			`p.yaml:7: health.checks[0].timeout: invalid duration "30s": write more than 0 and less than the interval of 30s`,
		},
		"twice": {
			"name: home,",
			"name: home, name: home,",
			"p.yaml:7: health.checks[0].name: duplicate key: already in line 7; keep one",
		},
		"two checks": {
			"checks:\n",
			"checks:\n    - {name: home, app_service: web, target: \"http://x\"}\n",
			`p.yaml:8: health.checks[1].name: duplicate name "home": choose another`,
		},
		"window": {
			"version: 1",
			"version: 1\nmaintenance: [{name: n, start: '25:00', duration: 1h}]",
			`p.yaml:2: maintenance[0].start: invalid time of day "25:00"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string]string{"p.yaml": strings.Replace(minimal, tc.old, tc.new, 1)})
			_, err := Load(filepath.Join(dir, "p.yaml"))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestDirectoryJoinsFiles(t *testing.T) {
	dir := write(t, map[string]string{
		"a.yaml": minimal,
		"b.yaml": "version: 1\nservices: [{name: api, owner: sre}]\nhealth: {modules_file: blackbox.yml, checks: [" +
			"{name: api, app_service: api, target: 'x:1', module: mine}]}\n",
		"blackbox.yml": "modules: {mine: {prober: tcp}}\n",
	})
	p, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Services) != 2 || len(p.Health.Checks) != 2 || len(p.Files()) != 3 {
		t.Errorf("services %d, checks %d, files %v", len(p.Services), len(p.Health.Checks), p.Files())
	}
	dir = write(t, map[string]string{"a.yaml": minimal, "b.yaml": "version: 1\nservices: [{name: web}]\n"})
	_, err = Load(dir)
	if want := `b.yaml:2: services[1].name: duplicate name "web"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	dir = write(t, map[string]string{"a.yaml": "environment: a\n" + minimal, "b.yaml": "environment: b\n"})
	_, err = Load(dir)
	if want := "b.yaml:1: environment: duplicate key: already in"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestHashIsOfTheMeaning(t *testing.T) {
	hash := func(text string) string {
		p, err := Load(filepath.Join(write(t, map[string]string{"p.yaml": text}), "p.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		return p.Hash()
	}
	base := hash(minimal)
	if hash("# a comment\nlocation: fra\n"+minimal) != base {
		t.Error("a comment or the location changed the hash")
	}
	if hash(strings.Replace(minimal, "P2", "P1", 1)) == base {
		t.Error("another priority did not change the hash")
	}
}

func TestWarnings(t *testing.T) {
	text := strings.Replace(minimal, "P2", "P1", 1)
	text = strings.Replace(text, "deadman: none", "deadman: {webhook: {url_file: missing}}", 1)
	p, err := Load(filepath.Join(write(t, map[string]string{"p.yaml": text}), "p.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, w := range p.Warnings() {
		all.WriteString(w.String() + "\n")
	}
	for _, want := range []string{"99.99% of 30d is 259 s", "judged from one location", "secret file cannot be read"} {
		if !strings.Contains(strings.ReplaceAll(all.String(), filepath.Dir(p.Files()[0])+"/", ""), want) {
			t.Errorf("no warning %q in\n%s", want, all.String())
		}
	}
}

// Whatever the bytes, a load ends with a policy or an error, never a panic.
func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte("version: 1\na: &a [*a]\n"))
	f.Add([]byte("version: 1\nhealth: &h {checks: [*h]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parse(context.Background(), []source{{name: "p.yaml", text: text}})
		if (p == nil) == (err == nil) {
			t.Fatalf("policy %v, error %v", p, err)
		}
	})
}

func FuzzModules(f *testing.F) {
	f.Add(builtinModules)
	f.Fuzz(func(_ *testing.T, text []byte) { _, _ = parseModules(text) })
}
