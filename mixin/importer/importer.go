// Package importer converts the configurations of other tools into parts of the policy. Each tool has a file of its
// own.
package importer

// Importer converts the configuration of one tool.
type Importer struct {
	// Name is the subcommand of thorbis_mixin import.
	Name string
	// Help and FileHelp describe the subcommand and its argument.
	Help, FileHelp string
	// Convert returns what a file of the tool says. The error names, with the line, what was not imported at all; what was
	// is returned with it. Errors omit the name of the file.
	Convert func(file string) (Part, error)
}

// Part is the part of a policy that a file of another tool says.
type Part struct {
	// Policy is YAML of the policy's grammar. Comments before it list, with the line, what has no counterpart.
	Policy []byte
	// Modules is a file of the blackbox_exporter's grammar, which health.modules_file of the policy names; nil if no check
	// needs a module of its own.
	Modules []byte
}

// ModulesFile is the name by which an imported policy refers to its modules.
const ModulesFile = "modules.yml"

// Importers lists every tool, in the order of the help.
var Importers = []Importer{sloth, openSLO, pyrra, blackbox, alertmanager, gatus, uptimeKuma, healthchecks}

// ofText returns a conversion that reads its file whole.
func ofText(convert func(text []byte) (Part, error)) func(file string) (Part, error) {
	return func(file string) (Part, error) {
		text, err := ReadFile(file)
		if err != nil {
			return Part{}, err
		}
		return convert(text)
	}
}
