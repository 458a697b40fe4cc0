package config

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"

	bbconfig "github.com/prometheus/blackbox_exporter/config"
	"go.yaml.in/yaml/v3"
)

// defaultBodyLimit is how much of a body is read by a module that looks into it and says nothing of a limit. The
// prober keeps such a body as a whole in memory, and one that never ends would take all of it.
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
	maps.Copy(modules, own)
}
