// Package config reads the policy, a YAML file or a directory of them. The policy lists the objectives of a
// multi-tenant platform, the people to notify when one is missed, and what is monitored. Both programs read the same
// policy: the exporter to measure, the generator to evaluate. docs/configuration.md documents its grammar.
package config

import (
	"fmt"
	"slices"

	bbconfig "github.com/prometheus/blackbox_exporter/config"
)

// Version is the only policy version this package reads.
const Version = 1

// Policy is a whole, validated policy with every default filled in.
type Policy struct {
	Version     int    `yaml:"version"`
	Platform    string `yaml:"platform"`
	Environment string `yaml:"environment"`
	Location    string `yaml:"location"`

	// These sections have fields because many packages read them. Their keys are those of the table sections.
	Objectives    Objectives           `yaml:"-"`
	Tiers         map[string]*Tier     `yaml:"-"`
	Priorities    map[string]*Priority `yaml:"-"`
	Hours         BusinessHours        `yaml:"-"`
	Channels      map[string]*Channel  `yaml:"-"`
	Escalation    Escalation           `yaml:"-"`
	Owners        map[string]*Owner    `yaml:"-"`
	Alertmanagers []*Alertmanager      `yaml:"-"`
	Services      []*Service           `yaml:"-"`
	SLOs          []*SLO               `yaml:"-"`
	SLA           SLA                  `yaml:"-"`
	Health        Health               `yaml:"-"`
	Tenants       Tenants              `yaml:"-"`
	Backups       []*Backup            `yaml:"-"`
	Storage       Storage              `yaml:"-"`
	Databases     []*Database          `yaml:"-"`
	Host          Host                 `yaml:"-"`
	Maintenance   []*Maintenance       `yaml:"-"`
	Links         Links                `yaml:"-"`

	values      map[string]any // of the sections without a field, by key
	modules     map[string]bbconfig.Module
	modulesFile string
	positions   map[string]position
	warnings    []Warning
	files       []string
	hash        string
}

// defaults returns the policy that the written one is laid over.
func defaults() *Policy {
	p := &Policy{Platform: "thorbis", Environment: "production", Location: "local"}
	for _, s := range sections {
		s.setDefaults(p)
	}
	return p
}

// Warnings are what the policy permits but its authors should know.
func (p *Policy) Warnings() []Warning { return slices.Clone(p.warnings) }

// Files are the files that the policy was read from, those it refers to included; none for the embedded default.
func (p *Policy) Files() []string { return slices.Clone(p.files) }

// Hash is the SHA-256 of the policy's meaning in hexadecimal: defaults filled in, comments, order of
// files and the exporter's own location left out. Rules and exporters of one policy agree on it.
func (p *Policy) Hash() string { return p.hash }

// ErrorAt returns an error that names where in the policy a path stands.
func (p *Policy) ErrorAt(path, format string, args ...any) error {
	pos := (&decoder{positions: p.positions}).at(path)
	return &Error{pos.file, pos.line, path, fmt.Sprintf(format, args...)}
}
