package config

import (
	"fmt"
	"slices"
	"time"
)

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

// Confirm configures how a failed probe is confirmed before its check counts as down.
type Confirm struct {
	Probes   int      `yaml:"probes"`
	Interval Duration `yaml:"interval"`
}

// Bounds of the checks.
const (
	maxChecks      = 20_000
	maxConcurrency = 10_000
)

var healthSection = &section[Health]{
	key:   "health",
	field: func(p *Policy) *Health { return &p.Health },
	defaults: func() Health {
		return Health{
			Interval:        Duration(30 * time.Second),
			Timeout:         Duration(3 * time.Second),
			Confirm:         Confirm{Probes: 2, Interval: Duration(time.Second)},
			RecheckInterval: Duration(2 * time.Second),
			Concurrency:     1000,
		}
	},
	references: []string{"modules_file"},
	inherit:    inheritHealth,
	validate:   validateHealth,
	warn:       warnOfHealth,
	cost:       costOfHealth,
	split:      splitChecks,
}

func inheritHealth(_ *Policy, h *Health) {
	for _, c := range h.Checks {
		c.inherit(h)
	}
	for _, r := range h.ReferenceTargets {
		if r.Module == "" {
			r.Module = "tcp_connect"
		}
	}
}

func validateHealth(v *validator, h Health) {
	v.loadModules()
	v.number("health.concurrency", h.Concurrency, 1, maxConcurrency)
	v.number("health.confirm.probes", h.Confirm.Probes, 0, 10)
	v.atLeast("health.recheck_interval", h.RecheckInterval, Duration(100*time.Millisecond))
	v.tooMany("health.checks", "checks", len(h.Checks), maxChecks)
	v.names("health.locations", h.Locations)
	v.references(h)
	v.certificates("health.certificates", h.Certificates)
	seen := map[string]bool{}
	for i, c := range h.Checks {
		v.check(fmt.Sprintf("health.checks[%d]", i), c, seen)
	}
}

func warnOfHealth(v *validator, h Health) {
	p := v.policy
	v.referenceWarnings(h)
	if len(h.Locations) < 2 {
		for i, c := range h.Checks {
			if _, page := p.PageOf(c); page == Priorities[0] && c.PerTenant == nil {
				v.warn(fmt.Sprintf("health.checks[%d]", i), "pages P1 but is judged from one location; "+
					"run a second exporter elsewhere and name both in health.locations")
				break
			}
		}
	}
	if n := h.Locations; len(n) > 0 && len(h.Checks) > 0 && !slices.Contains(n, p.Location) {
		v.warn("location", "%q is not among health.locations; unless --location names one of them, "+
			"the rules expect a location without an exporter", p.Location)
	}
	for i, c := range h.Checks {
		if h.Confirm.Interval >= c.Interval {
			v.warn(fmt.Sprintf("health.checks[%d].interval", i), "is no longer than health.confirm.interval: "+
				"a failure is confirmed no sooner than the next probe")
			break
		}
	}
}

// Series of one target (a check, or one tenant of it) and of one check whatever its tenants.
const (
	// 4 states, 4 time counters, outages, outage start, 3 results, certificate with its 2 expectations, info, interval.
	seriesPerTarget = 18
	// 16 failure and 5 unknown reasons, 12 histogram series, 5 phases.
	seriesPerCheck = 38
)

func costOfHealth(_ *Policy, h Health, tenants int) Cost {
	const month = 30 * 24 * time.Hour
	var cost Cost
	for _, c := range h.Checks {
		targets := 1
		if c.PerTenant != nil {
			targets = tenants
		}
		cost.Series += seriesPerCheck + targets*seriesPerTarget
		cost.ProbesPerMonth += targets * int(month/c.Interval.Std())
	}
	return cost
}

// hashedChecks is how many checks are hashed at once. The encoder keeps all events of a document: 5,000 checks took
// 150 MB.
const hashedChecks = 100

// splitChecks returns the section with the first checks, and the other checks.
func splitChecks(h Health) (first Health, rest []any) {
	checks := h.Checks
	next := func() []*Check {
		some := checks[:min(len(checks), hashedChecks)]
		checks = checks[len(some):]
		return some
	}
	h.Checks = next()
	for len(checks) > 0 {
		rest = append(rest, next())
	}
	return h, rest
}
