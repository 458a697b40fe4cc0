package config

import (
	"time"
)

// Bounds of what a policy may ask for.
const (
	maxChecks      = 20_000
	maxConcurrency = 10_000
)

// defaults returns the policy that the written one is laid over.
func defaults() *Policy {
	ratio := func(text string) (r Ratio) {
		if err := r.UnmarshalText([]byte(text)); err != nil {
			panic(err)
		}
		return r
	}
	return &Policy{
		Platform:    "thorbis",
		Environment: "production",
		Location:    "local",
		Objectives: Objectives{
			Availability: ratio("99.99%"), Period: Duration(30 * 24 * time.Hour),
			BackupFreshness: ratio("99%"), Response: ratio("95%"),
		},
		Priorities: map[string]*Priority{
			"P1": {RespondWithin: Duration(15 * time.Minute)},
			"P2": {RespondWithin: Duration(time.Hour)},
			"P3": {RespondWithin: Duration(4 * time.Hour), BusinessHours: true},
			"P4": {RespondWithin: Duration(7 * 24 * time.Hour)},
		},
		Hours: BusinessHours{
			TimeZone: "UTC",
			Weekdays: []string{"monday", "tuesday", "wednesday", "thursday", "friday"},
			From:     "09:00", To: "18:00",
		},
		Health: Health{
			Interval:        Duration(30 * time.Second),
			Timeout:         Duration(3 * time.Second),
			Confirm:         Confirm{Probes: 2, Interval: Duration(time.Second)},
			RecheckInterval: Duration(2 * time.Second),
			Concurrency:     1000,
		},
		Storage: defaultStorage(),
		Host:    defaultHost(),
		Tenants: Tenants{
			Registry: Registry{Refresh: Duration(time.Minute)},
			Limit:    20_000, LateAfter: Duration(10 * time.Minute), Histogram: Histograms[0],
		},
		Links: Links{
			Runbooks: "https://github.com/thorbis/thorbis_exporter/blob/main/docs/runbooks",
		},
	}
}

// inherit fills what each check and priority left out from its parent.
func (p *Policy) inherit() {
	p.Hours.Normalize()
	for _, m := range p.Maintenance {
		m.Weekdays, m.Start = canonicalDays(m.Weekdays), canonicalClock(m.Start)
	}
	p.inheritStorage()
	p.inheritDatabases()
	p.inheritCanaries()
	for _, c := range p.Health.Checks {
		if c.Interval == 0 {
			c.Interval = p.Health.Interval
			if c.PerTenant != nil && c.PerTenant.Interval != 0 {
				c.Interval = c.PerTenant.Interval
			} else if c.PerTenant != nil {
				c.Interval = Duration(5 * time.Minute)
			}
		}
		if c.Timeout == 0 {
			c.Timeout = p.Health.Timeout
		}
		if c.Certificates.WarnBefore == 0 {
			c.Certificates.WarnBefore = p.Health.Certificates.WarnBefore
		}
		if c.Certificates.UrgentBefore == 0 {
			c.Certificates.UrgentBefore = p.Health.Certificates.UrgentBefore
		}
		if c.Module == "" {
			c.Module = "http_2xx"
		}
		if c.BypassCache == nil {
			bypass := true
			c.BypassCache = &bypass
		}
		if c.PerTenant != nil && c.PerTenant.MaxPerSecond == 0 {
			c.PerTenant.MaxPerSecond = 50
		}
	}
	p.inheritBackups()
	for _, r := range p.Health.ReferenceTargets {
		if r.Module == "" {
			r.Module = "tcp_connect"
		}
	}
	p.Tenants.inherit()
	for _, t := range p.Tiers {
		if t.Page == "" {
			t.Page = "P2"
		}
		if t.TenantPage == "" {
			t.TenantPage = "P4"
		}
		if t.Pool.Tenants == 0 {
			t.Pool.Tenants = 2
		}
	}
	for _, c := range p.Channels {
		if c.PagerDuty != nil && c.PagerDuty.API != nil && c.PagerDuty.API.URL == "" {
			c.PagerDuty.API.URL = pagerDutyURL
		}
	}
	for _, s := range p.Services {
		if s.Page == "" {
			s.Page = Priorities[0]
		}
	}
	p.inheritSLOs()
}
