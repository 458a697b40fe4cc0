package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Bounds of the domains that are watched.
const (
	maxDomains        = 5000
	defaultDomains    = 500
	ianaBootstrap     = "https://data.iana.org/rdap/dns.json"
	maxDomainInterval = Duration(30 * 24 * time.Hour)
)

// Domains says which registrations of domains are watched. Without the section none is.
type Domains struct {
	// Checks and Tenants say whether the domains of health checks and the tenants' own domains are watched too.
	Checks  *bool         `yaml:"checks"`
	Tenants *bool         `yaml:"tenants"`
	Names   []*DomainName `yaml:"names"`
	Exclude []string      `yaml:"exclude"`
	Limit   int           `yaml:"limit"`

	WarnBefore   Duration `yaml:"warn_before"`
	UrgentBefore Duration `yaml:"urgent_before"`

	// Interval is how often each registration is looked up, Spacing the least time between two look-ups at one
	// registry.
	Interval Duration `yaml:"interval"`
	Spacing  Duration `yaml:"spacing"`

	// Servers are base URLs of RDAP by suffix, in addition to the list of Bootstrap.
	Servers map[string]string `yaml:"servers"`
	// Bootstrap is where the list of RDAP servers comes from.
	Bootstrap Bootstrap `yaml:"bootstrap"`
}

// Bootstrap is a list of RDAP servers in the format of RFC 9224: an address that is read once a week, or a file.
type Bootstrap struct {
	URL  string `yaml:"url"`
	File string `yaml:"file"`
}

// DomainName is a domain that the policy names. What it leaves out is taken from a health check below the domain,
// else from its service.
type DomainName struct {
	Name string `yaml:"name"`
	// Expires is the date where the registry publishes none.
	Expires    Date   `yaml:"expires"`
	AppService string `yaml:"app_service"`
	Owner      string `yaml:"owner"`
	Page       string `yaml:"page"`
}

// Date is a day, which begins at midnight in UTC.
type Date struct{ time.Time }

// UnmarshalText reads 2027-03-01.
func (d *Date) UnmarshalText(text []byte) error {
	v, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return fmt.Errorf("invalid date %q: write it like 2027-03-01", text)
	}
	d.Time = v
	return nil
}

// MarshalYAML writes the day, nothing for the zero time.
func (d Date) MarshalYAML() (any, error) {
	if d.IsZero() {
		return nil, nil
	}
	return d.Format(time.DateOnly), nil
}

// Domains returns the section on domains, nil if the policy has none.
func (p *Policy) Domains() *Domains { return *domainsSection.of(p) }

var domainsSection = &section[*Domains]{
	key:      "domains",
	inherit:  func(_ *Policy, d **Domains) { (*d).inherit() },
	validate: validateDomains,
	warn:     warnOfDomains,
	resolve: func(v *validator, d **Domains) {
		if (*d).Bootstrap.File != "" {
			(*d).Bootstrap.File = v.resolve("domains.bootstrap.file", (*d).Bootstrap.File)
		}
	},
	cost: costOfDomains,
}

func (d *Domains) inherit() {
	yes := true
	if d.Checks == nil {
		d.Checks = &yes
	}
	if d.Tenants == nil {
		d.Tenants = &yes
	}
	if d.Limit == 0 {
		d.Limit = defaultDomains
	}
	if d.WarnBefore == 0 {
		d.WarnBefore = Duration(30 * 24 * time.Hour)
	}
	if d.UrgentBefore == 0 {
		d.UrgentBefore = min(Duration(7*24*time.Hour), d.WarnBefore)
	}
	if d.Interval == 0 {
		d.Interval = Duration(24 * time.Hour)
	}
	if d.Spacing == 0 {
		d.Spacing = Duration(5 * time.Second)
	}
	if d.Bootstrap.URL == "" && d.Bootstrap.File == "" {
		d.Bootstrap.URL = ianaBootstrap
	}
}

// Series of one domain: expiry, seven statuses, last success, info, two times before the expiry, interval.
const seriesPerDomain = 13

// costOfDomains is that of the most domains that there can be: each check and each tenant may have one of its own.
func costOfDomains(p *Policy, d *Domains, tenants int) Cost {
	n := len(d.Names)
	if *d.Checks {
		n += len(p.Health.Checks)
	}
	if *d.Tenants {
		n += tenants
	}
	n = min(n, d.Limit)
	return Cost{
		Series:          n * seriesPerDomain,
		APICallsPerHour: int(time.Duration(n) * time.Hour / d.Interval.Std()),
	}
}

func validateDomains(v *validator, d *Domains) {
	seen := map[string]bool{}
	for i, n := range d.Names {
		v.domainName(fmt.Sprintf("domains.names[%d]", i), n, seen)
	}
	for i, name := range d.Exclude {
		v.domainOf(fmt.Sprintf("domains.exclude[%d]", i), name)
	}
	v.number("domains.limit", d.Limit, 1, maxDomains)
	if len(d.Names) > d.Limit {
		v.failAt("domains.names", "too many names (%d): write at most %d, or a higher limit", len(d.Names), d.Limit)
	}
	v.between("domains.warn_before", d.WarnBefore, Duration(24*time.Hour), Duration(365*24*time.Hour))
	if d.UrgentBefore > d.WarnBefore {
		v.failAt("domains.urgent_before", "invalid duration %q: write at most warn_before, which is %s",
			d.UrgentBefore, d.WarnBefore)
	}
	v.between("domains.interval", d.Interval, Duration(time.Hour), maxDomainInterval)
	v.between("domains.spacing", d.Spacing, Duration(time.Second), Duration(10*time.Minute))
	v.domainServers(d)
}

func (v *validator) domainServers(d *Domains) {
	for _, suffix := range sortedKeys(d.Servers) {
		path := "domains.servers." + suffix
		if suffix != strings.ToLower(suffix) || strings.Trim(suffix, ".") != suffix || suffix == "" {
			v.failAt(path, "invalid suffix %q: write it in lower case without dots around it, like de or co.uk", suffix)
		}
		v.httpURL(path, d.Servers[suffix])
	}
	if d.Bootstrap.URL != "" {
		v.httpURL("domains.bootstrap.url", d.Bootstrap.URL)
	}
	if d.Bootstrap.URL != "" && d.Bootstrap.File != "" {
		v.failAt("domains.bootstrap.file", "must not be combined with url: write one of them")
	}
}

func (v *validator) httpURL(path, address string) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		v.failAt(path, "invalid address: write it like https://rdap.example.com/, without a user")
	}
}

func (v *validator) domainName(path string, n *DomainName, seen map[string]bool) {
	v.domainOf(path+".name", n.Name)
	v.unique(path+".name", n.Name, seen)
	v.page(path+".page", n.Page)
	if _, ok := v.policy.Service(n.AppService); n.AppService != "" && !ok {
		var known []string
		for _, s := range v.policy.Services {
			known = append(known, s.Name)
		}
		v.failAt(path+".app_service", "unknown service %q: %s", n.AppService, Suggest(n.AppService, known))
	}
}

// domainOf reports a text that is not a domain as its registry knows it: in lower case and ASCII.
func (v *validator) domainOf(path, name string) {
	switch {
	case name == "":
		v.failAt(path, "missing name: write a registered domain, like example.com")
	case !IsName(name) || hostError(name) != nil || !strings.Contains(name, ".") || strings.HasSuffix(name, "."):
		v.failAt(path, "invalid domain %q: write it as it is registered, like example.com", name)
	case name != strings.ToLower(name) || strings.IndexFunc(name, func(r rune) bool { return r >= 0x80 }) >= 0:
		v.failAt(path, "invalid domain %q: write it in lower case, and an international name in Punycode (xn--...)", name)
	}
}

func warnOfDomains(v *validator, d *Domains) {
	for i, n := range d.Names {
		if slices.Contains(d.Exclude, n.Name) {
			v.warn(fmt.Sprintf("domains.names[%d]", i), "%q is also under exclude, which leaves it out", n.Name)
		}
	}
}
