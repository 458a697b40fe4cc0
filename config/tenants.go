package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Tenants configures who the tenants are and where their requests are logged.
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

// Histograms are the values of Tenants.Histogram.
var Histograms = []string{"native", "classic", "both"}

// maxTenants bounds the tenants of a service that have series of their own.
const maxTenants = 1_000_000

var tenantsSection = &section[Tenants]{
	key:   "tenants",
	field: func(p *Policy) *Tenants { return &p.Tenants },
	defaults: func() Tenants {
		return Tenants{
			Registry:  Registry{Refresh: Duration(time.Minute)},
			Limit:     20_000,
			LateAfter: Duration(10 * time.Minute),
			Histogram: Histograms[0],
		}
	},
	references: []string{"registry.file"},
	inherit:    inheritTenants,
	validate:   validateTenants,
	warn:       warnOfTenants,
	resolve:    resolveTenants,
	cost:       costOfTenants,
}

var (
	hostPatternRE = regexp.MustCompile(`^([a-z0-9-]+\.)*\{tenant\}(\.[a-z0-9-]+)*$`)
	pathPatternRE = regexp.MustCompile(`^/([^{}?#\s]*/)?\{tenant\}/?$`)
)

// HostPattern reports whether a text is a pattern of tenants' own hosts.
func HostPattern(text string) bool { return hostPatternRE.MatchString(text) }

// Open reports whether any name that the patterns yield is admitted.
func (t *Tenants) Open() bool { return t.Registry.File == "" && t.Registry.Postgres == nil }

func inheritTenants(_ *Policy, t *Tenants) {
	for _, s := range t.Sources {
		s.inherit(t)
	}
}

func validateTenants(v *validator, t Tenants) {
	v.registry(t.Registry)
	if t.Host != "" && !HostPattern(t.Host) {
		v.failAt("tenants.host", "invalid pattern %q: write it like {tenant}.example.com, in lower case", t.Host)
	}
	if t.Path != "" && !pathPatternRE.MatchString(t.Path) {
		v.failAt("tenants.path", "invalid prefix %q: write it like /t/{tenant}/", t.Path)
	}
	for _, host := range sortedKeys(t.Hosts) {
		if host != strings.ToLower(strings.TrimSuffix(host, ".")) || strings.ContainsAny(host, "/: ") || host == "" {
			v.failAt("tenants.hosts."+host, "invalid host %q: write it alone, in lower case and without a port", host)
		}
		v.name("tenants.hosts."+host, t.Hosts[host])
	}
	v.number("tenants.limit", t.Limit, 1, maxTenants)
	v.atLeast("tenants.late_after", t.LateAfter, Duration(time.Minute))
	v.oneOf("tenants.histogram", t.Histogram, Histograms)
	v.probes(&t.Probes)
	v.sources(t)
}

func (v *validator) registry(r Registry) {
	if r.File != "" && r.Postgres != nil {
		v.failAt("tenants.registry", "must have either file or postgres")
	}
	if pg := r.Postgres; pg != nil && (pg.DSNFile == "" || pg.Query == "") {
		v.failAt("tenants.registry.postgres", "missing dsn_file or query: "+
			"write the name of a file that holds the connection string, and the query")
	}
	v.atLeast("tenants.registry.refresh", r.Refresh, Duration(time.Second))
}

func warnOfTenants(v *validator, t Tenants) {
	if len(t.Sources) > 0 && t.Open() {
		v.warn("tenants", "no registry: every name that a request yields becomes a tenant, up to the limit of %d", t.Limit)
	}
	v.probeWarnings(&t)
	v.durationWarnings(t.Sources)
}

// durationWarnings warns of requests without durations where latency has an objective, and of keys without effect.
func (v *validator) durationWarnings(all []*Source) {
	hasLatency := len(v.policy.Objectives.Latency) > 0
	measured, sources := map[string]bool{}, map[string]int{}
	for i, s := range all {
		measured[s.AppService] = measured[s.AppService] || s.HasDuration()
		sources[s.AppService] = i
	}
	for _, name := range sortedKeys(sources) {
		if hasLatency && !measured[name] {
			v.warn(fmt.Sprintf("tenants.sources[%d]", sources[name]),
				"no source of service %s logs request durations: its latency objectives cannot be judged", name)
		}
	}
	for i, s := range all {
		path := fmt.Sprintf("tenants.sources[%d]", i)
		v.idleKeyWarnings(path, s)
		if hasLatency && measured[s.AppService] && !s.HasDuration() {
			v.warn(path, "%s logs no request durations, other sources of service %s do: its requests count as fast; "+
				"give it a service of its own", s.Format, s.AppService)
		}
	}
}

// resolveTenants resolves the files that the exporter opens later.
func resolveTenants(v *validator, t *Tenants) {
	if t.Registry.File != "" {
		t.Registry.File = v.resolve("tenants.registry.file", t.Registry.File)
	}
	for i, s := range t.Sources {
		s.resolve(v, fmt.Sprintf("tenants.sources[%d]", i))
	}
}

// Series of one tenant of a service: requests and late requests by class, bytes and info; a native histogram
// is one series, a classic one has 13 buckets, a count and a sum.
const (
	seriesPerTenant        = 12
	seriesPerClassicTenant = 15
	seriesPerSource        = 20
)

func costOfTenants(p *Policy, t Tenants, tenants int) Cost {
	services := map[string]bool{}
	for _, s := range t.Sources {
		services[s.AppService] = true
	}
	each := seriesPerTenant + len(p.Objectives.Latency)
	if t.Histogram != "classic" {
		each++
	}
	if t.Histogram != "native" {
		each += seriesPerClassicTenant
	}
	const ours = 2 // _other and _unknown
	return Cost{
		Series:       len(t.Sources) * seriesPerSource,
		TenantSeries: len(services) * (min(tenants, t.Limit) + ours) * each,
	}
}
