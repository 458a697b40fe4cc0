package config

import (
	"fmt"
	"math/big"
	"slices"
	"time"
)

// Warning is something the policy permits but its authors should know.
type Warning struct {
	File string
	Line int
	Path string
	Msg  string
}

// String writes the warning as an error is written.
func (w Warning) String() string { return (&Error{w.File, w.Line, w.Path, w.Msg}).Error() }

// humanResponse is what an on-call engineer needs at the very least to read a page and act.
const humanResponse = 15 * time.Minute

func (v *validator) warn(path, format string, args ...any) {
	pos := v.at(path)
	v.policy.warnings = append(v.policy.warnings, Warning{pos.file, pos.line, path, fmt.Sprintf(format, args...)})
}

func (v *validator) warnings() {
	p := v.policy
	budget := new(big.Rat).Mul(p.Objectives.Availability.Budget(), new(big.Rat).SetInt64(int64(p.Objectives.Period.Seconds())))
	if seconds, _ := budget.Float64(); seconds < humanResponse.Seconds() {
		v.warn("objectives.availability", "%s of %s is %s s: whatever a human must fix has already spent it",
			p.Objectives.Availability.Percent(), p.Objectives.Period, budget.FloatString(0))
	}
	v.referenceWarnings()
	if len(p.Health.Locations) < 2 {
		for i, c := range p.Health.Checks {
			if _, page := p.PageOf(c); page == Priorities[0] && c.PerTenant == nil {
				v.warn(fmt.Sprintf("health.checks[%d]", i), "pages P1 but is judged from one location; run a second exporter elsewhere and name both in health.locations")
				break
			}
		}
	}
	if n := p.Health.Locations; len(n) > 0 && len(p.Health.Checks) > 0 && !slices.Contains(n, p.Location) {
		v.warn("location", "%q is not among health.locations; unless --location names one of them, the rules expect a location without an exporter", p.Location)
	}
	for i, c := range p.Health.Checks {
		if p.Health.Confirm.Interval >= c.Interval {
			v.warn(fmt.Sprintf("health.checks[%d].interval", i), "is no longer than health.confirm.interval: a failure is confirmed no sooner than the next probe")
			break
		}
	}
	if deadman, ok := p.Channels[Deadman]; ok && deadman.None {
		v.warn("channels.deadman", "no dead man's switch: a failure of the alerting itself goes unnoticed")
	}
	v.secretWarnings()
	v.backupWarnings()
	v.storageWarnings()
	v.tenantWarnings()
}
