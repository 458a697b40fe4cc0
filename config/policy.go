// Package config reads the policy, a YAML file or a directory of them. The policy lists the objectives of a
// multi-tenant platform, the people to notify when one is missed, and what is monitored. Both programs read the same
// policy: the exporter to measure, the generator to evaluate. docs/configuration.md documents its grammar.
package config

import (
	"slices"
	"time"

	bbconfig "github.com/prometheus/blackbox_exporter/config"
)

// Version is the only policy version this package reads.
const Version = 1

// Policy is a whole, validated policy with every default filled in.
type Policy struct {
	Version     int                  `yaml:"version"`
	Platform    string               `yaml:"platform"`
	Environment string               `yaml:"environment"`
	Location    string               `yaml:"location"`
	Objectives  Objectives           `yaml:"objectives"`
	Tiers       map[string]*Tier     `yaml:"tiers"`
	Priorities  map[string]*Priority `yaml:"priorities"`
	Hours       BusinessHours        `yaml:"business_hours"`
	Channels    map[string]*Channel  `yaml:"channels"`
	Escalation  Escalation           `yaml:"escalation"`
	Owners      map[string]*Owner    `yaml:"owners"`
	// Alertmanagers are read by the exporter; where Prometheus sends alerts is its own configuration.
	Alertmanagers []*Alertmanager `yaml:"alertmanagers"`
	Services      []*Service      `yaml:"services"`
	SLOs          []*SLO          `yaml:"slos"`
	SLA           SLA             `yaml:"sla"`
	Health        Health          `yaml:"health"`
	Tenants       Tenants         `yaml:"tenants"`
	Backups       []*Backup       `yaml:"backups"`
	Storage       Storage         `yaml:"storage"`
	Databases     []*Database     `yaml:"databases"`
	Host          Host            `yaml:"host"`
	Maintenance   []*Maintenance  `yaml:"maintenance"`
	Links         Links           `yaml:"links"`

	modules     map[string]bbconfig.Module
	modulesFile string
	positions   map[string]position
	warnings    []Warning
	files       []string
	hash        string
}

// Objectives are the promises over a rolling period.
type Objectives struct {
	Availability Ratio              `yaml:"availability"`
	Latency      []LatencyObjective `yaml:"latency"`
	Period       Duration           `yaml:"period"`
	// BackupFreshness is the share of the time in which each backup is within its recovery point objective, Response that of
	// the incidents that are acknowledged within the time of their priority.
	BackupFreshness Ratio `yaml:"backup_freshness"`
	Response        Ratio `yaml:"response"`
}

// LatencyObjective promises that a share of the answers comes within a threshold.
type LatencyObjective struct {
	Threshold Duration `yaml:"threshold"`
	Ratio     Ratio    `yaml:"ratio"`
}

// Tier is a class of tenants with one promise.
type Tier struct {
	// Page is the priority at which the tier's pool pages, TenantPage that of one tenant of it alone.
	Page       string `yaml:"page"`
	TenantPage string `yaml:"tenant_page"`
	// Availability overrides the policy's objective; the zero Ratio does not.
	Availability Ratio `yaml:"availability"`
	Pool         Pool  `yaml:"pool"`
}

// Pool says how many tenants of a tier must suffer before the tier as a whole does.
type Pool struct {
	Tenants int `yaml:"tenants"`
}

// Priority is one of P1 to P4: how soon a person must respond and which channels are notified.
type Priority struct {
	RespondWithin Duration `yaml:"respond_within"`
	BusinessHours bool     `yaml:"business_hours"`
	Notify        []string `yaml:"notify"`
}

// BusinessHours are when chat and mail of priorities with business_hours are delivered.
type BusinessHours struct {
	TimeZone string   `yaml:"time_zone"`
	Weekdays []string `yaml:"weekdays"`
	From     string   `yaml:"from"`
	To       string   `yaml:"to"`
}

// Channel is one way to notify people. Exactly one of its kinds is set; None states explicitly that there is no dead
// man's switch.
type Channel struct {
	Slack     *Slack     `yaml:"slack"`
	PagerDuty *PagerDuty `yaml:"pagerduty"`
	Webhook   *Webhook   `yaml:"webhook"`
	Email     *Email     `yaml:"email"`
	MSTeams   *MSTeams   `yaml:"msteams"`
	SNS       *SNS       `yaml:"sns"`
	None      bool       `yaml:"-"`
}

// Slack is an incoming webhook of Slack.
type Slack struct {
	Channel string `yaml:"channel"`
	URLFile string `yaml:"url_file" secret:"alertmanager"`
}

// PagerDuty is an integration of PagerDuty's Events API v2.
type PagerDuty struct {
	Service          string `yaml:"service"`
	EscalationPolicy string `yaml:"escalation_policy"`
	RoutingKeyFile   string `yaml:"routing_key_file" secret:"alertmanager"`
	// URL overrides PagerDuty's own address, for a compatible service.
	URL string        `yaml:"url"`
	API *PagerDutyAPI `yaml:"api"`
}

// Webhook posts Alertmanager's own JSON. URL is for addresses that are no secret.
type Webhook struct {
	URL     string `yaml:"url"`
	URLFile string `yaml:"url_file" secret:"alertmanager"`
}

// Email sends mail through an SMTP relay.
type Email struct {
	To           string `yaml:"to"`
	From         string `yaml:"from"`
	Smarthost    string `yaml:"smarthost"`
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file" secret:"alertmanager"`
}

// Service is a part of the platform that is promised, owned and paged for.
type Service struct {
	Name  string `yaml:"name"`
	Owner string `yaml:"owner"`
	Page  string `yaml:"page"`
	// Availability overrides the policy's objective; the zero Ratio does not.
	Availability Ratio `yaml:"availability"`
	// PeakCapacity is the requests a second that it is built for; 0 is unknown.
	PeakCapacity float64 `yaml:"peak_capacity"`
}

// Health configures the scheduled checks.
type Health struct {
	Interval Duration `yaml:"interval"`
	Timeout  Duration `yaml:"timeout"`
	Confirm  Confirm  `yaml:"confirm"`
	// RecheckInterval is the pace while a check is down, which decides how exactly the end of an outage is known.
	RecheckInterval Duration `yaml:"recheck_interval"`
	Concurrency     int      `yaml:"concurrency"`
	// Locations names every location that runs this policy, so that a silent one is missed.
	Locations        []string           `yaml:"locations"`
	ReferenceTargets []*ReferenceTarget `yaml:"reference_targets"`
	// ReferenceNames resolve whenever our own resolver works; nil means the default ones. See Policy.ReferenceNames.
	ReferenceNames []string `yaml:"reference_names"`
	ModulesFile    string   `yaml:"modules_file"`
	// Certificates is the default of each check's.
	Certificates Certificates `yaml:"certificates"`
	Checks       []*Check     `yaml:"checks"`
}

// Confirm says how a failed probe is confirmed before its check counts as down.
type Confirm struct {
	Probes   int      `yaml:"probes"`
	Interval Duration `yaml:"interval"`
}

// ReferenceTarget is something elsewhere that answers whenever our own network works.
type ReferenceTarget struct {
	Target string `yaml:"target"`
	Module string `yaml:"module"`
}

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

// Certificates says how long before its expiry a certificate should have been renewed, and when its renewal is urgent. Zero is
// a share of the certificate's life, see docs/health.md.
type Certificates struct {
	WarnBefore   Duration `yaml:"warn_before"`
	UrgentBefore Duration `yaml:"urgent_before"`
}

// PerTenant repeats a check for every tenant of the registry.
type PerTenant struct {
	Interval     Duration `yaml:"interval"`
	MaxPerSecond float64  `yaml:"max_per_second"`
}

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

// Links are the addresses that pages point to.
type Links struct {
	Grafana  string `yaml:"grafana"`
	Runbooks string `yaml:"runbooks"`
}

// Priorities from the most to the least urgent.
var Priorities = []string{"P1", "P2", "P3", "P4"}

// PriorityRank returns 1 for P1 to 4 for P4, and 0 for anything else.
func PriorityRank(priority string) int { return slices.Index(Priorities, priority) + 1 }

// Deadman is the channel that must hear the Watchdog alert all the time.
const Deadman = "deadman"

// Module returns a blackbox_exporter module by name: the user's own, else a built-in one.
func (p *Policy) Module(name string) (bbconfig.Module, bool) {
	m, ok := p.modules[name]
	return m, ok
}

// Modules returns the names of all modules, sorted.
func (p *Policy) Modules() []string { return sortedKeys(p.modules) }

// Warnings are what the policy permits but its authors should know.
func (p *Policy) Warnings() []Warning { return slices.Clone(p.warnings) }

// Files are the files that the policy was read from, those it refers to included; none for the embedded default.
func (p *Policy) Files() []string { return slices.Clone(p.files) }

// Hash is the SHA-256 of the policy's meaning in hexadecimal: defaults filled in, comments, order of
// files and the exporter's own location left out. Rules and exporters of one policy agree on it.
func (p *Policy) Hash() string { return p.hash }

// Service returns a service by name.
func (p *Policy) Service(name string) (*Service, bool) {
	i := slices.IndexFunc(p.Services, func(s *Service) bool { return s.Name == name })
	if i < 0 {
		return nil, false
	}
	return p.Services[i], true
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
	owner, page = c.Owner, c.Page
	if s, ok := p.Service(c.AppService); ok {
		if owner == "" {
			owner = s.Owner
		}
		if page == "" {
			page = s.Page
		}
	}
	if page == "" {
		page = Priorities[0]
	}
	return owner, page
}

// Seconds is a convenience for a duration in the base unit.
func (d Duration) Seconds() float64 { return time.Duration(d).Seconds() }
