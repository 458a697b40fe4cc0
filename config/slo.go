package config

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// SLO is an objective over any series: a share of bad events, or of bad seconds, among all. Its expressions are
// PromQL, which only the generator reads; the exporter takes them as text.
type SLO struct {
	Name        string `yaml:"name"`
	AppService  string `yaml:"app_service"`
	Description string `yaml:"description"`
	Objective   Ratio  `yaml:"objective"`
	// Bad and Total count what was added in a window, which is written $window: sum(rate(x_total[$window])).
	Bad   string `yaml:"bad"`
	Total string `yaml:"total"`
	// Unit is what they count: events, or seconds.
	Unit  string `yaml:"unit"`
	Owner string `yaml:"owner"`
	Page  string `yaml:"page"`
}

// Units of an SLO.
const (
	UnitEvents  = "events"
	UnitSeconds = "seconds"
)

// WindowPlaceholder is what an SLO's expressions write for the range of a window.
const WindowPlaceholder = "$window"

// SLA is the contract with the customers: by calendar month, maintenance left out, and apart from the
// objectives, which are ours and roll.
type SLA struct {
	Availability Ratio `yaml:"availability"`
}

// Bounds of a policy's objectives.
const (
	maxLatencies = 6
	maxSLOs      = 500
)

// ErrorAt returns an error that names where in the policy a path stands.
func (p *Policy) ErrorAt(path, format string, args ...any) error {
	pos := (&decoder{positions: p.positions}).at(path)
	return &Error{pos.file, pos.line, path, fmt.Sprintf(format, args...)}
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
	v.failAt(path, "%s leaves a budget so large that burning it at %s times the pace is more than everything: its alert could never fire; write more than %.2f%%",
		r.Percent(), Decimal(factor), percent)
}

func (v *validator) slos() {
	p := v.policy
	if len(p.Objectives.Latency) > maxLatencies {
		v.failAt("objectives.latency", "%d thresholds; at most %d", len(p.Objectives.Latency), maxLatencies)
	}
	thresholds := map[string]bool{}
	for i, l := range p.Objectives.Latency {
		path := fmt.Sprintf("objectives.latency[%d]", i)
		v.canFire(path+".ratio", l.Ratio)
		if thresholds[l.Threshold.String()] {
			v.failAt(path+".threshold", "duplicate threshold %s: keep one", l.Threshold)
		}
		thresholds[l.Threshold.String()] = true
	}
	if len(p.SLOs) > maxSLOs {
		v.failAt("slos", "%d objectives; at most %d", len(p.SLOs), maxSLOs)
	}
	seen := map[string]bool{}
	for i, s := range p.SLOs {
		v.slo(fmt.Sprintf("slos[%d]", i), s, seen)
	}
}

func (v *validator) slo(path string, s *SLO, seen map[string]bool) {
	v.name(path+".name", s.Name)
	v.unique(path+".name", s.Name, seen)
	if s.Name == "availability" || s.Name == "uptime" || strings.HasPrefix(s.Name, "latency-") {
		v.failAt(path+".name", "%q is the name of an objective that every service has; choose another", s.Name)
	}
	if _, ok := v.policy.Service(s.AppService); !ok {
		var known []string
		for _, s := range v.policy.Services {
			known = append(known, s.Name)
		}
		v.failAt(path+".app_service", "unknown service %q: %s", s.AppService, Suggest(s.AppService, known))
	}
	if s.Objective.IsZero() {
		v.failAt(path+".objective", "missing: write it like 99.9%%")
	}
	v.canFire(path+".objective", s.Objective)
	v.page(path+".page", s.Page)
	for key, expr := range map[string]string{"bad": s.Bad, "total": s.Total} {
		if !strings.Contains(expr, WindowPlaceholder) {
			v.failAt(path+"."+key, "write PromQL that counts over %[1]s, such as sum(rate(x_total[%[1]s]))", WindowPlaceholder)
		}
	}
	if units := []string{UnitEvents, UnitSeconds}; !slices.Contains(units, s.Unit) {
		v.failAt(path+".unit", "invalid unit %q: write %s", s.Unit, strings.Join(units, " or "))
	}
}

// inheritSLOs fills what each of the policy's own objectives left out from its service.
func (p *Policy) inheritSLOs() {
	for _, s := range p.SLOs {
		if s.Unit == "" {
			s.Unit = UnitEvents
		}
		if service, ok := p.Service(s.AppService); ok {
			if s.Owner == "" {
				s.Owner = service.Owner
			}
			if s.Page == "" {
				s.Page = service.Page
			}
		}
	}
}
