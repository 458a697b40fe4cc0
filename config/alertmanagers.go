package config

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// Alertmanager is one whose incidents and acknowledgements the exporter reads.
type Alertmanager struct {
	Name string `yaml:"name"`
	URL  string `yaml:"url"`
	// Either a bearer token or a name with its password, for an Alertmanager behind a proxy that asks.
	TokenFile    string `yaml:"token_file" secret:"exporter"`
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file" secret:"exporter"`
	// Events is where its event recorder writes; nil without one, and then polling is all there is.
	Events *AlertmanagerEvents `yaml:"events"`
}

// Authorize adds the credentials of the Alertmanager to a request.
func (a *Alertmanager) Authorize(ctx context.Context, req *http.Request) error {
	switch {
	case a.TokenFile != "":
		token, err := secret.Ref{File: a.TokenFile}.Line(ctx)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	case a.PasswordFile != "":
		password, err := secret.Ref{File: a.PasswordFile}.Line(ctx)
		if err != nil {
			return err
		}
		req.SetBasicAuth(a.Username, password)
	}
	return nil
}

// AlertmanagerEvents says how the events of an Alertmanager's recorder arrive: posted with a secret, or in a file.
type AlertmanagerEvents struct {
	Secret *SecretRef `yaml:"secret"`
	File   string     `yaml:"file"`
}

// ReceivesEvents reports whether an Alertmanager may post the events of its recorder.
func (p *Policy) ReceivesEvents() bool {
	return slices.ContainsFunc(p.Alertmanagers, func(a *Alertmanager) bool {
		return a.Events != nil && a.Events.Secret != nil
	})
}

// RecordsEvents reports whether an event recorder is read, posted or in a file.
func (p *Policy) RecordsEvents() bool {
	return slices.ContainsFunc(p.Alertmanagers, func(a *Alertmanager) bool { return a.Events != nil })
}

// maxAlertmanagers bounds the servers that the exporter reads several times a minute.
const maxAlertmanagers = 16

// IncidentInterval is how often the exporter reads open alerts and acknowledgements.
const IncidentInterval = 15 * time.Second

// alertmanagersSection lists what the exporter reads; where Prometheus sends alerts is its own configuration.
var alertmanagersSection = &section[[]*Alertmanager]{
	key:      "alertmanagers",
	field:    func(p *Policy) *[]*Alertmanager { return &p.Alertmanagers },
	validate: validateAlertmanagers,
	resolve:  resolveAlertmanagers,
	cost:     costOfIncidents,
}

func validateAlertmanagers(v *validator, all []*Alertmanager) {
	v.tooMany("alertmanagers", "Alertmanagers", len(all), maxAlertmanagers)
	seen := map[string]bool{}
	for i, a := range all {
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
		if a.Events != nil {
			v.events(path+".events", a.Events)
		}
	}
}

func (v *validator) events(path string, e *AlertmanagerEvents) {
	switch {
	case (e.Secret == nil) == (e.File == ""):
		v.failAt(path, "must have one of secret, for events that are posted, and file")
	case e.Secret != nil:
		v.secretRef(path+".secret", e.Secret)
	}
}

func resolveAlertmanagers(v *validator, all *[]*Alertmanager) {
	for i, a := range *all {
		if a.Events != nil && a.Events.File != "" {
			a.Events.File = v.resolve(fmt.Sprintf("alertmanagers[%d].events.file", i), a.Events.File)
		}
	}
}

// costOfIncidents counts the calls for open incidents and their acknowledgements.
func costOfIncidents(p *Policy, all []*Alertmanager, _ int) Cost {
	if len(all) == 0 {
		return Cost{} // without alerts there are no incidents to look up in PagerDuty
	}
	calls := 2 * len(all) // alerts and silences
	for _, channel := range p.Channels {
		if channel.PagerDuty != nil && channel.PagerDuty.API != nil {
			calls++
		}
	}
	return Cost{APICallsPerHour: calls * int(time.Hour/IncidentInterval)}
}
