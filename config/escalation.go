package config

import (
	"fmt"
	"net/url"
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

// IncidentInterval is how often the exporter asks who has acknowledged what.
const IncidentInterval = 15 * time.Second

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

// Owner is a team that is notified, in addition to the priority's channels, of alerts on what it owns.
type Owner struct {
	Notify []string `yaml:"notify"`
}

// Alertmanager is one whose incidents and acknowledgements the exporter reads.
type Alertmanager struct {
	Name string `yaml:"name"`
	URL  string `yaml:"url"`
	// Either a bearer token or a name with its password, for an Alertmanager behind a proxy that asks.
	TokenFile    string `yaml:"token_file" secret:"exporter"`
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file" secret:"exporter"`
}

// maxAlertmanagers bounds whom the exporter asks several times a minute.
const maxAlertmanagers = 16

func (v *validator) escalation() {
	p := v.policy
	for _, priority := range Priorities {
		var last time.Duration
		var before string
		for _, layer := range Layers {
			path := "escalation." + priority + "." + layer
			after := p.Escalation.Ladder(priority).After(layer)
			if after == 0 {
				continue
			}
			if after < 0 || after < last {
				v.failAt(path, "must not be earlier than %s", before)
			}
			last, before = after, layer
		}
	}
	for _, layer := range sortedKeys(p.Escalation.Layers) {
		path := "escalation.layers." + layer
		if !slices.Contains(Layers, layer) {
			v.failAt(path, "unknown layer %q: %s", layer, Suggest(layer, Layers))
			continue
		}
		v.notified(path, p.Escalation.Layers[layer])
	}
	for _, layer := range Layers {
		channels := p.LayerChannels(layer)
		_, named := p.Escalation.Layers[layer]
		if _, ok := p.Channels[layer]; p.Escalation.uses(layer) && (len(channels) == 0 || !named && !ok) {
			v.failAt("escalation", "missing channel of layer %s: write escalation: {layers: {%s: [<channel>]}}, or a channel named %s", layer, layer, layer)
		}
	}
	if p.Escalation.Enabled() && len(p.Alertmanagers) == 0 {
		v.failAt("escalation", "missing alertmanagers, where the exporter reads what is open and acknowledged: write alertmanagers: [{name: main, url: http://localhost:9093}]")
	}
}

func (v *validator) owners() {
	for _, name := range sortedKeys(v.policy.Owners) {
		v.name("owners."+name, name)
		v.notified("owners."+name+".notify", v.policy.Owners[name].Notify)
	}
}

func (v *validator) alertmanagers() {
	if n := len(v.policy.Alertmanagers); n > maxAlertmanagers {
		v.failAt("alertmanagers", "%d Alertmanagers; at most %d", n, maxAlertmanagers)
	}
	seen := map[string]bool{}
	for i, a := range v.policy.Alertmanagers {
		path := fmt.Sprintf("alertmanagers[%d]", i)
		v.name(path+".name", a.Name)
		v.unique(path+".name", a.Name, seen)
		v.address(path+".url", a.URL)
		switch {
		case a.TokenFile != "" && (a.Username != "" || a.PasswordFile != ""):
			v.failAt(path, "must have either token_file or username and password_file")
		case (a.Username == "") != (a.PasswordFile == ""):
			v.failAt(path, "username and password_file belong together")
		}
	}
}

// address checks a base URL. Credentials in it would end up in logs.
func (v *validator) address(path, address string) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		v.failAt(path, "invalid address: write it like http://alertmanager:9093")
	case u.User != nil:
		v.failAt(path, "holds credentials; put them into a file and name that")
	case u.RawQuery != "" || u.Fragment != "":
		v.failAt(path, "must end with its path; leave out what begins with ? or #")
	}
}

// Notify returns the channels that a priority notifies.
func (p *Policy) Notify(priority string) []string {
	if settings, ok := p.Priorities[priority]; ok {
		return settings.Notify
	}
	return nil
}
