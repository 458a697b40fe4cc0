package config

import (
	"slices"
	"time"
)

// Layers of an escalation in the order in which they are notified.
var Layers = []string{LayerSecondary, LayerManager, LayerEveryone}

// The layers. They are a closed set, so that the rules that escalate are the same for every policy.
const (
	LayerSecondary = "secondary"
	LayerManager   = "manager"
	LayerEveryone  = "everyone"
)

// Escalation configures who is notified next, and when, while an incident is unacknowledged.
type Escalation struct {
	P1 Ladder `yaml:"P1"`
	P2 Ladder `yaml:"P2"`
	P3 Ladder `yaml:"P3"`
	P4 Ladder `yaml:"P4"`
	// Layers are the channels of each layer. A layer that is missing here notifies the channel of its own name.
	Layers map[string][]string `yaml:"layers"`
}

// Ladder is how long after its start an unacknowledged incident reaches each layer; 0 is never.
type Ladder struct {
	Secondary Duration `yaml:"secondary"`
	Manager   Duration `yaml:"manager"`
	Everyone  Duration `yaml:"everyone"`
}

var escalationSection = &section[Escalation]{
	key:      "escalation",
	field:    func(p *Policy) *Escalation { return &p.Escalation },
	validate: validateEscalation,
}

// After returns when a layer is notified, 0 for never.
func (l Ladder) After(layer string) time.Duration {
	switch layer {
	case LayerSecondary:
		return l.Secondary.Std()
	case LayerManager:
		return l.Manager.Std()
	case LayerEveryone:
		return l.Everyone.Std()
	}
	return 0
}

// Ladder returns the ladder of a priority.
func (e Escalation) Ladder(priority string) Ladder {
	switch priority {
	case "P1":
		return e.P1
	case "P2":
		return e.P2
	case "P3":
		return e.P3
	case "P4":
		return e.P4
	}
	return Ladder{}
}

// Enabled reports whether anything escalates.
func (e Escalation) Enabled() bool {
	return slices.ContainsFunc(Layers, e.uses)
}

// uses reports whether some priority reaches a layer.
func (e Escalation) uses(layer string) bool {
	return slices.ContainsFunc(Priorities, func(p string) bool { return e.Ladder(p).After(layer) > 0 })
}

// LayerChannels returns the channels that a layer notifies, none if no priority reaches it.
func (p *Policy) LayerChannels(layer string) []string {
	if !p.Escalation.uses(layer) {
		return nil
	}
	if named, ok := p.Escalation.Layers[layer]; ok {
		return named
	}
	return []string{layer}
}

func validateEscalation(v *validator, e Escalation) {
	p := v.policy
	for _, priority := range Priorities {
		var last time.Duration
		var before string
		for _, layer := range Layers {
			path := "escalation." + priority + "." + layer
			after := e.Ladder(priority).After(layer)
			if after == 0 {
				continue
			}
			if after < 0 || after < last {
				v.failAt(path, "invalid duration %q: write %s or more, which is that of %s",
					Duration(after), Duration(last), before)
			}
			last, before = after, layer
		}
	}
	for _, layer := range sortedKeys(e.Layers) {
		path := "escalation.layers." + layer
		if !slices.Contains(Layers, layer) {
			v.failAt(path, "unknown layer %q: %s", layer, Suggest(layer, Layers))
			continue
		}
		v.notified(path, e.Layers[layer])
	}
	for _, layer := range Layers {
		channels := p.LayerChannels(layer)
		_, named := e.Layers[layer]
		if _, ok := p.Channels[layer]; e.uses(layer) && (len(channels) == 0 || !named && !ok) {
			v.failAt("escalation", "missing channel of layer %[1]s: "+
				"write escalation: {layers: {%[1]s: [<channel>]}}, or a channel named %[1]s", layer)
		}
	}
	if e.Enabled() && len(p.Alertmanagers) == 0 {
		v.failAt("escalation", "missing alertmanagers, where the exporter reads what is open and acknowledged: "+
			"write alertmanagers: [{name: main, url: http://localhost:9093}]")
	}
}
