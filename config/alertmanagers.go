package config

import (
	"fmt"
	"time"
)

// Alertmanager is one whose incidents and acknowledgements the exporter reads.
type Alertmanager struct {
	Name string `yaml:"name"`
	URL  string `yaml:"url"`
	// Either a bearer token or a name with its password, for an Alertmanager behind a proxy that asks.
	TokenFile    string `yaml:"token_file" secret:"exporter"`
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file" secret:"exporter"`
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
