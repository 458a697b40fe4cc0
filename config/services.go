package config

import (
	"fmt"
	"slices"
)

// Service is a part of the platform that has objectives, an owner and a priority.
type Service struct {
	Name  string `yaml:"name"`
	Owner string `yaml:"owner"`
	Page  string `yaml:"page"`
	// Availability overrides the policy's objective; the zero Ratio does not.
	Availability Ratio `yaml:"availability"`
	// PeakCapacity is the requests a second that it is built for; 0 is unknown.
	PeakCapacity float64 `yaml:"peak_capacity"`
}

var servicesSection = &section[[]*Service]{
	key:      "services",
	field:    func(p *Policy) *[]*Service { return &p.Services },
	inherit:  inheritServices,
	validate: validateServices,
}

func inheritServices(_ *Policy, services *[]*Service) {
	for _, s := range *services {
		if s.Page == "" {
			s.Page = Priorities[0]
		}
	}
}

func validateServices(v *validator, services []*Service) {
	seen := map[string]bool{}
	for i, s := range services {
		path := fmt.Sprintf("services[%d]", i)
		v.name(path+".name", s.Name)
		v.page(path+".page", s.Page)
		v.canFire(path+".availability", s.Availability)
		v.unique(path+".name", s.Name, seen)
		if s.PeakCapacity < 0 {
			v.failAt(path+".peak_capacity",
				"invalid number \"%v\": write the requests a second that the service is built for, more than 0", s.PeakCapacity)
		}
	}
}

// Service returns a service by name.
func (p *Policy) Service(name string) (*Service, bool) {
	i := slices.IndexFunc(p.Services, func(s *Service) bool { return s.Name == name })
	if i < 0 {
		return nil, false
	}
	return p.Services[i], true
}

// ownership returns the given owner and priority, each that of the service where it is empty. The last resort is P1.
func (p *Policy) ownership(owner, page, service string) (string, string) {
	if s, ok := p.Service(service); ok {
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
