package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Source is one place where requests are logged: exactly one of File, Stdin, Receive, Kafka and NATS is set.
type Source struct {
	Name       string `yaml:"name"`
	AppService string `yaml:"app_service"`
	// Format is one of Formats.
	Format string `yaml:"format"`
	// Locations names the exporters that read or receive it; every exporter with the tenant collector if empty.
	Locations []string `yaml:"locations"`

	// File is a file or a glob; Rotated is a glob of where it goes, with {file} for its name.
	File    string `yaml:"file"`
	Rotated string `yaml:"rotated"`
	// Start is where to begin in a file, or a partition of a stream, that was never read: beginning or end.
	Start string `yaml:"start"`
	Stdin bool   `yaml:"stdin"`

	// Receive is one of Receivers.
	Receive string `yaml:"receive"`
	// SecretFile authenticates the sender: the key of vercel's signature, the value of SecretHeader for the others.
	SecretFile   string `yaml:"secret_file" secret:"exporter"`
	SecretHeader string `yaml:"secret_header"`
	// Verify is the code that Vercel wants to see in x-vercel-verify. It is no secret.
	Verify string `yaml:"verify"`
	// Forward is the stream to which a receiver appends instead of counting.
	Forward *Forward `yaml:"forward"`

	Kafka *KafkaSource `yaml:"kafka"`
	NATS  *NATSSource  `yaml:"nats"`

	// TenantBy is host, path, field or header; Tenant names the one tenant of the source.
	TenantBy string `yaml:"tenant_by"`
	// TenantHeader is the header of a stream's messages that names the tenant of all requests in it.
	TenantHeader string `yaml:"tenant_header"`
	Tenant       string `yaml:"tenant"`
	// Fields are the names of the keys, dots leading into objects, where the format leaves them open.
	Fields map[string]string `yaml:"fields"`
	// DurationUnit is the unit of the duration where the format leaves it open.
	DurationUnit string `yaml:"duration_unit"`
	// Sampling is the share of the requests that the sender passes on; counts are scaled by it.
	Sampling Ratio `yaml:"sampling"`
	// LoginPaths are where users log in: a client error there, or below, is a failed log-in.
	LoginPaths []string `yaml:"login_paths"`
}

// EventFields are what can be named in Source.Fields.
var EventFields = []string{
	"host", "path", "tenant", "status", "duration", "bytes", "time", "user_agent", "id", "client_address", "probe",
}

// durationUnits of Source.DurationUnit.
var durationUnits = []string{"s", "ms", "us", "ns"}

// maxSources bounds the sources of a policy.
const maxSources = 1000

// maxLoginPaths bounds the paths of a source at which users log in: each is compared with the path of every 4xx.
const maxLoginPaths = 16

var loginPathRE = regexp.MustCompile(`^(/[^/?#\s]+)+$`)

// Logins are the paths at which users log in, as they are compared.
func (s *Source) Logins() [][]byte {
	var all [][]byte
	for _, path := range s.LoginPaths {
		all = append(all, []byte(path))
	}
	return all
}

// logins refuses paths that no request has.
func (v *validator) logins(path string, s *Source) {
	v.tooMany(path, "paths", len(s.LoginPaths), maxLoginPaths)
	for i, login := range s.LoginPaths {
		if !loginPathRE.MatchString(login) {
			v.failAt(fmt.Sprintf("%s[%d]", path, i),
				"invalid path %q: write it like /login, without a query and a slash at its end", login)
		}
	}
	if f := s.format(); len(s.LoginPaths) > 0 && f.Keys == KeysNamed && s.Fields["path"] == "" {
		v.failAt(path, "missing path of a request: name the key that holds it in fields.path")
	}
}

// capturedFields are what can be named in Source.Fields with KeysCaptured.
var capturedFields = []string{"host", "tenant", "user_agent", "probe"}

var (
	captureRE = regexp.MustCompile(`^capture\.[1-9][0-9]?$`)
	headerRE  = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
)

// inherit fills in what the source left out.
func (s *Source) inherit(t *Tenants) {
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
		case s.TenantHeader != "":
			s.TenantBy = "header"
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

// resolve makes the names of its files absolute.
func (s *Source) resolve(v *validator, path string) {
	if s.File != "" {
		s.File = v.resolve(path+".file", s.File)
	}
	if !filepath.IsAbs(s.Rotated) && !strings.HasPrefix(s.Rotated, "{file}") {
		s.Rotated = v.resolve(path+".rotated", s.Rotated)
	}
	s.resolveStream(v, path)
}

// At reports whether an exporter of a location reads or receives the source.
func (s *Source) At(location string) bool {
	return len(s.Locations) == 0 || slices.Contains(s.Locations, location)
}

// meets reports whether an exporter may have both sources.
func (s *Source) meets(other *Source) bool {
	return len(s.Locations) == 0 || len(other.Locations) == 0 || slices.ContainsFunc(s.Locations, other.At)
}

func (v *validator) sources(t Tenants) {
	v.tooMany("tenants.sources", "sources", len(t.Sources), maxSources)
	seen, stdin := map[string]bool{}, false
	for i, s := range t.Sources {
		path := fmt.Sprintf("tenants.sources[%d]", i)
		v.source(path, s, t)
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

func (v *validator) source(path string, s *Source, t Tenants) {
	v.name(path+".name", s.Name)
	v.appService(path+".app_service", s.AppService)
	v.names(path+".locations", s.Locations)
	kinds := 0
	for _, set := range []bool{s.File != "", s.Stdin, s.Receive != "", s.Kafka != nil, s.NATS != nil} {
		if set {
			kinds++
		}
	}
	if kinds != 1 {
		v.failAt(path, "must have exactly one of file, stdin, receive, kafka or nats")
		return
	}
	if s.Receive == "" { // a receiver's format is its own
		v.oneOf(path+".format", s.Format, Formats)
	}
	v.oneOf(path+".start", s.Start, []string{"beginning", "end"})
	v.oneOf(path+".duration_unit", s.DurationUnit, durationUnits)
	v.oneOf(path+".tenant_by", s.TenantBy, []string{"host", "path", "field", "header"})
	v.glob(path+".file", s.File)
	v.glob(path+".rotated", s.Rotated)
	if s.Tenant != "" {
		v.name(path+".tenant", s.Tenant)
	}
	v.fields(path+".fields", s)
	v.tenantOf(path, s, t)
	v.logins(path+".login_paths", s)
	v.receiver(path, s, t.Sources)
	v.stream(path, s)
}

func (v *validator) glob(path, pattern string) {
	if _, err := filepath.Match(pattern, ""); err != nil {
		v.failAt(path, "invalid glob %q: %v", pattern, err)
	}
}

func (v *validator) fields(path string, s *Source) {
	for _, field := range sortedKeys(s.Fields) {
		v.oneOf(path+"."+field, field, EventFields)
	}
	switch keys := s.format().Keys; {
	case len(s.Fields) > 0 && keys == KeysFixed:
		v.failAt(path, "the keys of %s are fixed; use format json", s.Format)
	case keys == KeysCaptured:
		for _, field := range sortedKeys(s.Fields) {
			if !slices.Contains(capturedFields, field) || !captureRE.MatchString(s.Fields[field]) {
				v.failAt(path+"."+field, "invalid field of %s: write %s with the place of a captured request header, "+
					"such as host: capture.1", s.Format, strings.Join(capturedFields, ", "))
			}
		}
	case keys == KeysNamed && s.Fields["status"] == "":
		v.failAt(path, "missing status: name the key that holds it")
	}
}

// tenantOf reports a source whose requests have no tenant.
func (v *validator) tenantOf(path string, s *Source, t Tenants) {
	switch {
	case s.Tenant != "":
	case s.TenantBy == "host" && t.Host == "" && len(t.Hosts) == 0 && t.Registry.Postgres == nil:
		v.failAt(path, "missing way from a request to its tenant: write tenants.host, tenants.hosts, tenants.path, "+
			"fields.tenant, or tenant for a source of one tenant")
	case s.TenantBy == "path" && t.Path == "":
		v.failAt(path+".tenant_by", "missing tenants.path: write it, or another tenant_by")
	case s.TenantBy == "field" && s.Fields["tenant"] == "":
		v.failAt(path+".tenant_by", "missing fields.tenant: write it, or another tenant_by")
	case s.TenantBy == "header" && s.TenantHeader == "":
		v.failAt(path+".tenant_by", "missing tenant_header: write it, or another tenant_by")
	case s.TenantHeader != "" && s.TenantBy != "header":
		v.failAt(path+".tenant_header", "is not read by tenant_by %s: leave out one of them", s.TenantBy)
	case s.TenantHeader != "" && !s.Streams():
		v.failAt(path+".tenant_header", "needs kafka or nats: only messages of a stream have headers")
	}
}

func (v *validator) receiver(path string, s *Source, all []*Source) {
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
	if s.Forward != nil {
		v.forward(path+".forward", s.Forward)
	}
	for i, other := range all {
		if other == s {
			return
		}
		if other.Receive == s.Receive && s.meets(other) {
			v.failAt(path+".receive", "tenants.sources[%d] already receives %s; one address serves one source", i, s.Receive)
		}
	}
}

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
	f := s.format()
	unit := unless(f.Unit, "the format %s has a unit of its own, or no duration; leave it out", s.Format)
	if f.Keys == KeysNamed {
		unit = unless(s.HasDuration(), "name the key that holds the duration in fields.duration")
	}
	return []idleKey{
		{"duration_unit", unit},
		{"start", unless(s.File != "" || s.Streams(), "only a file and a stream have a beginning and an end; leave it out")},
		{"rotated", unless(s.File != "", "only a file is rotated; leave it out")},
		{"secret_file", unless(s.Receive != "", "only a receiver has a sender to authenticate; leave it out")},
		{"secret_header", unless(s.Receive != "" && s.Receive != "vercel",
			"the secret is in a header of this name for receive: cloudflare and json only; leave it out")},
		{"forward", unless(s.Receive != "", "only a receiver appends to a stream; leave it out")},
		{"verify", unless(s.Receive == "vercel", "only receive: vercel is verified; leave it out")},
	}
}

func (v *validator) idleKeyWarnings(path string, s *Source) {
	for _, idle := range s.idleKeys() {
		at := path + "." + idle.key
		if _, written := v.positions[at]; written && idle.why != "" {
			v.warn(at, "has no effect: %s", idle.why)
		}
	}
}
