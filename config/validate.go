package config

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/blackbox_exporter/prober"
)

// nameRE is what may become a label value: it reads well in a page and needs no escaping anywhere.
var nameRE = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$`)

// validator checks what the decoder read.
type validator struct {
	*decoder
	ctx    context.Context
	policy *Policy
}

func (v *validator) validate() {
	p := v.policy
	if p.Version != Version {
		v.failAt("version", "unknown version %d: write version: %d", p.Version, Version)
		return
	}
	p.inherit()
	v.name("environment", p.Environment)
	v.name("location", p.Location)
	v.objectives()
	v.channels()
	v.priorities()
	v.owners()
	v.alertmanagers()
	v.escalation()
	v.hours()
	v.services()
	v.slos()
	v.loadModules()
	v.health()
	v.backups()
	v.tenants()
	v.maintenance()
	v.storage()
	v.databases()
	v.canaries()
	v.host()
	if len(v.errs) == 0 {
		v.warnings()
	}
}

func (v *validator) name(path, name string) {
	switch {
	case name == "":
		v.failAt(path, "missing name: write letters, digits, dot, dash and underscore")
	case !nameRE.MatchString(name):
		v.failAt(path, "invalid name %q: use letters, digits, dot, dash and underscore, at most 63, a letter or digit first", name)
	}
}

// resolve makes a file name relative to the file that mentions it.
func (v *validator) resolve(path, name string) string {
	return resolvePath(filepath.Dir(v.at(path).file), name)
}

// absolute resolves the files that the exporter itself opens later. Other files of channels belong to Alertmanager.
func (v *validator) absolute() {
	v.absoluteSecrets()
	v.absoluteBackups()
	v.absoluteTenants()
}

func (v *validator) objectives() {
	o := v.policy.Objectives
	v.canFire("objectives.availability", o.Availability)
	if o.Period.Std() < 24*time.Hour || o.Period.Std() > 366*24*time.Hour {
		v.failAt("objectives.period", "invalid period %q: write 1d to 366d, commonly 30d", o.Period)
	}
	for i, l := range o.Latency {
		path := fmt.Sprintf("objectives.latency[%d]", i)
		if l.Threshold <= 0 {
			v.failAt(path+".threshold", "missing: write it like 300ms")
		}
		if l.Ratio.IsZero() {
			v.failAt(path+".ratio", "missing: write it like 95%%")
		}
	}
	for _, name := range sortedKeys(v.policy.Tiers) {
		t, path := v.policy.Tiers[name], "tiers."+name
		v.name(path, name)
		v.page(path+".page", t.Page)
		v.page(path+".tenant_page", t.TenantPage)
		v.canFire(path+".availability", t.Availability)
		if t.Pool.Tenants < 1 {
			v.failAt(path+".pool.tenants", "must be 1 or more")
		}
	}
}

func (v *validator) page(path, page string) {
	if page != "" && PriorityRank(page) == 0 {
		v.failAt(path, "invalid priority %q: write one of %s", page, strings.Join(Priorities, ", "))
	}
}

func (v *validator) channels() {
	p := v.policy
	for _, name := range sortedKeys(p.Channels) {
		v.channel(name, p.Channels[name])
	}
	if _, ok := p.Channels[Deadman]; !ok {
		v.failAt("channels", "missing deadman: name who must notice that the alerting itself died, or write deadman: none")
	}
}

func (v *validator) priorities() {
	for _, name := range sortedKeys(v.policy.Priorities) {
		path := "priorities." + name
		if PriorityRank(name) == 0 {
			v.failAt(path, "invalid priority: write one of %s", strings.Join(Priorities, ", "))
			continue
		}
		v.notified(path+".notify", v.policy.Priorities[name].Notify)
	}
}

func (v *validator) hours() {
	h := v.policy.Hours
	v.zone("business_hours.time_zone", h.TimeZone)
	v.weekdays("business_hours.weekdays", h.Weekdays)
	from, errFrom := ParseClock(h.From)
	to, errTo := ParseClock(h.To)
	switch {
	case errFrom != nil:
		v.failAt("business_hours.from", "%v", errFrom)
	case errTo != nil:
		v.failAt("business_hours.to", "%v", errTo)
	case to == from:
		v.failAt("business_hours.to", "must not be the same as from: write 00:00 to 24:00 for whole days")
	case from.Hour == 24:
		v.failAt("business_hours.from", "invalid time of day %q: write it like 00:00", h.From)
	}
}

func (v *validator) zone(path, zone string) {
	if _, err := time.LoadLocation(zone); err != nil {
		v.failAt(path, "invalid time zone %q: write it like Europe/Berlin or UTC", zone)
	}
}

func (v *validator) weekdays(path string, days []string) {
	for i, day := range days {
		if _, err := ParseWeekday(day); err != nil {
			v.failAt(fmt.Sprintf("%s[%d]", path, i), "%v", err)
		}
	}
}

func (v *validator) services() {
	seen := map[string]bool{}
	for i, s := range v.policy.Services {
		path := fmt.Sprintf("services[%d]", i)
		v.name(path+".name", s.Name)
		v.page(path+".page", s.Page)
		v.canFire(path+".availability", s.Availability)
		v.unique(path+".name", s.Name, seen)
		if s.PeakCapacity < 0 {
			v.failAt(path+".peak_capacity", "must be the requests a second that the service is built for, more than 0")
		}
	}
}

func (v *validator) unique(path, name string, seen map[string]bool) {
	if seen[name] {
		v.failAt(path, "duplicate name %q: choose another", name)
	}
	seen[name] = true
}

func (v *validator) health() {
	h := v.policy.Health
	if h.Concurrency < 1 || h.Concurrency > maxConcurrency {
		v.failAt("health.concurrency", "must be 1 to %d", maxConcurrency)
	}
	if h.Confirm.Probes < 0 || h.Confirm.Probes > 10 {
		v.failAt("health.confirm.probes", "must be 0 to 10")
	}
	if h.RecheckInterval.Std() < 100*time.Millisecond {
		v.failAt("health.recheck_interval", "must be 100ms or more")
	}
	if len(h.Checks) > maxChecks {
		v.failAt("health.checks", "%d checks; at most %d", len(h.Checks), maxChecks)
	}
	for i, l := range h.Locations {
		v.name(fmt.Sprintf("health.locations[%d]", i), l)
	}
	v.references()
	v.certificates("health.certificates", h.Certificates)
	seen := map[string]bool{}
	for i, c := range h.Checks {
		v.check(fmt.Sprintf("health.checks[%d]", i), c, seen)
	}
}

func (v *validator) check(path string, c *Check, seen map[string]bool) {
	v.name(path+".name", c.Name)
	v.unique(path+".name", c.Name, seen)
	v.page(path+".page", c.Page)
	v.module(path+".module", c.Module)
	if _, ok := v.policy.Service(c.AppService); !ok {
		var known []string
		for _, s := range v.policy.Services {
			known = append(known, s.Name)
		}
		v.failAt(path+".app_service", "unknown service %q: %s", c.AppService, Suggest(c.AppService, known))
	}
	if c.Target == "" {
		v.failAt(path, "missing target: write what to probe, like https://example.com/healthz")
	}
	v.certificates(path+".certificates", c.Certificates)
	v.checkTarget(path+".target", c.Target, c.Module)
	if c.Interval.Std() < time.Second {
		v.failAt(path+".interval", "must be 1s or more")
	}
	if c.Timeout <= 0 || c.Timeout >= c.Interval {
		v.failAt(path+".timeout", "%s must be more than 0 and less than the interval of %s", c.Timeout, c.Interval)
	}
	hasTenant := strings.Contains(c.Target, "{tenant}")
	switch {
	case hasTenant && c.PerTenant == nil:
		v.failAt(path+".target", "{tenant} needs per_tenant, such as per_tenant: {interval: 5m}")
	case !hasTenant && c.PerTenant != nil:
		v.failAt(path+".per_tenant", "the target has no {tenant}; put it where the tenant's name belongs")
	case hasTenant && v.policy.Tenants.Open():
		v.failAt(path+".per_tenant", "missing registry of tenants: write tenants: {registry: {file: ...}}, or postgres instead of file")
	}
	if c.PerTenant != nil && c.PerTenant.MaxPerSecond <= 0 {
		v.failAt(path+".per_tenant.max_per_second", "must be more than 0")
	}
	for _, header := range sortedKeys(c.SecretHeaders) {
		if ref := c.SecretHeaders[header]; (ref.File == "") == (ref.Env == "") {
			v.failAt(path+".secret_headers."+header, "must have either file or env")
		}
	}
}

func (v *validator) certificates(path string, c Certificates) {
	if c.WarnBefore > 0 && c.UrgentBefore > c.WarnBefore {
		v.failAt(path+".urgent_before", "%s is more than warn_before (%s): write less, like 3d", c.UrgentBefore, c.WarnBefore)
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

func (v *validator) maintenance() {
	seen := map[string]bool{}
	for i, m := range v.policy.Maintenance {
		path := fmt.Sprintf("maintenance[%d]", i)
		v.name(path+".name", m.Name)
		v.unique(path+".name", m.Name, seen)
		for j, name := range m.Checks {
			if _, ok := v.policy.Check(name); !ok {
				v.failAt(fmt.Sprintf("%s.checks[%d]", path, j), "unknown check %q: write the name of a check of this policy", name)
			}
		}
		for j, name := range m.AppServices {
			if _, ok := v.policy.Service(name); !ok {
				v.failAt(fmt.Sprintf("%s.app_services[%d]", path, j), "unknown service %q: write the name of a service of this policy", name)
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
