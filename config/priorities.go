package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Priority is one of P1 to P4: how soon a person must respond and which channels are notified.
type Priority struct {
	RespondWithin Duration `yaml:"respond_within"`
	BusinessHours bool     `yaml:"business_hours"`
	Notify        []string `yaml:"notify"`
}

// Priorities from the most to the least urgent.
var Priorities = []string{"P1", "P2", "P3", "P4"}

var prioritiesSection = &section[map[string]*Priority]{
	key:   "priorities",
	field: func(p *Policy) *map[string]*Priority { return &p.Priorities },
	defaults: func() map[string]*Priority {
		return map[string]*Priority{
			"P1": {RespondWithin: Duration(15 * time.Minute)},
			"P2": {RespondWithin: Duration(time.Hour)},
			"P3": {RespondWithin: Duration(4 * time.Hour), BusinessHours: true},
			"P4": {RespondWithin: Duration(7 * 24 * time.Hour)},
		}
	},
	validate: validatePriorities,
}

func validatePriorities(v *validator, priorities map[string]*Priority) {
	for _, name := range sortedKeys(priorities) {
		path := "priorities." + name
		if PriorityRank(name) == 0 {
			v.failAt(path, "invalid priority %q: write one of %s", name, strings.Join(Priorities, ", "))
			continue
		}
		v.notified(path+".notify", priorities[name].Notify)
	}
}

// notified checks a list of channels to notify.
func (v *validator) notified(path string, channels []string) {
	for i, name := range channels {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch c, ok := v.policy.Channels[name]; {
		case !ok:
			v.failAt(at, "unknown channel %q: %s", name, Suggest(name, sortedKeys(v.policy.Channels)))
		case c.None || name == Deadman:
			v.failAt(at, "invalid channel %q: it receives the Watchdog and nothing else; name another", name)
		}
	}
}

// PriorityRank returns 1 for P1 to 4 for P4, and 0 for anything else.
func PriorityRank(priority string) int { return slices.Index(Priorities, priority) + 1 }

// Notify returns the channels that a priority notifies.
func (p *Policy) Notify(priority string) []string {
	if settings, ok := p.Priorities[priority]; ok {
		return settings.Notify
	}
	return nil
}

// Deadline returns when a person must have responded to what began at a moment. Only business hours count where the
// priority keeps them.
func (p *Policy) Deadline(priority string, began time.Time) time.Time {
	settings, ok := p.Priorities[priority]
	if !ok {
		settings = p.Priorities[Priorities[0]]
	}
	if !settings.BusinessHours {
		return began.Add(settings.RespondWithin.Std())
	}
	return p.Hours.Add(began, settings.RespondWithin.Std())
}
