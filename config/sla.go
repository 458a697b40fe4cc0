package config

import "time"

// SLA is the contract with the customers. It counts by calendar month without maintenance, apart from the objectives,
// which are internal and roll.
type SLA struct {
	Availability Ratio `yaml:"availability"`
	// TimeZone is that of the days and months of histories and reports; empty is UTC. Recorded months are in UTC.
	TimeZone string `yaml:"time_zone"`
}

// MarshalYAML leaves out a time zone that is not written, so that policies without one keep their hash.
func (s SLA) MarshalYAML() (any, error) {
	if s.TimeZone == "" {
		return struct {
			Availability Ratio `yaml:"availability"`
		}{s.Availability}, nil
	}
	type plain SLA
	return plain(s), nil
}

var slaSection = &section[SLA]{
	key:      "sla",
	field:    func(p *Policy) *SLA { return &p.SLA },
	validate: func(v *validator, s SLA) { v.zone("sla.time_zone", s.TimeZone) },
}

// Zone returns the time zone of days and months, UTC for one that cannot be loaded.
func (s SLA) Zone() *time.Location {
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}
