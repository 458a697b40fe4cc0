package config

import (
	"fmt"
	"time"
)

// Maintenance is a window during which checks count neither as up nor as down. Once: From and To.
// Recurring: Start, Duration and TimeZone, on Weekdays or DaysOfMonth (every day if neither is given).
type Maintenance struct {
	Name        string   `yaml:"name"`
	Checks      []string `yaml:"checks"`
	AppServices []string `yaml:"app_services"`
	Tenants     []string `yaml:"tenants"`
	Procedures  []string `yaml:"procedures"`
	// Announced is when the customers were notified; the contract asks for notice (sla.maintenance_notice).
	Announced Time `yaml:"announced"`

	From Time `yaml:"from"`
	To   Time `yaml:"to"`

	Start       string   `yaml:"start"`
	Duration    Duration `yaml:"duration"`
	TimeZone    string   `yaml:"time_zone"`
	Weekdays    []string `yaml:"weekdays"`
	DaysOfMonth []int    `yaml:"days_of_month"`
}

// MarshalYAML leaves out what is not written, so that policies without it keep their hash.
func (m Maintenance) MarshalYAML() (any, error) {
	type plain Maintenance
	return withoutKeys(plain(m), map[string]bool{"announced": m.Announced.IsZero()})
}

var maintenanceSection = &section[[]*Maintenance]{
	key:      "maintenance",
	field:    func(p *Policy) *[]*Maintenance { return &p.Maintenance },
	inherit:  inheritMaintenance,
	validate: validateMaintenance,
}

func inheritMaintenance(_ *Policy, windows *[]*Maintenance) {
	for _, m := range *windows {
		m.Weekdays, m.Start = canonicalDays(m.Weekdays), canonicalClock(m.Start)
	}
}

func validateMaintenance(v *validator, windows []*Maintenance) {
	seen := map[string]bool{}
	for i, m := range windows {
		path := fmt.Sprintf("maintenance[%d]", i)
		v.name(path+".name", m.Name)
		v.unique(path+".name", m.Name, seen)
		for j, name := range m.Checks {
			if _, ok := v.policy.Check(name); !ok {
				v.failAt(fmt.Sprintf("%s.checks[%d]", path, j),
					"unknown check %q: write the name of a check of this policy", name)
			}
		}
		for j, name := range m.AppServices {
			if _, ok := v.policy.Service(name); !ok {
				v.failAt(fmt.Sprintf("%s.app_services[%d]", path, j),
					"unknown service %q: write the name of a service of this policy", name)
			}
		}
		v.maintainedProcedures(path, m)
		v.window(path, m)
	}
}

func (v *validator) window(path string, m *Maintenance) {
	if !m.From.IsZero() || !m.To.IsZero() {
		switch {
		case m.Start != "" || m.Duration != 0 || len(m.Weekdays) > 0 || len(m.DaysOfMonth) > 0:
			v.failAt(path, "write either from and to (once) or start and duration (recurring)")
		case m.To.IsZero():
			v.failAt(path, "missing to: write it like 2026-01-31T22:00:00+01:00")
		case !m.To.After(m.From.Time):
			v.failAt(path+".to", "invalid time %q: write one after from, which is %s",
				m.To.Format(time.RFC3339), m.From.Format(time.RFC3339))
		}
		return
	}
	if _, err := ParseClock(m.Start); err != nil {
		v.failAt(path+".start", "%v", err)
	}
	if m.Duration == 0 {
		v.failAt(path, "missing duration: write more than 0 and at most 1d, like 2h")
	} else if m.Duration < 0 || m.Duration.Std() > 24*time.Hour {
		v.failAt(path+".duration", "invalid duration %q: write more than 0 and at most 1d", m.Duration)
	}
	v.zone(path+".time_zone", m.TimeZone)
	v.weekdays(path+".weekdays", m.Weekdays)
	for i, day := range m.DaysOfMonth {
		if day == 0 || day < -31 || day > 31 {
			v.failAt(fmt.Sprintf("%s.days_of_month[%d]", path, i),
				"invalid day \"%d\": write 1 to 31, or -1 to -31 counted from the end", day)
		}
	}
}
