package config

import (
	"fmt"
	"regexp"
)

// Regexp is a regular expression that has to match the whole text.
type Regexp struct {
	text string
	re   *regexp.Regexp
}

// UnmarshalText compiles the expression.
func (r *Regexp) UnmarshalText(text []byte) error {
	if len(text) > 4096 {
		return fmt.Errorf("is too long; at most 4096 bytes")
	}
	re, err := regexp.Compile("^(?:" + string(text) + ")$")
	if err != nil {
		return fmt.Errorf("invalid regular expression %q: %w", text, err)
	}
	r.text, r.re = string(text), re
	return nil
}

// MarshalYAML writes the expression.
func (r Regexp) MarshalYAML() (any, error) { return r.text, nil }

// IsZero reports whether nothing, or the empty expression, was written.
func (r Regexp) IsZero() bool { return r.text == "" }

// MatchString reports whether the whole text matches; the zero Regexp matches nothing.
func (r Regexp) MatchString(s string) bool { return r.text != "" && r.re.MatchString(s) }

func mustRegexp(text string) Regexp {
	var r Regexp
	if err := r.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return r
}
