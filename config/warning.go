package config

import "fmt"

// Warning is something the policy permits but its authors should know.
type Warning struct {
	File string
	Line int
	Path string
	Msg  string
}

// String writes the warning as an error is written.
func (w Warning) String() string { return (&Error{w.File, w.Line, w.Path, w.Msg}).Error() }

func (v *validator) warn(path, format string, args ...any) {
	pos := v.at(path)
	v.policy.warnings = append(v.policy.warnings, Warning{pos.file, pos.line, path, fmt.Sprintf(format, args...)})
}

// warnings adds the warnings of all sections to the policy.
func (v *validator) warnings() {
	secrets := false
	for _, s := range inOrder(func(e entry) int { return e.warned }) {
		if !secrets && (s.warned == 0 || s.warned > secretsWarned) {
			v.secretWarnings()
			secrets = true
		}
		s.runWarn(v)
	}
}
