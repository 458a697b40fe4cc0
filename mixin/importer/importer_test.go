package importer

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/rules"
)

var appServiceRE = regexp.MustCompile(`(?m)^ +app_service: (.+)$`)

// accepted loads what was imported as a part of a policy that has its services, and generates the policy's rules.
func accepted(t *testing.T, part Part) *config.Policy {
	t.Helper()
	dir := t.TempDir()
	head := "version: 1\n"
	if !strings.Contains(string(part.Policy), "\nchannels:") {
		head += "channels: {deadman: none}\n"
	} else {
		head += "channels: {deadman: none, more: {webhook: {url: 'http://127.0.0.1:9'}}}\n"
	}
	var services []string
	for _, m := range appServiceRE.FindAllStringSubmatch(string(part.Policy), -1) {
		services = append(services, m[1])
	}
	slices.Sort(services)
	if services = slices.Compact(services); len(services) > 0 {
		head += "services:\n"
		for _, s := range services {
			head += "  - {name: " + s + ", owner: sre}\n"
		}
	}
	testkit.WriteFile(t, filepath.Join(dir, "head.yaml"), head)
	testkit.WriteFile(t, filepath.Join(dir, "imported.yaml"), part.Policy)
	if part.Modules != nil {
		testkit.WriteFile(t, filepath.Join(dir, ModulesFile), part.Modules)
	}
	p, err := config.Load(dir)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, part.Policy, part.Modules)
	}
	if _, err := rules.Build(p); err != nil {
		t.Errorf("%v\n%s", err, part.Policy)
	}
	return p
}

// checksAre compares the checks of a policy, each by name, service, target and module.
func checksAre(t *testing.T, p *config.Policy, want [][4]string) {
	t.Helper()
	if len(p.Health.Checks) != len(want) {
		t.Fatalf("%d checks, want %d", len(p.Health.Checks), len(want))
	}
	for i, w := range want {
		c := p.Health.Checks[i]
		if got := [4]string{c.Name, c.AppService, c.Target, c.Module}; got != w {
			t.Errorf("%q, want %q", got, w)
		}
	}
}

// noted expects notes among the comments of what was imported.
func noted(t *testing.T, part Part, want ...string) {
	t.Helper()
	var comments string
	for line := range strings.Lines(string(part.Policy)) {
		if strings.HasPrefix(line, "#") {
			comments += line
		}
	}
	for _, w := range want {
		if !strings.Contains(comments, w) {
			t.Errorf("no note %q in\n%s", w, comments)
		}
	}
}

// refused expects an error for each change of a text.
func refused(t *testing.T, convert func([]byte) (Part, error), text string, changes map[string][3]string) {
	t.Helper()
	for name, c := range changes {
		changed := strings.Replace(text, c[0], c[1], 1)
		if changed == text {
			t.Errorf("%s: nothing changed", name)
		}
		if part, err := convert([]byte(changed)); err == nil || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("%s: %v, want %q\n%s", name, err, c[2], part.Policy)
		}
	}
}

// fuzzed feeds a conversion with texts: it must end, with a policy or an error.
func fuzzed(f *testing.F, convert func([]byte) (Part, error), seeds ...string) {
	f.Helper()
	for _, s := range seeds {
		f.Add(s)
	}
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		if part, err := convert([]byte(text)); err == nil && len(part.Policy) == 0 {
			t.Error("neither a policy nor an error")
		}
	})
}
