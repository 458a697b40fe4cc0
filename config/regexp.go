package config

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// Regexp is a regular expression that has to match the whole text.
type Regexp struct {
	text string
	re   *regexp.Regexp
}

// UnmarshalText compiles the expression.
func (r *Regexp) UnmarshalText(text []byte) error {
	if len(text) > 4096 {
		return fmt.Errorf("invalid regular expression of %d bytes: write at most 4096", len(text))
	}
	// The text is parsed by itself too: of a)(b only the whole has all its parentheses.
	_, err := syntax.Parse(string(text), syntax.Perl)
	var re *regexp.Regexp
	if err == nil {
		re, err = regexp.Compile("^(?:" + string(text) + ")$")
	}
	if err != nil {
		return fmt.Errorf("invalid regular expression %q: %s; write it in RE2 syntax, like api-.*",
			text, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
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
