package config

import (
	"fmt"
	"slices"
	"time"
)

// Maintenance is a window during which checks count neither as up nor as down. Once: From and To.
// Recurring: Start, Duration and TimeZone, on Weekdays or DaysOfMonth (every day if neither is given).
type Maintenance struct {
	Name        string   `yaml:"name"`
	Checks      []string `yaml:"checks"`
	AppServices []string `yaml:"app_services"`
	Tenants     []string `yaml:"tenants"`

	From Time `yaml:"from"`
	To   Time `yaml:"to"`

	Start       string   `yaml:"start"`
	Duration    Duration `yaml:"duration"`
	TimeZone    string   `yaml:"time_zone"`
	Weekdays    []string `yaml:"weekdays"`
	DaysOfMonth []int    `yaml:"days_of_month"`
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
		v.window(path, m)
	}
}

func (v *validator) window(path string, m *Maintenance) {
	if !m.From.IsZero() || !m.To.IsZero() {
		switch {
		case m.Start != "" || m.Duration != 0 || len(m.Weekdays) > 0 || len(m.DaysOfMonth) > 0:
			v.failAt(path, "write either from and to (once) or start and duration (recurring)")
		case !m.To.After(m.From.Time):
			v.failAt(path+".to", "must be later than from")
		}
		return
	}
	if _, err := ParseClock(m.Start); err != nil {
		v.failAt(path+".start", "%v", err)
	}
	if m.Duration <= 0 || m.Duration.Std() > 24*time.Hour {
		v.failAt(path+".duration", "write more than 0 and at most 1d")
	}
	v.zone(path+".time_zone", m.TimeZone)
	v.weekdays(path+".weekdays", m.Weekdays)
	if slices.ContainsFunc(m.DaysOfMonth, func(d int) bool { return d == 0 || d < -31 || d > 31 }) {
		v.failAt(path+".days_of_month", "write 1 to 31, or -1 to -31 counted from the end")
	}
}
