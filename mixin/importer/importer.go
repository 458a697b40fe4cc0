// Package importer converts the configurations of other tools into parts of the policy. Each tool has a file of its
// own.
package importer

// Importer converts the configuration of one tool.
type Importer struct {
	// Name is the subcommand of thorbis_mixin import.
	Name string
	// Help and FileHelp describe the subcommand and its argument.
	Help, FileHelp string
	// Convert returns the part of the policy that says what a file of the tool says, as YAML. The error names what has no
	// counterpart; what has one is returned with it. Errors omit the name of the file.
	Convert func(file string) ([]byte, error)
}

// Importers lists every tool, in the order of the help.
var Importers = []Importer{sloth, blackbox}
