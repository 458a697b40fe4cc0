package config

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"

	bbconfig "github.com/prometheus/blackbox_exporter/config"
	"go.yaml.in/yaml/v3"
)

// defaultBodyLimit bounds the body that a module reads to look into it, unless the module has a limit. The prober keeps
// such a body as a whole in memory.
const defaultBodyLimit = 10 << 20

//go:embed modules.yaml
var builtinModules []byte

// parseModules reads modules in the blackbox_exporter's own grammar, strictly as it does.
// See https://github.com/prometheus/blackbox_exporter/blob/v0.28.0/CONFIGURATION.md.
func parseModules(text []byte) (modules map[string]bbconfig.Module, err error) {
	// A regular expression or CEL program of the file may make a library panic; the file is to blame.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot be parsed: %v", r)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var c bbconfig.Config
	if err := decoder.Decode(&c); err != nil {
		return nil, err
	}
	for name, m := range c.Modules {
		if h := &m.HTTP; h.BodySizeLimit == 0 && keepsBody(*h) {
			h.BodySizeLimit = defaultBodyLimit
			c.Modules[name] = m
		}
	}
	return c.Modules, nil
}

// keepsBody reports whether a module looks into the body.
func keepsBody(h bbconfig.HTTPProbe) bool {
	return len(h.FailIfBodyMatchesRegexp) > 0 || len(h.FailIfBodyNotMatchesRegexp) > 0 ||
		h.FailIfBodyJsonMatchesCEL != nil || h.FailIfBodyJsonNotMatchesCEL != nil
}

// loadModules merges the built-in modules with those of the policy's modules_file.
func (v *validator) loadModules() {
	modules, err := parseModules(builtinModules)
	if err != nil {
		panic(fmt.Sprintf("built-in modules: %v", err))
	}
	v.policy.modules = modules
	if v.policy.Health.ModulesFile == "" {
		return
	}
	name := v.resolve("health.modules_file", v.policy.Health.ModulesFile)
	text, err := readBounded(v.ctx, name)
	if err != nil {
		v.failAt("health.modules_file", "cannot be read: %v", err)
		return
	}
	own, err := parseModules(text)
	if err != nil {
		v.failAt("health.modules_file", "%s", YAMLError(name, err))
		return
	}
	v.policy.files = append(v.policy.files, name)
	v.policy.modulesFile = name
	maps.Copy(modules, own)
}

// Module returns a blackbox_exporter module by name: the user's own, else a built-in one.
func (p *Policy) Module(name string) (bbconfig.Module, bool) {
	m, ok := p.modules[name]
	return m, ok
}

// Modules returns the names of all modules, sorted.
func (p *Policy) Modules() []string { return sortedKeys(p.modules) }

// ModulesFile is the file that modules were read from, empty for none.
func (p *Policy) ModulesFile() string { return p.modulesFile }

// ErrModulesChanged reports a modules_file that differs in more than its secrets, so that only a reload may use it.
var ErrModulesChanged = errors.New("differs in more than its secrets: reload the exporter to use it")

// RereadSecrets reads the modules_file again and returns a policy with the secrets that it holds now. Every other
// change of the file needs a reload, because the hash of the policy covers it.
func (p *Policy) RereadSecrets(ctx context.Context) (*Policy, error) {
	text, err := readBounded(ctx, p.modulesFile)
	if err != nil {
		return nil, err
	}
	own, err := parseModules(text)
	if err != nil {
		return nil, errors.New(YAMLError(p.modulesFile, err))
	}
	next := *p
	if next.modules, err = parseModules(builtinModules); err != nil {
		return nil, err
	}
	maps.Copy(next.modules, own)
	before, err := modulesMeaning(p.modules)
	if err != nil {
		return nil, err
	}
	after, err := modulesMeaning(next.modules)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(before, after) {
		return nil, fmt.Errorf("%s %w", p.modulesFile, ErrModulesChanged)
	}
	return &next, nil
}

// modulesMeaning writes modules without their secrets.
func modulesMeaning(modules map[string]bbconfig.Module) ([]byte, error) {
	text, err := yaml.Marshal(modules)
	if err != nil {
		return nil, fmt.Errorf("the modules cannot be hashed: %w", err)
	}
	return text, nil
}
