package importer

import (
	"fmt"
	"maps"
	"strings"

	"go.yaml.in/yaml/v3"
)

// probe is a module of the blackbox_exporter that is put together: the settings of its prober by key.
type probe struct {
	prober   string
	settings map[string]any
}

// module returns the name of a module with the settings of a probe: one that every policy has, one that the draft has
// already, or a new one called after the check.
func (d *draft) module(check string, p probe) (string, error) {
	if len(p.settings) == 0 {
		switch p.prober {
		case "http":
			return "http_2xx", nil
		case "tcp":
			return "tcp_connect", nil
		case "icmp":
			return "icmp", nil
		}
	}
	settings := map[string]any{"preferred_ip_protocol": "ip4"}
	maps.Copy(settings, p.settings)
	module := map[string]any{"prober": p.prober, p.prober: settings}
	text, err := yaml.Marshal(module)
	if err != nil {
		return "", err
	}
	if d.modules == nil {
		d.modules, d.moduleNames = map[string]any{}, map[string]string{}
	}
	if name, ok := d.moduleNames[string(text)]; ok {
		return name, nil
	}
	name := strings.ToLower(strings.ReplaceAll(check, ".", "_"))
	for n := 2; d.modules[name] != nil; n++ {
		name = fmt.Sprintf("%s_%d", check, n)
	}
	d.modules[name], d.moduleNames[string(text)] = module, name
	return name, nil
}

// check adds a check with the module of a probe.
func (d *draft) check(line int, c importedCheck, p probe) {
	module, err := d.module(c.Name, p)
	if err != nil {
		d.fail(line, "%s: %v", c.Name, err)
		return
	}
	c.Module = module
	if d.policy.Health == nil {
		d.policy.Health = &importedHealth{}
	}
	if len(d.modules) > 0 {
		d.policy.Health.Modules = ModulesFile
	}
	d.policy.Health.Checks = append(d.policy.Health.Checks, c)
}
