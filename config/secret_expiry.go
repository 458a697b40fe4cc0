package config

import (
	"cmp"
	"fmt"
	"time"
)

const (
	// maxSecretExpiries bounds the secrets whose ends are watched.
	maxSecretExpiries = 500
	// seriesPerSecret are those of one: its expiry, info and two times before the expiry.
	seriesPerSecret = 4
)

// SecretExpiry is a key, token or password that ends on a day. The policy holds its name and that day, never the
// secret.
type SecretExpiry struct {
	Name string `yaml:"name"`
	// Expires is the first day on which it is refused.
	Expires    Date   `yaml:"expires"`
	AppService string `yaml:"app_service"`
	Owner      string `yaml:"owner"`
	Page       string `yaml:"page"`
	// WarnBefore is how long before its end it should have been replaced, and UrgentBefore by when that is urgent.
	WarnBefore   Duration `yaml:"warn_before"`
	UrgentBefore Duration `yaml:"urgent_before"`
}

func (e *SecretExpiry) inherit(p *Policy) {
	const day = Duration(24 * time.Hour)
	e.Owner, e.Page = p.securityOwnership(e.Owner, e.Page, e.AppService)
	e.WarnBefore = cmp.Or(e.WarnBefore, 30*day)
	e.UrgentBefore = cmp.Or(e.UrgentBefore, min(7*day, e.WarnBefore))
}

func (v *validator) secretExpiries(all []*SecretExpiry) {
	v.tooMany("security.secrets", "secrets", len(all), maxSecretExpiries)
	seen := map[string]bool{}
	for i, e := range all {
		v.secretExpiry(fmt.Sprintf("security.secrets[%d]", i), e, seen)
	}
}

func (v *validator) secretExpiry(path string, e *SecretExpiry, seen map[string]bool) {
	v.name(path+".name", e.Name)
	v.unique(path+".name", e.Name, seen)
	if e.AppService != "" {
		v.appService(path+".app_service", e.AppService)
	}
	v.page(path+".page", e.Page)
	if e.Expires.IsZero() {
		v.failAt(path+".expires", "missing date: write the first day on which it is refused, like 2027-03-01")
	}
	v.between(path+".warn_before", e.WarnBefore, Duration(24*time.Hour), Duration(365*24*time.Hour))
	if e.UrgentBefore > e.WarnBefore {
		v.failAt(path+".urgent_before", "invalid duration %q: write at most warn_before, which is %s", e.UrgentBefore,
			e.WarnBefore)
	}
}
