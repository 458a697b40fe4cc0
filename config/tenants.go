package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Tenants says who the tenants are and where their requests are logged.
type Tenants struct {
	Registry Registry `yaml:"registry"`
	// Host is the pattern of a tenant's own host, with {tenant} as one whole label of it.
	Host string `yaml:"host"`
	// Hosts gives custom domains to tenants.
	Hosts map[string]string `yaml:"hosts"`
	// Path is the prefix of a tenant's paths, with {tenant} as one whole part of it.
	Path string `yaml:"path"`
	// Limit is how many tenants of a service have series of their own.
	Limit int `yaml:"limit"`
	// LateAfter is the age from which a request counts as late.
	LateAfter Duration `yaml:"late_after"`
	// Histogram is one of Histograms.
	Histogram string    `yaml:"histogram"`
	Sources   []*Source `yaml:"sources"`
	// Probes identifies the exporter's own health checks among the requests.
	Probes TenantProbes `yaml:"probes"`
}

// Registry is where the tenants are listed.
type Registry struct {
	File     string            `yaml:"file"`
	Postgres *RegistryPostgres `yaml:"postgres"`
	Refresh  Duration          `yaml:"refresh"`
}

// RegistryPostgres is a query that returns a name and a tier, and perhaps a host, in each row.
type RegistryPostgres struct {
	DSNFile string `yaml:"dsn_file" secret:"exporter"`
	Query   string `yaml:"query"`
}

// Source is one place where requests are logged: exactly one of File, Stdin and Receive is set.
type Source struct {
	Name       string `yaml:"name"`
	AppService string `yaml:"app_service"`
	Format     string `yaml:"format"`
	// Locations names the exporters that read or receive it; every exporter with the tenant collector if empty.
	Locations []string `yaml:"locations"`

	// File is a file or a glob; Rotated is a glob of where it goes, with {file} for its name.
	File    string `yaml:"file"`
	Rotated string `yaml:"rotated"`
	// Start is where to begin in a file that was never read: beginning or end.
	Start string `yaml:"start"`
	Stdin bool   `yaml:"stdin"`

	// Receive is one of Receivers.
	Receive string `yaml:"receive"`
	// SecretFile authenticates the sender: the key of vercel's signature, the value of SecretHeader for the others.
	SecretFile   string `yaml:"secret_file" secret:"exporter"`
	SecretHeader string `yaml:"secret_header"`
	// Verify is the code that Vercel wants to see in x-vercel-verify. It is no secret.
	Verify string `yaml:"verify"`

	// TenantBy is host, path or field; Tenant names the one tenant of the source.
	TenantBy string `yaml:"tenant_by"`
	Tenant   string `yaml:"tenant"`
	// Fields are the names of the keys, dots leading into objects, where the format leaves them open.
	Fields map[string]string `yaml:"fields"`
	// DurationUnit is the unit of the duration where the format leaves it open.
	DurationUnit string `yaml:"duration_unit"`
	// Sampling is the share of the requests that the sender passes on; counts are scaled by it.
	Sampling Ratio `yaml:"sampling"`
}

// Histograms are the values of Tenants.Histogram.
var Histograms = []string{"native", "classic", "both"}

// Receivers are the values of Source.Receive.
var Receivers = []string{"vercel", "cloudflare", "json"}

// Formats of the records of a source.
var Formats = []string{"nginx-json", "combined", "caddy", "traefik", "envoy", "vercel", "cloudflare", "json"}

// EventFields are what can be named in Source.Fields.
var EventFields = []string{"host", "path", "tenant", "status", "duration", "bytes", "time", "user_agent", "id", "client_address", "probe"}

// durationUnits of Source.DurationUnit.
var durationUnits = []string{"s", "ms", "us", "ns"}

// Bounds of what a policy may ask for.
const (
	maxSources    = 1000
	maxTenants    = 1_000_000
	maxThresholds = 8
)

func (t *Tenants) inherit() {
	for _, s := range t.Sources {
		if s.Format == "" && s.Receive != "" {
			s.Format = s.Receive
		}
		if s.Name == "" {
			s.Name = s.AppService + "-" + s.Format
		}
		if s.Start == "" {
			s.Start = "beginning"
		}
		if s.Rotated == "" {
			s.Rotated = `{file}[.\-]*`
		}
		if s.TenantBy == "" {
			s.TenantBy = "host"
			switch {
			case s.Fields["tenant"] != "":
				s.TenantBy = "field"
			case t.Host == "" && len(t.Hosts) == 0 && t.Path != "":
				s.TenantBy = "path"
			}
		}
		if s.SecretHeader == "" {
			s.SecretHeader = "Authorization"
		}
		if s.DurationUnit == "" {
			s.DurationUnit = "s"
		}
	}
}

var (
	hostPatternRE = regexp.MustCompile(`^([a-z0-9-]+\.)*\{tenant\}(\.[a-z0-9-]+)*$`)
	pathPatternRE = regexp.MustCompile(`^/([^{}?#\s]*/)?\{tenant\}/?$`)
	headerRE      = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
)

// HostPattern reports whether a text is a pattern of tenants' own hosts.
func HostPattern(text string) bool { return hostPatternRE.MatchString(text) }

func (v *validator) tenants() {
	t := &v.policy.Tenants
	if t.Registry.File != "" && t.Registry.Postgres != nil {
		v.failAt("tenants.registry", "must have either file or postgres")
	}
	if pg := t.Registry.Postgres; pg != nil && (pg.DSNFile == "" || pg.Query == "") {
		v.failAt("tenants.registry.postgres", "missing dsn_file or query: write the name of a file that holds the connection string, and the query")
	}
	if t.Registry.Refresh.Std() < time.Second {
		v.failAt("tenants.registry.refresh", "must be 1s or more")
	}
	if t.Host != "" && !HostPattern(t.Host) {
		v.failAt("tenants.host", "invalid pattern %q: write it like {tenant}.example.com, in lower case", t.Host)
	}
	if t.Path != "" && !pathPatternRE.MatchString(t.Path) {
		v.failAt("tenants.path", "invalid prefix %q: write it like /t/{tenant}/", t.Path)
	}
	for _, host := range sortedKeys(t.Hosts) {
		if host != strings.ToLower(strings.TrimSuffix(host, ".")) || strings.ContainsAny(host, "/: ") || host == "" {
			v.failAt("tenants.hosts."+host, "write the host alone, in lower case and without a port")
		}
		v.name("tenants.hosts."+host, t.Hosts[host])
	}
	if t.Limit < 1 || t.Limit > maxTenants {
		v.failAt("tenants.limit", "must be 1 to %d", maxTenants)
	}
	if t.LateAfter.Std() < time.Minute {
		v.failAt("tenants.late_after", "must be 1m or more")
	}
	v.oneOf("tenants.histogram", t.Histogram, Histograms)
	if len(v.policy.Objectives.Latency) > maxThresholds {
		v.failAt("objectives.latency", "%d thresholds; at most %d", len(v.policy.Objectives.Latency), maxThresholds)
	}
	v.probes()
	if len(t.Sources) > maxSources {
		v.failAt("tenants.sources", "%d sources; at most %d", len(t.Sources), maxSources)
	}
	seen, stdin := map[string]bool{}, false
	for i, s := range t.Sources {
		path := fmt.Sprintf("tenants.sources[%d]", i)
		v.source(path, s)
		if seen[s.Name] {
			v.failAt(path, "duplicate name %q: give each source a name", s.Name)
		}
		seen[s.Name] = true
		if s.Stdin && stdin {
			v.failAt(path+".stdin", "duplicate standard input: only one source can read it")
		}
		stdin = stdin || s.Stdin
	}
}

func (v *validator) source(path string, s *Source) {
	v.name(path+".name", s.Name)
	v.appService(path+".app_service", s.AppService)
	for i, l := range s.Locations {
		v.name(fmt.Sprintf("%s.locations[%d]", path, i), l)
	}
	kinds := 0
	for _, set := range []bool{s.File != "", s.Stdin, s.Receive != ""} {
		if set {
			kinds++
		}
	}
	if kinds != 1 {
		v.failAt(path, "must have exactly one of file, stdin or receive")
		return
	}
	if s.Receive == "" { // a receiver's format is its own
		v.oneOf(path+".format", s.Format, Formats)
	}
	v.oneOf(path+".start", s.Start, []string{"beginning", "end"})
	v.oneOf(path+".duration_unit", s.DurationUnit, durationUnits)
	v.oneOf(path+".tenant_by", s.TenantBy, []string{"host", "path", "field"})
	if _, err := filepath.Match(s.File, ""); err != nil {
		v.failAt(path+".file", "invalid glob %q: %v", s.File, err)
	}
	if _, err := filepath.Match(s.Rotated, ""); err != nil {
		v.failAt(path+".rotated", "invalid glob %q: %v", s.Rotated, err)
	}
	if s.Tenant != "" {
		v.name(path+".tenant", s.Tenant)
	}
	for _, field := range sortedKeys(s.Fields) {
		v.oneOf(path+".fields."+field, field, EventFields)
	}
	if len(s.Fields) > 0 && s.Format != "json" && s.Format != "nginx-json" {
		v.failAt(path+".fields", "the keys of %s are fixed; use format json", s.Format)
	}
	if s.Format == "json" && s.Fields["status"] == "" {
		v.failAt(path+".fields", "missing status: name the key that holds it")
	}
	t := v.policy.Tenants
	switch {
	case s.Tenant != "":
	case s.TenantBy == "host" && t.Host == "" && len(t.Hosts) == 0 && t.Registry.Postgres == nil:
		v.failAt(path, "missing way from a request to its tenant: write tenants.host, tenants.hosts, tenants.path, fields.tenant, or tenant for a source of one tenant")
	case s.TenantBy == "path" && t.Path == "":
		v.failAt(path+".tenant_by", "missing tenants.path: write it, or another tenant_by")
	case s.TenantBy == "field" && s.Fields["tenant"] == "":
		v.failAt(path+".tenant_by", "missing fields.tenant: write it, or another tenant_by")
	}
	v.receiver(path, s)
}

func (v *validator) receiver(path string, s *Source) {
	if s.Receive == "" {
		return
	}
	v.oneOf(path+".receive", s.Receive, Receivers)
	if s.Format != s.Receive {
		v.failAt(path+".format", "a receiver of %s reads its own format only: leave out format", s.Receive)
	}
	if s.SecretFile == "" {
		v.failAt(path, "missing secret_file: without it any client could post requests; name a file that holds the secret")
	}
	if !headerRE.MatchString(s.SecretHeader) {
		v.failAt(path+".secret_header", "invalid header %q: write it like X-Signature", s.SecretHeader)
	}
	for i, other := range v.policy.Tenants.Sources {
		if other == s {
			return
		}
		if other.Receive == s.Receive && s.meets(other) {
			v.failAt(path+".receive", "tenants.sources[%d] already receives %s; one address serves one source", i, s.Receive)
		}
	}
}

// meets reports whether an exporter may have both sources.
func (s *Source) meets(other *Source) bool {
	return len(s.Locations) == 0 || len(other.Locations) == 0 || slices.ContainsFunc(s.Locations, other.At)
}

func (v *validator) oneOf(path, value string, known []string) {
	if !slices.Contains(known, value) {
		v.failAt(path, "unknown value %q: %s", value, Suggest(value, known))
	}
}

func (v *validator) appService(path, name string) {
	if _, ok := v.policy.Service(name); ok {
		return
	}
	var known []string
	for _, s := range v.policy.Services {
		known = append(known, s.Name)
	}
	v.failAt(path, "unknown service %q: %s", name, Suggest(name, known))
}

// HasDuration reports whether the records of the source can hold request durations.
func (s *Source) HasDuration() bool {
	switch s.Format {
	case "vercel":
		return false
	case "json":
		return s.Fields["duration"] != ""
	}
	return true
}

// At reports whether an exporter of a location reads or receives the source.
func (s *Source) At(location string) bool {
	return len(s.Locations) == 0 || slices.Contains(s.Locations, location)
}

// Open reports whether any name that the patterns yield is admitted.
func (t *Tenants) Open() bool { return t.Registry.File == "" && t.Registry.Postgres == nil }

func (v *validator) tenantWarnings() {
	p := v.policy
	if len(p.Tenants.Sources) > 0 && p.Tenants.Open() {
		v.warn("tenants", "no registry: every name that a request yields becomes a tenant, up to the limit of %d", p.Tenants.Limit)
	}
	v.probeWarnings()
	measured, sources := map[string]bool{}, map[string]int{}
	for i, s := range p.Tenants.Sources {
		measured[s.AppService] = measured[s.AppService] || s.HasDuration()
		sources[s.AppService] = i
	}
	for _, name := range sortedKeys(sources) {
		if len(p.Objectives.Latency) > 0 && !measured[name] {
			v.warn(fmt.Sprintf("tenants.sources[%d]", sources[name]), "no source of service %s logs request durations: its latency objectives cannot be judged", name)
		}
	}
	for i, s := range p.Tenants.Sources {
		for _, idle := range s.idleKeys() {
			path := fmt.Sprintf("tenants.sources[%d].%s", i, idle.key)
			if _, written := v.positions[path]; written && idle.why != "" {
				v.warn(path, "has no effect: %s", idle.why)
			}
		}
		if len(p.Objectives.Latency) > 0 && measured[s.AppService] && !s.HasDuration() {
			v.warn(fmt.Sprintf("tenants.sources[%d]", i), "%s logs no request durations, other sources of service %s do: its requests count as fast; give it a service of its own", s.Format, s.AppService)
		}
	}
}

// absoluteTenants resolves the files that the exporter opens later.
func (v *validator) absoluteTenants() {
	t := &v.policy.Tenants
	if t.Registry.File != "" {
		t.Registry.File = v.resolve("tenants.registry.file", t.Registry.File)
	}
	for i, s := range t.Sources {
		path := fmt.Sprintf("tenants.sources[%d]", i)
		if s.File != "" {
			s.File = v.resolve(path+".file", s.File)
		}
		if !filepath.IsAbs(s.Rotated) && !strings.HasPrefix(s.Rotated, "{file}") {
			s.Rotated = v.resolve(path+".rotated", s.Rotated)
		}
	}
}

// Series of one tenant of a service: requests and late requests by class, bytes and info; a native histogram
// is one series, a classic one has 13 buckets, a count and a sum.
const (
	seriesPerTenant        = 12
	seriesPerClassicTenant = 15
	seriesPerSource        = 20
)

// tenants adds what the sources cost with so many tenants.
func (c *Cost) tenants(p *Policy, tenants int) {
	services := map[string]bool{}
	for _, s := range p.Tenants.Sources {
		services[s.AppService] = true
	}
	each := seriesPerTenant + len(p.Objectives.Latency)
	if p.Tenants.Histogram != "classic" {
		each++
	}
	if p.Tenants.Histogram != "native" {
		each += seriesPerClassicTenant
	}
	const ours = 2 // _other and _unknown
	c.TenantSeries = len(services) * (min(tenants, p.Tenants.Limit) + ours) * each
	c.Series += len(p.Tenants.Sources) * seriesPerSource
}

// unitFormats are the formats that write a duration without its unit, or in one that can be configured.
var unitFormats = []string{"nginx-json", "caddy", "json"}

// idleKey is a key that may be written without any effect; why is empty where it has one.
type idleKey struct{ key, why string }

// idleKeys lists the keys of a source whose effect depends on others.
func (s *Source) idleKeys() []idleKey {
	unless := func(has bool, format string, args ...any) string {
		if has {
			return ""
		}
		return fmt.Sprintf(format, args...)
	}
	unit := unless(slices.Contains(unitFormats, s.Format), "the format %s has a unit of its own, or no duration; leave it out", s.Format)
	if s.Format == "json" {
		unit = unless(s.HasDuration(), "name the key that holds the duration in fields.duration")
	}
	return []idleKey{
		{"duration_unit", unit},
		{"start", unless(s.File != "", "only a file has a beginning and an end; leave it out")},
		{"rotated", unless(s.File != "", "only a file is rotated; leave it out")},
		{"secret_file", unless(s.Receive != "", "only a receiver has a sender to authenticate; leave it out")},
		{"secret_header", unless(s.Receive != "" && s.Receive != "vercel", "the secret is in a header of this name for receive: cloudflare and json only; leave it out")},
		{"verify", unless(s.Receive == "vercel", "only receive: vercel is verified; leave it out")},
	}
}
