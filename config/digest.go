package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// digest hashes what the policy means: every value of every section and the modules, without the location of the
// exporter.
func (p *Policy) digest() (string, error) {
	hash := sha256.New()
	anywhere := *p
	anywhere.Location = ""
	for _, part := range anywhere.documents() {
		text, err := yaml.Marshal(part)
		if err != nil {
			return "", fmt.Errorf("the policy cannot be hashed: %w", err)
		}
		_, _ = hash.Write(text)
	}
	// The settings of a module decide what is down. Its secrets, which are masked here, do not.
	modules, err := modulesMeaning(p.modules)
	if err != nil {
		return "", err
	}
	_, _ = hash.Write(modules)
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// documents returns what is written in a policy, in the pieces in which it is hashed: the general keys, each section,
// and what is left of large sections.
func (p *Policy) documents() []any {
	all := []any{p} // of which only the general keys are encoded
	var rest []any
	for _, s := range sections {
		first, more := s.hashed(p)
		if first != nil {
			all = append(all, map[string]any{s.name(): first})
		}
		rest = append(rest, more...)
	}
	return append(all, rest...)
}
