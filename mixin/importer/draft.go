package importer

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/rules/slo"
)

// maxImported bounds the objectives, checks, channels or procedures of one file.
const maxImported = 10_000

// outline is the part of a policy that an importer fills, as the policy writes it.
type outline struct {
	Channels   map[string]any           `yaml:"channels,omitempty"`
	Owners     map[string]importedOwner `yaml:"owners,omitempty"`
	SLOs       []importedSLO            `yaml:"slos,omitempty"`
	Health     *importedHealth          `yaml:"health,omitempty"`
	Procedures *importedProcedures      `yaml:"procedures,omitempty"`
}

// importedSLO is an objective as the policy writes it.
type importedSLO struct {
	Name        string `yaml:"name"`
	AppService  string `yaml:"app_service"`
	Description string `yaml:"description,omitempty"`
	Objective   string `yaml:"objective"`
	Bad         string `yaml:"bad"`
	Total       string `yaml:"total"`
	Owner       string `yaml:"owner,omitempty"`
	Page        string `yaml:"page,omitempty"`
}

type importedOwner struct {
	Notify []string `yaml:"notify,flow"`
}

type importedHealth struct {
	Modules string          `yaml:"modules_file,omitempty"`
	Checks  []importedCheck `yaml:"checks"`
}

// draft collects what is imported from one file, and what is not.
type draft struct {
	// from names the file, as a sentence begins: From sloth's specification.
	from    string
	policy  outline
	modules map[string]any
	// moduleNames are the names of modules by their settings.
	moduleNames map[string]string
	notes       []string
	errs        []error
	names       map[string]bool
	count       int
}

// note reports what has no counterpart in the policy, beside something that was imported; a line of 0 is none.
func (d *draft) note(line int, format string, args ...any) {
	d.notes = append(d.notes, at(line)+fmt.Sprintf(format, args...))
}

// fail reports what was not imported at all.
func (d *draft) fail(line int, format string, args ...any) {
	d.errs = append(d.errs, errors.New(at(line)+fmt.Sprintf(format, args...)))
}

func at(line int) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprintf("line %d: ", line)
}

// full reports whether the draft holds as much as one file may have.
func (d *draft) full(line int) bool {
	if d.count++; d.count == maxImported+1 {
		d.fail(line, "more than %d: divide the file", maxImported)
	}
	return d.count > maxImported
}

// name returns a name that the policy takes and that the draft has not used, and reports one that it has shortened.
func (d *draft) name(line int, text string) string {
	if d.names == nil {
		d.names = map[string]bool{}
	}
	name := asName(text)
	if len(text) > maxImportedName {
		d.note(line, "%s is longer than a name may be; it is called %s", text, name)
	}
	return unusedName(d.names, name)
}

// fastestPace is how many times faster than permitted the budget of 30 days burns before the fastest alert fires.
var fastestPace = big.NewRat(144, 10)

// slo adds an objective unless the policy would refuse it: an expression of it does not add up over time, or no
// alert of it could ever fire.
func (d *draft) slo(line int, s importedSLO) {
	var objective config.Ratio
	if err := objective.UnmarshalText([]byte(s.Objective)); err != nil {
		d.fail(line, "%s: %v", s.Name, err)
		return
	}
	if new(big.Rat).Mul(objective.Budget(), fastestPace).Cmp(big.NewRat(1, 1)) >= 0 {
		d.fail(line, "%s: an objective of %s leaves a budget so large that its fastest alert could never fire", s.Name,
			s.Objective)
		return
	}
	for _, query := range []string{s.Bad, s.Total} {
		if err := slo.CheckExpression(query); err != nil {
			d.fail(line, "%s: %s: %v", s.Name, oneLine(query), err)
			return
		}
	}
	d.policy.SLOs = append(d.policy.SLOs, s)
}

// part returns what was imported, with the notes as comments before it. The error names what was not.
func (d *draft) part() (Part, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# From %s. Each app_service must stand under services, with its owner and page.\n", d.from)
	if len(d.notes) > 0 {
		b.WriteString("# Not carried over:\n")
		for _, n := range d.notes {
			b.WriteString("#   " + oneLine(n) + "\n")
		}
	}
	size := len(d.policy.Channels) + len(d.policy.Owners) + len(d.policy.SLOs)
	if d.policy.Health != nil {
		size += len(d.policy.Health.Checks)
	}
	if d.policy.Procedures != nil {
		size += len(d.policy.Procedures.Expected)
	}
	if size == 0 {
		return Part{}, errors.Join(append(d.errs, errors.New("nothing was imported"))...)
	}
	if err := encode(&b, d.policy); err != nil {
		return Part{}, err
	}
	part := Part{Policy: b.Bytes()}
	if len(d.modules) > 0 {
		var m bytes.Buffer
		fmt.Fprintf(&m, "# From %s.\n", d.from)
		if err := encode(&m, map[string]any{"modules": d.modules}); err != nil {
			return Part{}, err
		}
		part.Modules = m.Bytes()
	}
	return part, errors.Join(d.errs...)
}

func encode(b *bytes.Buffer, value any) error {
	encoder := yaml.NewEncoder(b)
	encoder.SetIndent(2)
	return encoder.Encode(value)
}

// oneLine replaces each run of spaces and line breaks, which a comment cannot hold, by one space.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// windowed replaces a placeholder of another tool's windows by the policy's.
func windowed(query string) string {
	return strings.TrimSpace(placeholderRE.ReplaceAllLiteralString(query, config.WindowPlaceholder))
}
