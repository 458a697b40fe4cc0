package config

import (
	"fmt"
	"slices"
)

const maxPeople = 500

// Person is somebody who signs what people do: reviews, other tasks, and write-ups of incidents.
type Person struct {
	Name string `yaml:"name"`
	// Key is known to this person alone: who reports with it is this person. Without one, only a listener that knows the
	// person as a user can take a signature.
	Key *SecretRef `yaml:"key"`
}

// People returns those who sign what people do.
func (p *Policy) People() []*Person {
	if section := p.Procedures(); section != nil {
		return section.People
	}
	return nil
}

// IsPerson reports whether the policy knows a person of the name.
func (p *Policy) IsPerson(name string) bool {
	return slices.ContainsFunc(p.People(), func(o *Person) bool { return o.Name == name })
}

func validatePeople(v *validator, people []*Person) {
	v.tooMany("procedures.people", "people", len(people), maxPeople)
	seen := map[string]bool{}
	for i, p := range people {
		path := fmt.Sprintf("procedures.people[%d]", i)
		v.name(path+".name", p.Name)
		v.unique(path+".name", p.Name, seen)
		if p.Key != nil {
			v.secretRef(path+".key", p.Key)
		}
	}
}

// people checks the names of those who may sign something.
func (v *validator) people(path string, names []string, people []*Person) {
	var known []string
	for _, p := range people {
		known = append(known, p.Name)
	}
	for i, name := range names {
		if !slices.Contains(known, name) {
			v.failAt(fmt.Sprintf("%s[%d]", path, i), "unknown person %q: %s", name, Suggest(name, known))
		}
	}
}
