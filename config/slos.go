package config

import (
	"fmt"
	"slices"
	"strings"
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

// maxSLOs bounds the policy's own objectives.
const maxSLOs = 500

var slosSection = &section[[]*SLO]{
	key:      "slos",
	field:    func(p *Policy) *[]*SLO { return &p.SLOs },
	inherit:  inheritSLOs,
	validate: validateSLOs,
}

// inheritSLOs fills in the unit, and the owner and priority of the service.
func inheritSLOs(p *Policy, slos *[]*SLO) {
	for _, s := range *slos {
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

func validateSLOs(v *validator, slos []*SLO) {
	v.latencyObjectives()
	v.tooMany("slos", "objectives", len(slos), maxSLOs)
	seen := map[string]bool{}
	for i, s := range slos {
		v.slo(fmt.Sprintf("slos[%d]", i), s, seen)
	}
}

func (v *validator) slo(path string, s *SLO, seen map[string]bool) {
	v.name(path+".name", s.Name)
	v.unique(path+".name", s.Name, seen)
	if s.Name == "availability" || s.Name == "uptime" || strings.HasPrefix(s.Name, "latency-") {
		v.failAt(path+".name", "invalid name %q: every service has an objective of this name; choose another", s.Name)
	}
	v.appService(path+".app_service", s.AppService)
	if s.Objective.IsZero() {
		v.failAt(path+".objective", "missing: write it like 99.9%%")
	}
	v.canFire(path+".objective", s.Objective)
	v.page(path+".page", s.Page)
	v.overWindow(path+".bad", s.Bad)
	v.overWindow(path+".total", s.Total)
	if units := []string{UnitEvents, UnitSeconds}; !slices.Contains(units, s.Unit) {
		v.failAt(path+".unit", "invalid unit %q: write %s", s.Unit, strings.Join(units, " or "))
	}
}

func (v *validator) overWindow(path, expr string) {
	if !strings.Contains(expr, WindowPlaceholder) {
		v.failAt(path, "write PromQL that counts over %[1]s, such as sum(rate(x_total[%[1]s]))", WindowPlaceholder)
	}
}
