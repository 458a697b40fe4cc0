package config

import "reflect"

// section is a part of the policy: the type T of what stands under its key, and all that the package does with it. Each
// section is declared in its own file and listed in sections. Decoding follows the yaml tags of T and refuses unknown
// keys. A function that is nil does nothing. Where T is a pointer, the section is optional: while it is not written,
// none of the functions runs and the hash does not depend on it.
type section[T any] struct {
	key string
	// field returns where Policy has the value. Without it, the value is kept by key, and only of returns it.
	field func(*Policy) *T
	// defaults returns the value that holds where nothing is written.
	defaults func() T
	// references are the keys, within the section, of files that are no parts of a policy in a directory.
	references []string
	// inherit fills in what was left out, from this section or another.
	inherit func(*Policy, *T)
	// validate reports errors. It runs after inherit of all sections.
	validate func(*validator, T)
	// warn reports what is permitted but should be known. It runs only if no section has an error.
	warn func(*validator, T)
	// resolve makes absolute the names of files that the exporter opens, except those of secrets. The hash does not
	// depend on it.
	resolve func(*validator, *T)
	// cost returns what the section makes an exporter do with a number of tenants.
	cost func(p *Policy, value T, tenants int) Cost
	// split divides a value that is too large to be hashed at once.
	split func(T) (first T, rest []any)
}

// part is a section of any type.
type part interface {
	name() string
	valueType() reflect.Type
	referenced() []string
	// setDefaults puts the defaults into a policy.
	setDefaults(p *Policy)
	// value returns the value in a policy. It can be set.
	value(p *Policy) reflect.Value
	// hashed returns the value in the pieces in which it is hashed, nil for none.
	hashed(p *Policy) (first any, rest []any)
	// The others run a function of the section, where it has one and is not absent.
	runInherit(p *Policy)
	runValidate(v *validator)
	runWarn(v *validator)
	runResolve(v *validator)
	runCost(p *Policy, tenants int) Cost
}

// of returns the value in a policy: a zero one if the policy was not loaded and has no field for it.
func (s *section[T]) of(p *Policy) *T {
	if s.field != nil {
		return s.field(p)
	}
	if value, ok := p.values[s.key].(*T); ok {
		return value
	}
	return new(T)
}

// set puts a value into a policy.
func (s *section[T]) set(p *Policy, value T) {
	if s.field != nil {
		*s.field(p) = value
		return
	}
	if p.values == nil {
		p.values = map[string]any{}
	}
	p.values[s.key] = &value
}

func (s *section[T]) name() string { return s.key }

func (s *section[T]) valueType() reflect.Type { return reflect.TypeFor[T]() }

func (s *section[T]) referenced() []string { return s.references }

func (s *section[T]) setDefaults(p *Policy) {
	var value T
	if s.defaults != nil {
		value = s.defaults()
	}
	s.set(p, value)
}

func (s *section[T]) value(p *Policy) reflect.Value { return reflect.ValueOf(s.of(p)).Elem() }

// absent reports whether an optional section is not written.
func (s *section[T]) absent(p *Policy) bool {
	v := s.value(p)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

func (s *section[T]) hashed(p *Policy) (first any, rest []any) {
	switch {
	case s.absent(p):
		return nil, nil
	case s.split == nil:
		return s.of(p), nil
	}
	return s.split(*s.of(p))
}

func (s *section[T]) runInherit(p *Policy) {
	if s.inherit != nil && !s.absent(p) {
		s.inherit(p, s.of(p))
	}
}

func (s *section[T]) runValidate(v *validator) {
	if s.validate != nil && !s.absent(v.policy) {
		s.validate(v, *s.of(v.policy))
	}
}

func (s *section[T]) runWarn(v *validator) {
	if s.warn != nil && !s.absent(v.policy) {
		s.warn(v, *s.of(v.policy))
	}
}

func (s *section[T]) runResolve(v *validator) {
	if s.resolve != nil && !s.absent(v.policy) {
		s.resolve(v, s.of(v.policy))
	}
}

func (s *section[T]) runCost(p *Policy, tenants int) Cost {
	if s.cost == nil || s.absent(p) {
		return Cost{}
	}
	return s.cost(p, *s.of(p), tenants)
}

// SectionType is the key of a section and the type of what stands under it.
type SectionType struct {
	Key  string
	Type reflect.Type
}

// SectionTypes lists the sections of a policy. Beside them, the general keys are those of Policy itself.
func SectionTypes() []SectionType {
	var all []SectionType
	for _, s := range sections {
		all = append(all, SectionType{s.name(), s.valueType()})
	}
	return all
}
