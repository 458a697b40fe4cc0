package config

import (
	"fmt"
	"time"
)

// SLA is the contract with the customers. It counts by calendar month without maintenance, apart from the objectives,
// which are internal and roll.
type SLA struct {
	Availability Ratio `yaml:"availability"`
	// TimeZone is that of the days and months of histories and reports; empty is UTC. Recorded months are in UTC.
	TimeZone string `yaml:"time_zone"`

	// Credits are the bands of the availability of a month, the best first.
	Credits []Credit `yaml:"credits"`
	// MinimumOutage is how long an outage must be to count.
	MinimumOutage Duration `yaml:"minimum_outage"`
	// MaintenanceNotice is how long before its begin maintenance must be announced so that its time is left out, and
	// MaintenanceCap how much of a month is left out at most. 0 requires and bounds nothing.
	MaintenanceNotice Duration `yaml:"maintenance_notice"`
	MaintenanceCap    Duration `yaml:"maintenance_cap"`
	// ClaimWithin is how long after the end of a month a credit can be claimed.
	ClaimWithin Duration `yaml:"claim_within"`
}

// Credit is what is due for a month whose availability is below a bound.
type Credit struct {
	Below  Ratio `yaml:"below"`
	Credit Share `yaml:"credit"` // of the fee of the month
}

// Bounds of the contract.
const (
	maxCredits          = 10
	maxMinimumOutage    = Duration(24 * time.Hour)
	maxNotice           = Duration(90 * 24 * time.Hour)
	maxMaintenanceCap   = Duration(31 * 24 * time.Hour)
	defaultClaimWithin  = Duration(30 * 24 * time.Hour)
	maxClaimWithin      = Duration(366 * 24 * time.Hour)
	leastClaimWithin    = Duration(24 * time.Hour)
	leastMaintenanceCap = Duration(time.Minute)
)

// MarshalYAML leaves out what is not written, so that policies without it keep their hash.
func (s SLA) MarshalYAML() (any, error) {
	type plain SLA
	return withoutKeys(plain(s), map[string]bool{
		"time_zone": s.TimeZone == "", "credits": len(s.Credits) == 0, "minimum_outage": s.MinimumOutage == 0,
		"maintenance_notice": s.MaintenanceNotice == 0, "maintenance_cap": s.MaintenanceCap == 0,
		"claim_within": s.ClaimWithin == 0,
	})
}

var slaSection = &section[SLA]{
	key:      "sla",
	field:    func(p *Policy) *SLA { return &p.SLA },
	validate: validateSLA,
}

func validateSLA(v *validator, s SLA) {
	v.zone("sla.time_zone", s.TimeZone)
	v.between("sla.minimum_outage", s.MinimumOutage, 0, maxMinimumOutage)
	v.between("sla.maintenance_notice", s.MaintenanceNotice, 0, maxNotice)
	if s.MaintenanceCap != 0 {
		v.between("sla.maintenance_cap", s.MaintenanceCap, leastMaintenanceCap, maxMaintenanceCap)
	}
	if s.ClaimWithin != 0 {
		v.between("sla.claim_within", s.ClaimWithin, leastClaimWithin, maxClaimWithin)
	}
	if len(s.Credits) > 0 && s.Availability.IsZero() {
		v.failAt("sla.credits", "missing sla.availability: credits are due for what is below it")
	}
	v.tooMany("sla.credits", "credits", len(s.Credits), maxCredits)
	for i, c := range s.Credits {
		v.credit(fmt.Sprintf("sla.credits[%d]", i), s, i, c)
	}
}

// credit checks a band against the contract and the band before it.
func (v *validator) credit(path string, s SLA, i int, c Credit) {
	switch {
	case c.Below.IsZero():
		v.failAt(path, "missing below: write the availability below which the credit is due, like 99.9%%")
		return
	case c.Credit.IsZero():
		v.failAt(path, "missing credit: write the share of the month's fee, like 10%%")
		return
	case !s.Availability.IsZero() && c.Below.Rat().Cmp(s.Availability.Rat()) > 0:
		v.failAt(path+".below", "invalid ratio %q: write at most sla.availability, which is %s",
			c.Below.Percent(), s.Availability.Percent())
	}
	if i == 0 {
		return
	}
	before := s.Credits[i-1]
	if !before.Below.IsZero() && c.Below.Rat().Cmp(before.Below.Rat()) >= 0 {
		v.failAt(path+".below", "invalid ratio %q: write less than in the band before, which is %s",
			c.Below.Percent(), before.Below.Percent())
	}
	if !before.Credit.IsZero() && c.Credit.Rat().Cmp(before.Credit.Rat()) <= 0 {
		v.failAt(path+".credit", "invalid share %q: write more than in the band before, which is %s",
			c.Credit.Percent(), before.Credit.Percent())
	}
}

// Zone returns the time zone of days and months, UTC for one that cannot be loaded.
func (s SLA) Zone() *time.Location {
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Claim returns how long after the end of a month a credit can be claimed.
func (s SLA) Claim() time.Duration {
	if s.ClaimWithin == 0 {
		return defaultClaimWithin.Std()
	}
	return s.ClaimWithin.Std()
}
