package vendor

import (
	"fmt"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Bounds of what is kept of a page. Cloudflare's has some four hundred components.
const (
	maxComponents   = 5000
	maxIncidents    = 200
	maxMaintenances = 200
	maxText         = 300 // characters of a name or an address
)

// page is what a status page reports, whatever its format.
type page struct {
	state      string // of the whole
	updated    time.Time
	components []component
	// listed says that components has all of them; else it has only those that are not well.
	listed       bool
	incidents    []Incident
	maintenances []Maintenance
}

type component struct{ id, name, state string }

// Incident is an incident that a page has open.
type Incident struct {
	Name   string    `json:"name"`
	Impact string    `json:"impact"`
	Began  time.Time `json:"began,omitzero"`
	Link   string    `json:"link,omitempty"`
}

// Maintenance is work that a page announces.
type Maintenance struct {
	Name  string    `json:"name"`
	Begin time.Time `json:"begin,omitzero"`
	End   time.Time `json:"end,omitzero"`
}

// parsers by the format of the policy.
var parsers = map[string]func(text []byte, now time.Time) (*page, error){
	config.VendorStatuspage: parseStatuspage,
	config.VendorIncidentIO: parseIncidentIO,
	config.VendorFeed:       parseFeed,
}

// componentState is that of a component which the policy names by its name or ID: the worst of several of one name.
func (p *page) componentState(name string) string {
	state, found := metric.VendorOperational, false
	for _, c := range p.components {
		if c.id == name || c.name == name {
			state, found = worse(state, c.state), true
		}
	}
	if !found && p.listed {
		return metric.VendorUnknown
	}
	return state
}

// stateFor is the state of what the policy relies on.
func (p *page) stateFor(components []string) string {
	if len(components) == 0 {
		return p.state
	}
	state := metric.VendorOperational
	for _, name := range components {
		state = worse(state, p.componentState(name))
	}
	return state
}

// worse returns the worse one of two states.
func worse(a, b string) string {
	if slices.Index(metric.VendorStates, b) > slices.Index(metric.VendorStates, a) {
		return b
	}
	return a
}

// nextMaintenance returns the present or next maintenance: of those that are not over, the one that begins first.
func (p *page) nextMaintenance(now time.Time) (Maintenance, bool) {
	var next Maintenance
	for _, m := range p.maintenances {
		over := m.Begin.IsZero() || !m.End.IsZero() && m.End.Before(now)
		if !over && (next.Begin.IsZero() || m.Begin.Before(next.Begin)) {
			next = m
		}
	}
	return next, !next.Begin.IsZero()
}

// check returns an error for a page that has more than is kept.
func (p *page) check() error {
	switch {
	case len(p.components) > maxComponents:
		return fmt.Errorf("too many components (%d): at most %d are read", len(p.components), maxComponents)
	case len(p.incidents) > maxIncidents:
		return fmt.Errorf("too many open incidents (%d): at most %d are read", len(p.incidents), maxIncidents)
	case len(p.maintenances) > maxMaintenances:
		return fmt.Errorf("too many maintenances (%d): at most %d are read", len(p.maintenances), maxMaintenances)
	}
	return nil
}

// known returns a word of a page as one of ours, and other for one that is not known.
func known(word string, ours map[string]string, other string) string {
	if s, ok := ours[word]; ok {
		return s
	}
	return other
}

// short bounds a text of a page.
func short(text string) string {
	runes := []rune(text)
	if len(runes) <= maxText {
		return text
	}
	return string(runes[:maxText-1]) + "…"
}

// plausible returns a time of a page, zero for one that is missing or far away.
func plausible(text string, now time.Time) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Before(now.AddDate(-10, 0, 0)) || t.After(now.AddDate(10, 0, 0)) {
		return time.Time{}
	}
	return t.UTC()
}

// past is plausible for what has happened: a page whose clock is ahead is not believed beyond now.
func past(text string, now time.Time) time.Time {
	if t := plausible(text, now); t.Before(now) {
		return t
	}
	return now.UTC()
}
