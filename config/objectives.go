package config

import (
	"fmt"
	"math/big"
	"time"
)

// Objectives are the targets over a rolling period.
type Objectives struct {
	Availability Ratio              `yaml:"availability"`
	Latency      []LatencyObjective `yaml:"latency"`
	Period       Duration           `yaml:"period"`
	// BackupFreshness is the share of the time in which each backup is within its recovery point objective.
	BackupFreshness Ratio `yaml:"backup_freshness"`
	// Response is the share of the incidents that are acknowledged within the time of their priority.
	Response Ratio `yaml:"response"`
}

// LatencyObjective requires a share of the answers to come within a threshold.
type LatencyObjective struct {
	Threshold Duration `yaml:"threshold"`
	Ratio     Ratio    `yaml:"ratio"`
}

// maxLatencies bounds the latency objectives.
const maxLatencies = 6

// humanResponse is what an on-call engineer needs at the very least to read a page and act.
const humanResponse = 15 * time.Minute

var objectivesSection = &section[Objectives]{
	key:   "objectives",
	field: func(p *Policy) *Objectives { return &p.Objectives },
	defaults: func() Objectives {
		return Objectives{
			Availability:    mustRatio("99.99%"),
			Period:          Duration(30 * 24 * time.Hour),
			BackupFreshness: mustRatio("99%"),
			Response:        mustRatio("95%"),
		}
	},
	validate: validateObjectives,
	warn:     warnOfObjectives,
}

func validateObjectives(v *validator, o Objectives) {
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
}

// latencyObjectives checks the latency objectives as SLOs, which every service has one of for each.
func (v *validator) latencyObjectives() {
	latency := v.policy.Objectives.Latency
	v.tooMany("objectives.latency", "thresholds", len(latency), maxLatencies)
	seen := map[string]bool{}
	for i, l := range latency {
		path := fmt.Sprintf("objectives.latency[%d]", i)
		v.canFire(path+".ratio", l.Ratio)
		threshold := l.Threshold.String()
		if seen[threshold] {
			v.failAt(path+".threshold", "duplicate threshold %s: keep one", threshold)
		}
		seen[threshold] = true
	}
}

func warnOfObjectives(v *validator, o Objectives) {
	budget := new(big.Rat).Mul(o.Availability.Budget(), new(big.Rat).SetInt64(int64(o.Period.Seconds())))
	if seconds, _ := budget.Float64(); seconds < humanResponse.Seconds() {
		v.warn("objectives.availability", "%s of %s is %s s: whatever a human must fix has already spent it",
			o.Availability.Percent(), o.Period, budget.FloatString(0))
	}
}

// fastestFactor is the pace of the fastest burn alert, which spends 2 % of the period's budget in an hour: 14.4
// for 30 d.
func (o Objectives) fastestFactor() *big.Rat {
	return new(big.Rat).Mul(big.NewRat(2, 100), big.NewRat(int64(o.Period), int64(time.Hour)))
}

// canFire refuses an objective whose fastest alert could never fire: if even a total failure burns slower than
// that alert's pace.
func (v *validator) canFire(path string, r Ratio) {
	factor := v.policy.Objectives.fastestFactor()
	if r.IsZero() || factor.Sign() <= 0 || new(big.Rat).Mul(r.Budget(), factor).Cmp(big.NewRat(1, 1)) < 0 {
		return
	}
	least := new(big.Rat).Sub(big.NewRat(1, 1), new(big.Rat).Inv(factor))
	percent, _ := new(big.Rat).Mul(least, big.NewRat(100, 1)).Float64()
	v.failAt(path, "%s leaves a budget so large that burning it at %s times the pace is more than everything: "+
		"its alert could never fire; write more than %.2f%%", r.Percent(), Decimal(factor), percent)
}
