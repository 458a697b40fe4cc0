package mixin

import (
	"encoding/json"

	"github.com/thorbis/thorbis_exporter/config"
)

// objectives writes the objectives of a policy, as the key of _config has them.
func objectives(p *config.Policy) string {
	type ratios map[string]string
	all := struct {
		Period       string            `json:"period"`
		Availability string            `json:"availability"`
		Latency      ratios            `json:"latency"`  // by threshold
		Services     map[string]ratios `json:"services"` // what they have of their own
		Tiers        map[string]ratios `json:"tiers"`
	}{
		p.Objectives.Period.String(), p.Objectives.Availability.Percent(),
		ratios{},
		map[string]ratios{},
		map[string]ratios{},
	}
	for _, l := range p.Objectives.Latency {
		all.Latency[l.Threshold.String()] = l.Ratio.Percent()
	}
	own := func(service string) ratios {
		if all.Services[service] == nil {
			all.Services[service] = ratios{}
		}
		return all.Services[service]
	}
	for _, s := range p.Services {
		if !s.Availability.IsZero() {
			own(s.Name)["availability"] = s.Availability.Percent()
		}
	}
	for _, s := range p.SLOs {
		own(s.AppService)[s.Name] = s.Objective.Percent()
	}
	for name, t := range p.Tiers {
		if !t.Availability.IsZero() {
			all.Tiers[name] = ratios{"availability": t.Availability.Percent()}
		}
	}
	text, err := json.MarshalIndent(all, "      ", "  ")
	if err != nil {
		panic(err) // texts can be written
	}
	return string(text)
}
