package config

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/blackbox_exporter/prober"
)

// Check is one scheduled health check, or one per tenant.
type Check struct {
	Name       string   `yaml:"name"`
	AppService string   `yaml:"app_service"`
	Target     string   `yaml:"target"`
	Module     string   `yaml:"module"`
	Interval   Duration `yaml:"interval"`
	Timeout    Duration `yaml:"timeout"`
	Owner      string   `yaml:"owner"`
	Page       string   `yaml:"page"`
	// BypassCache asks past caches with a header and a query parameter that is never the same.
	BypassCache *bool `yaml:"bypass_cache"`
	// SecretHeaders are request headers whose values come from a file or the environment.
	SecretHeaders map[string]*SecretRef `yaml:"secret_headers"`
	PerTenant     *PerTenant            `yaml:"per_tenant"`
	Certificates  Certificates          `yaml:"certificates"`
}

// Certificates is how long before its expiry a certificate should have been renewed, and when its renewal is urgent.
// Zero is a share of the certificate's life, see docs/health.md.
type Certificates struct {
	WarnBefore   Duration `yaml:"warn_before"`
	UrgentBefore Duration `yaml:"urgent_before"`
}

// PerTenant repeats a check for every tenant of the registry.
type PerTenant struct {
	Interval     Duration `yaml:"interval"`
	MaxPerSecond float64  `yaml:"max_per_second"`
}

// inherit fills in what the check left out.
func (c *Check) inherit(h *Health) {
	if c.Interval == 0 {
		c.Interval = h.Interval
		if c.PerTenant != nil && c.PerTenant.Interval != 0 {
			c.Interval = c.PerTenant.Interval
		} else if c.PerTenant != nil {
			c.Interval = Duration(5 * time.Minute)
		}
	}
	if c.Timeout == 0 {
		c.Timeout = h.Timeout
	}
	if c.Certificates.WarnBefore == 0 {
		c.Certificates.WarnBefore = h.Certificates.WarnBefore
	}
	if c.Certificates.UrgentBefore == 0 {
		c.Certificates.UrgentBefore = h.Certificates.UrgentBefore
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

func (v *validator) check(path string, c *Check, seen map[string]bool) {
	v.name(path+".name", c.Name)
	v.unique(path+".name", c.Name, seen)
	v.page(path+".page", c.Page)
	v.module(path+".module", c.Module)
	v.appService(path+".app_service", c.AppService)
	if c.Target == "" {
		v.failAt(path, "missing target: write what to probe, like https://example.com/healthz")
	}
	v.certificates(path+".certificates", c.Certificates)
	v.checkTarget(path+".target", c.Target, c.Module)
	v.atLeast(path+".interval", c.Interval, Duration(time.Second))
	if c.Timeout <= 0 || c.Timeout >= c.Interval {
		v.failAt(path+".timeout", "invalid duration %q: write more than 0 and less than the interval of %s",
			c.Timeout, c.Interval)
	}
	hasTenant := strings.Contains(c.Target, "{tenant}")
	switch {
	case hasTenant && c.PerTenant == nil:
		v.failAt(path+".target", "{tenant} needs per_tenant, such as per_tenant: {interval: 5m}")
	case !hasTenant && c.PerTenant != nil:
		v.failAt(path+".per_tenant", "the target has no {tenant}; put it where the tenant's name belongs")
	case hasTenant && v.policy.Tenants.Open():
		v.failAt(path+".per_tenant",
			"missing registry of tenants: write tenants: {registry: {file: ...}}, or postgres instead of file")
	}
	if c.PerTenant != nil && c.PerTenant.MaxPerSecond <= 0 {
		v.failAt(path+".per_tenant.max_per_second", "invalid number \"%v\": write more than 0, like 50",
			c.PerTenant.MaxPerSecond)
	}
	v.secretRefs(path+".secret_headers", c.SecretHeaders)
}

func (v *validator) certificates(path string, c Certificates) {
	if c.WarnBefore > 0 && c.UrgentBefore > c.WarnBefore {
		v.failAt(path+".urgent_before", "invalid duration %q: write at most warn_before, which is %s",
			c.UrgentBefore, c.WarnBefore)
	}
}

func (v *validator) module(path, name string) {
	m, ok := v.policy.modules[name]
	if !ok {
		v.failAt(path, "unknown module %q: %s", name, Suggest(name, v.policy.Modules()))
		return
	}
	if _, ok := prober.Probers[m.Prober]; !ok {
		v.failAt(path, "module %q has prober %q; %s", name, m.Prober, Suggest(m.Prober, sortedKeys(prober.Probers)))
	}
}

// Check returns a check by name.
func (p *Policy) Check(name string) (*Check, bool) {
	i := slices.IndexFunc(p.Health.Checks, func(c *Check) bool { return c.Name == name })
	if i < 0 {
		return nil, false
	}
	return p.Health.Checks[i], true
}

// PageOf returns the owner and the priority at which a check pages: its own, else its service's.
func (p *Policy) PageOf(c *Check) (owner, page string) {
	return p.ownership(c.Owner, c.Page, c.AppService)
}
